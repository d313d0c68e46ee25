package reconciler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/reconciler"
)

// world is a ledger and a console of claims: those that are overdue, and what becomes of attempts at them.
type world struct {
	mu       sync.Mutex
	overdue  []reconciler.Claim
	down     bool            // the console
	bad      map[string]bool // requests that cannot be released
	tries    map[string]int
	events   []string // in their order
	confirms map[string]int
	reads    int // that a release needs to be confirmed
	locked   bool
	now      int // attempts at the moment
	most     int
}

func newWorld(overdue ...string) *world {
	w := &world{bad: map[string]bool{}, tries: map[string]int{}, confirms: map[string]int{}, reads: 1}
	for i, request := range overdue {
		w.overdue = append(w.overdue, claim(request, i))
	}
	return w
}

func claim(request string, i int) reconciler.Claim {
	return reconciler.Claim{
		Run: ledger.Run{Request: request, ID: "run"}, Principal: ledger.Subject{Kind: access.User, ID: fmt.Sprint(i)},
		Due: time.Now().Add(time.Duration(i-1000) * time.Second),
	}
}

var errDown = errors.New("the console is down")

func (w *world) ReleaseOverdue(_ context.Context, run ledger.Run, _ time.Duration) (bool, error) {
	w.mu.Lock()
	w.tries[run.Request]++
	w.now++
	w.most = max(w.most, w.now)
	w.mu.Unlock()
	defer func() { w.mu.Lock(); w.now--; w.mu.Unlock() }()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down || w.bad[run.Request] {
		return false, errDown
	}
	for i, c := range w.overdue {
		if c.Run == run {
			w.overdue = append(w.overdue[:i:i], w.overdue[i+1:]...)
			w.events = append(w.events, "release "+run.Request)
			return true, nil
		}
	}
	return false, nil
}

func (w *world) ConfirmRelease(_ context.Context, run ledger.Run) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.confirms[run.Request]++
	if w.confirms[run.Request] < w.reads {
		return false, nil
	}
	w.events = append(w.events, "confirm "+run.Request)
	return true, nil
}

func (w *world) list(context.Context, time.Time) ([]reconciler.Claim, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]reconciler.Claim{}, w.overdue...), nil
}

func (w *world) follow(_ context.Context, _ client.Client, c reconciler.Claim) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, "follow "+c.Run.Request)
	return nil
}

// lock is the lock of a world: a test takes it away.
type lock struct {
	w    *world
	mine *bool
}

func (l lock) Held(context.Context) (bool, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return *l.mine, nil
}

func (l lock) Release(context.Context) error {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.w.locked = false
	return nil
}

func (w *world) takeLock(context.Context) (reconciler.Lock, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.locked {
		return nil, nil
	}
	w.locked = true
	mine := true
	return lock{w, &mine}, nil
}

// start runs a ticker until the test ends.
func (w *world) start(t *testing.T, tweaks ...func(*reconciler.Options)) *reconciler.Ticker {
	t.Helper()
	o := reconciler.Options{
		Overdue: w.list, Lock: w.takeLock, Releaser: w, Follow: w.follow, Log: slog.New(slog.DiscardHandler),
		After: time.Millisecond, Every: 5 * time.Millisecond, ConfirmAfter: time.Millisecond,
	}
	for _, tweak := range tweaks {
		tweak(&o)
	}
	ticker := reconciler.New(o)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); ticker.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return ticker
}

// eventually waits until the condition holds of the world.
func (w *world) eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return cond()
	}, 2*time.Minute, time.Millisecond, what)
}

// Without Temporal what is overdue is released and confirmed. What follows waits until Temporal can be reached.
func TestTicker_ReleasesWithoutTemporal(t *testing.T) {
	t.Parallel()
	w := newWorld("grant/1")
	w.reads = 3
	ticker := w.start(t)
	w.eventually(t, "released and confirmed", func() bool { return len(w.events) == 2 })
	require.Equal(t, []string{"release grant/1", "confirm grant/1"}, w.events)
	require.Equal(t, 3, w.confirms["grant/1"])
	c, err := client.NewLazyClient(client.Options{})
	require.NoError(t, err)
	ticker.Reach(c)
	w.eventually(t, "followed up", func() bool { return len(w.events) == 3 })
	require.Equal(t, "follow grant/1", w.events[2])
}

// Claims that cannot be released hold up no other, however many they are.
func TestTicker_BadOnesHoldUpNoOther(t *testing.T) {
	t.Parallel()
	var all []string
	for i := range 40 {
		all = append(all, fmt.Sprintf("grant/bad-%d", i))
	}
	w := newWorld(all...)
	for _, request := range all {
		w.bad[request] = true
	}
	w.start(t)
	w.eventually(t, "each had its turn", func() bool { return len(w.tries) == 40 })
	w.mu.Lock()
	w.overdue = append(w.overdue, claim("grant/good", 99))
	w.mu.Unlock()
	w.eventually(t, "released", func() bool { return len(w.events) > 0 })
	require.Equal(t, "release grant/good", w.events[0])
}

// While the console is down, a look costs it one attempt. Once it is back, all go on at once.
func TestTicker_ConsoleDown(t *testing.T) {
	t.Parallel()
	var all []string
	for i := range 30 {
		all = append(all, fmt.Sprintf("grant/%d", i))
	}
	w := newWorld(all...)
	w.down = true
	looks := 0
	w.start(t, func(o *reconciler.Options) {
		o.Overdue = func(ctx context.Context, due time.Time) ([]reconciler.Claim, error) {
			w.mu.Lock()
			looks++
			w.mu.Unlock()
			return w.list(ctx, due)
		}
	})
	w.eventually(t, "many looks", func() bool { return looks > 20 })
	w.mu.Lock()
	tried := 0
	for _, n := range w.tries {
		tried += n
	}
	looked, most := looks, w.most
	w.down = false
	w.mu.Unlock()
	// Before it is known that the console is down, each slot makes an attempt, and the first failures two more.
	require.LessOrEqual(t, tried, looked+8+3)
	require.LessOrEqual(t, most, 8)
	w.eventually(t, "all released", func() bool { return len(w.overdue) == 0 })
}

// A read-only worker reports what is overdue.
func TestTicker_ReadOnly(t *testing.T) {
	t.Parallel()
	w := newWorld("grant/1")
	looks := 0
	w.start(t, func(o *reconciler.Options) {
		o.ReadOnly = true
		o.Overdue = func(ctx context.Context, due time.Time) ([]reconciler.Claim, error) {
			w.mu.Lock()
			looks++
			w.mu.Unlock()
			return w.list(ctx, due)
		}
	})
	w.eventually(t, "looks", func() bool { return looks > 5 })
	w.mu.Lock()
	tried := len(w.tries)
	w.mu.Unlock()
	require.Zero(t, tried)
}

// Of two processes one is at work. When it stops, the other one goes on.
func TestTicker_OneAtWork(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var looks [2]int
	count := func(i int) func(*reconciler.Options) {
		return func(o *reconciler.Options) {
			o.Overdue = func(context.Context, time.Time) ([]reconciler.Claim, error) {
				w.mu.Lock()
				defer w.mu.Unlock()
				looks[i]++
				return nil, nil
			}
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	o := reconciler.Options{
		Lock: w.takeLock, Releaser: w, Follow: w.follow, Log: slog.New(slog.DiscardHandler), Every: time.Millisecond,
	}
	count(0)(&o)
	first, done := reconciler.New(o), make(chan struct{})
	go func() { defer close(done); first.Run(ctx) }()
	w.eventually(t, "the first one is at work", func() bool { return looks[0] > 0 })
	w.start(t, count(1))
	w.eventually(t, "it goes on", func() bool { return looks[0] > 20 })
	w.mu.Lock()
	others := looks[1]
	w.mu.Unlock()
	require.Zero(t, others)
	stop()
	<-done
	w.eventually(t, "the other one takes over", func() bool { return looks[1] > 0 })
}

// A lock that was lost is given up, and taken again once it is free.
func TestTicker_LockLost(t *testing.T) {
	t.Parallel()
	w := newWorld()
	taken := 0
	mine := true
	w.start(t, func(o *reconciler.Options) {
		o.Lock = func(context.Context) (reconciler.Lock, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			taken++
			return lock{w, &mine}, nil
		}
	})
	w.eventually(t, "it is at work", func() bool { return taken == 1 })
	w.mu.Lock()
	mine = false
	w.mu.Unlock()
	w.eventually(t, "it takes the lock again", func() bool { return taken > 1 })
}

// What a process released before it died is confirmed and told by the next one.
func TestTicker_GoesOnWithUnconfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ticker := w.start(t, func(o *reconciler.Options) {
		o.Unconfirmed = func(context.Context) ([]reconciler.Claim, error) {
			return []reconciler.Claim{claim("grant/1", 1)}, nil
		}
	})
	c, err := client.NewLazyClient(client.Options{})
	require.NoError(t, err)
	ticker.Reach(c)
	w.eventually(t, "followed up", func() bool { return len(w.events) == 2 })
	require.Equal(t, []string{"confirm grant/1", "follow grant/1"}, w.events)
}

// Drift is looked at before its time once there is something to do.
func TestTicker_DriftSooner(t *testing.T) {
	t.Parallel()
	w := newWorld()
	drifts, asked, sooner := 0, 0, false
	w.start(t, func(o *reconciler.Options) {
		o.DriftEvery = time.Hour
		o.DriftSooner = func(context.Context) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			asked++
			return sooner
		}
		o.Drift = func(context.Context, client.Client) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			drifts++
			sooner = false
			return nil
		}
	})
	w.eventually(t, "the first look", func() bool { return drifts == 1 && asked > 5 })
	w.eventually(t, "the next one", func() bool {
		sooner = sooner || drifts == 1
		return drifts == 2
	})
}

// The drift rules are carried out beside the releases, one look at a time; a read-only worker does not.
func TestTicker_DriftRules(t *testing.T) {
	t.Parallel()
	for _, readOnly := range []bool{false, true} {
		w := newWorld()
		looks, drifts := 0, 0
		w.start(t, func(o *reconciler.Options) {
			o.ReadOnly, o.DriftEvery = readOnly, time.Millisecond
			o.Overdue = func(context.Context, time.Time) ([]reconciler.Claim, error) {
				w.mu.Lock()
				defer w.mu.Unlock()
				looks++
				return nil, nil
			}
			o.Drift = func(context.Context, client.Client) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				drifts++
				return errDown
			}
		})
		w.eventually(t, "looks", func() bool { return looks > 5 && (readOnly || drifts > 2) })
		w.mu.Lock()
		got := drifts
		w.mu.Unlock()
		require.Equal(t, readOnly, got == 0)
	}
}
