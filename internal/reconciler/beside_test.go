package reconciler_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/reconciler"
)

// lines is a log that several goroutines write.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func lazyClient(t *testing.T) client.Client {
	t.Helper()
	c, err := client.NewLazyClient(client.Options{})
	require.NoError(t, err)
	return c
}

// Requests that have stalled are looked after again and again, under their own name in the log: by a read-only worker
// too, while drift rules take their time or fail, and while the claims cannot be read.
func TestTicker_Stalled(t *testing.T) {
	t.Parallel()
	const slow = "slow drift rules"
	hanging := make(chan struct{})
	hangs := func(ctx context.Context, _ client.Client) error { close(hanging); <-ctx.Done(); return nil }
	for name, tweak := range map[string]func(*reconciler.Options){
		"alone":     func(o *reconciler.Options) { o.Drift = nil },
		"read-only": func(o *reconciler.Options) { o.ReadOnly = true },
		slow: func(o *reconciler.Options) {
			o.DriftEvery, o.Drift = time.Millisecond, hangs
		},
		"claims cannot be read": func(o *reconciler.Options) {
			o.Overdue = func(context.Context, time.Time) ([]reconciler.Claim, error) {
				return nil, errors.New("the database is down")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, log, looks := newWorld(), &lines{}, 0
			c := lazyClient(t)
			ticker := w.start(t, tweak, func(o *reconciler.Options) {
				o.Log, o.StalledEvery = slog.New(slog.NewTextHandler(log, nil)), time.Millisecond
				o.Stalled = func(_ context.Context, temporal client.Client) error {
					w.mu.Lock()
					defer w.mu.Unlock()
					if temporal == c {
						looks++
					}
					return errors.New("no such page")
				}
			})
			if name == slow {
				<-hanging
			}
			ticker.Reach(c)
			w.eventually(t, "looks", func() bool { return looks > 2 })
			require.Contains(t, log.String(),
				`msg="Cannot look after all requests that have stalled: retrying" error="no such page"`)
			require.NotContains(t, log.String(), "drift rules")
		})
	}
}

// Without Temporal nothing is known of requests, and a process that is not at work leaves them to the one that is.
func TestTicker_StalledIsNotLookedFor(t *testing.T) {
	t.Parallel()
	w, looks, stalled := newWorld(), 0, 0
	watch := func(o *reconciler.Options) {
		o.StalledEvery, o.StandByEvery = time.Millisecond, time.Millisecond
		o.Overdue = func(context.Context, time.Time) ([]reconciler.Claim, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			looks++
			return nil, nil
		}
		o.Stalled = func(context.Context, client.Client) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			stalled++
			return nil
		}
	}
	w.start(t, watch)
	w.eventually(t, "looks without Temporal", func() bool { return w.locked && looks > 5 })
	standsBy := w.start(t, watch)
	standsBy.Reach(lazyClient(t))
	seen := 0
	w.eventually(t, "looks of both", func() bool {
		if seen == 0 {
			seen = looks
		}
		return looks > seen+10
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Zero(t, stalled)
}
