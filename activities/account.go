package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/tokensink"
	"sentinelone-provisioner/internal/wire"
)

// Accounts holds what the activities that make users and service users, and rotate tokens, work with. They
// wait on the task queue of changes.
type Accounts struct {
	console *console.Client
	store   *store.Store
	tokens  tokensink.Sink
	now     func() time.Time
	pause   func(ctx context.Context, d time.Duration) error
	runs    *runFinder
	notify  *Notify // nil: nobody is notified

	authority *Authority
	ownToken  OwnToken
}

// NewAccounts wires the activities that make users and service users. tokens takes the
// tokens of the latter.
func NewAccounts(c *console.Client, s *store.Store, tokens tokensink.Sink, a *Authority) *Accounts {
	return &Accounts{
		console: c, store: s, tokens: tokens, now: time.Now, pause: sleep, runs: &runFinder{}, authority: a,
	}
}

// sleep waits that long, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Notifying says who tells people of accounts that are not authorized, or have to wait for the
// console.
func (a *Accounts) Notifying(n *Notify) *Accounts {
	a.notify = n
	return a
}

// Register names every activity explicitly.
func (a *Accounts) Register(to Registry) {
	for name, fn := range map[string]any{
		wire.UserCreateActivity:        a.CreateUser,
		wire.ServiceUserCreateActivity: a.CreateServiceUser,
		wire.TokenRotateActivity:       a.RotateToken,
	} {
		to.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}
