package reconciler_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/reconciler"
)

// due lists the claims that were due at a time, as a store does.
func (w *world) due(_ context.Context, at time.Time) (out []reconciler.Claim, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.overdue {
		if !c.Due.After(at) {
			out = append(out, c)
		}
	}
	return out, nil
}

// stuck is a world as a process sees it that cannot reach the console.
type stuck struct{ *world }

func (s stuck) ReleaseOverdue(context.Context, ledger.Run, time.Duration) (bool, error) {
	return false, errDown
}

// A process that is at work and does not get on holds up nobody's end: its clock is an hour slow, or the console
// cannot be reached from it. What is overdue for longer is released by another process, which is not at work.
func TestTicker_StandsBy(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]func(*world, *reconciler.Options){
		"slow clock": func(_ *world, o *reconciler.Options) {
			o.Now = func() time.Time { return time.Now().Add(-time.Hour) }
		},
		"no console": func(w *world, o *reconciler.Options) { o.Releaser = stuck{w} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld("grant/1", "grant/2")
			w.overdue[1].Due = time.Now().Add(-90 * time.Second) // overdue, and not for long
			times := func(o *reconciler.Options) {
				o.Overdue, o.After = w.due, time.Minute
				o.StandByAfter, o.StandByEvery = time.Hour/4, time.Millisecond
			}
			w.start(t, times, func(o *reconciler.Options) { bad(w, o) })
			w.eventually(t, "the first one is at work", func() bool { return w.locked })
			drifts := 0
			w.start(t, times, func(o *reconciler.Options) {
				o.DriftEvery = time.Millisecond
				o.Drift = func(context.Context, client.Client) error {
					w.mu.Lock()
					defer w.mu.Unlock()
					drifts++
					return nil
				}
			})
			w.eventually(t, "the one that stands by releases", func() bool {
				return slices.Contains(w.events, "release grant/1") && slices.Contains(w.events, "confirm grant/1")
			})
			w.mu.Lock()
			defer w.mu.Unlock()
			require.NotContains(t, w.events, "release grant/2", "the one at work has its time")
			require.Zero(t, drifts, "the drift rules are those of the one at work")
		})
	}
}

// crowd is a console with many ends at once.
type crowd struct {
	mu                sync.Mutex
	overdue           map[string]reconciler.Claim
	bad               map[string]bool // requests that cannot be released
	confirmed         int
	confirmedTooEarly bool
}

func (c *crowd) ReleaseOverdue(_ context.Context, run ledger.Run, _ time.Duration) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bad[run.Request] {
		return false, kinds.New(kinds.Forbidden, errors.New("403 Insufficient permissions"))
	}
	delete(c.overdue, run.Request)
	return true, nil
}

func (c *crowd) ConfirmRelease(context.Context, ledger.Run) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.confirmed++
	c.confirmedTooEarly = c.confirmedTooEarly || len(c.overdue) > len(c.bad)+8
	return true, nil
}

func (c *crowd) list(context.Context, time.Time) ([]reconciler.Claim, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Values(c.overdue)), nil
}

// Ten thousand ends at once: all are released, also behind those that cannot be, and no read that confirms one is
// made before the last release has begun.
func TestTicker_TenThousandAtOnce(t *testing.T) {
	t.Parallel()
	const many, stuck = 10_000, 50
	c := &crowd{overdue: map[string]reconciler.Claim{}, bad: map[string]bool{}}
	for i := range many {
		one := claim(fmt.Sprintf("grant/%d", i), i)
		c.overdue[one.Run.Request] = one
		if i < stuck { // those that are overdue longest
			c.bad[one.Run.Request] = true
		}
	}
	w := newWorld()
	w.start(t, func(o *reconciler.Options) {
		o.Every, o.Overdue, o.Releaser = time.Second, c.list, c
	})
	require.Eventually(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.confirmed == many-stuck
	}, 4*time.Minute, 10*time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Len(t, c.overdue, stuck)
	require.False(t, c.confirmedTooEarly, "releases go first")
}
