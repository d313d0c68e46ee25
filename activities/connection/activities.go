package connection

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/connection"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/schedule"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

const (
	// consoleTimeout bounds the requests of one check. A console that takes longer is not reachable.
	consoleTimeout = 45 * time.Second
	// minAge is how old the console's answers must be before it is asked again, whoever starts checks.
	minAge = 10 * time.Second
)

// Activities check the connection to one console.
type Activities struct {
	console *console.Client
	store   *store.Store
	every   time.Duration
	now     func() time.Time
	running func(ctx context.Context, s store.Snapshot) bool
	// schedule finds a schedule in Temporal.
	schedule func(ctx context.Context, id string) (schedule.Schedule, error)
	// announce tells people of tokens that end; nil: nobody is told.
	announce func(context.Context, wire.AnnounceInput) error

	mu     sync.Mutex // one check at a time
	tokens tokenList
	warned map[string]bool // warnings that were announced
}

// New wires the activity. every is the pause between two checks; 0 makes none.
func New(c *console.Client, s *store.Store, every time.Duration) *Activities {
	return &Activities{console: c, store: s, every: every, now: time.Now, running: isRunning, schedule: findSchedule}
}

// Registry is the part of a worker that activities register with.
type Registry interface {
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

// Register registers the activity under its name in package wire.
func (a *Activities) Register(r Registry) {
	r.RegisterActivityWithOptions(a.Check, activity.RegisterOptions{Name: wire.ConnectionCheckActivity})
}

// Check gathers the evidence anew, keeps it in the store, and judges it. What cannot be found out is evidence too: the
// only errors are those of a worker of another console, and of a store that keeps nothing.
func (a *Activities) Check(ctx context.Context, in wire.ConnectionCheckInput) (wire.ConnectionCheckResult, error) {
	defer attempt.KeepAlive(ctx)()
	var out wire.ConnectionCheckResult
	if err := attempt.CheckConsole("check", in.Console, a.console.Console()); err != nil {
		return out, err
	}
	if a.every <= 0 {
		return out, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	evidence, err := a.gather(ctx)
	if err != nil {
		return out, err
	}
	a.warnOfTokens(ctx, evidence.Token)
	report := connection.Judge(evidence, a.now())
	out.Every = access.Duration(a.every)
	out.Report, err = json.Marshal(report)
	if report.Label != connection.Connected {
		attempt.Logger(ctx).Warn("The connection is not well", "label", string(report.Label),
			"why", report.Why)
	}
	return out, err
}

// gather makes the evidence of now out of that of before.
func (a *Activities) gather(ctx context.Context) (connection.Evidence, error) {
	before, err := Latest(ctx, a.store, a.console.Console())
	if err != nil {
		attempt.Logger(ctx).Warn("The last check of the connection cannot be read", "error", err)
		before = nil
	}
	now := a.now().UTC()
	e := connection.Evidence{Console: a.console.Console(), CheckedAt: now, ReadOnly: a.console.ReadOnly()}
	if before != nil && now.Sub(before.CheckedAt) < minAge && !before.CheckedAt.After(now) {
		e = *before
	} else {
		a.askConsole(ctx, &e, before)
	}
	a.askStore(ctx, &e, before)
	text, err := json.Marshal(e)
	if err != nil {
		return e, err
	}
	if err := a.store.KeepConnectionCheck(ctx, e.Console, e.CheckedAt, text); err != nil {
		return e, fmt.Errorf("keep the check of the connection to %s: %w", e.Console, err)
	}
	return e, nil
}

// Latest is the evidence that checks of a console have kept last; nil before the first.
func Latest(ctx context.Context, s *store.Store, host string) (*connection.Evidence, error) {
	kept, err := s.ConnectionCheck(ctx, host)
	if err != nil {
		return nil, err
	}
	return connection.ReadEvidence(kept)
}
