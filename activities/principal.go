package activities

import (
	"time"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Principal holds what the activities of a principal's one writer work with. They
// wait on a task queue of their own, so that nothing that only reads delays them.
type Principal struct {
	console   *console.Client
	store     *store.Store
	authority *Authority
	now       func() time.Time
	people    *principalBatcher
	notify    *Notify // nil: nobody is notified
}

// NewPrincipal wires the activities of a principal's writer.
func NewPrincipal(c *console.Client, s *store.Store, a *Authority) *Principal {
	return &Principal{console: c, store: s, authority: a, people: &principalBatcher{from: c}, now: time.Now}
}

// Notifying says who tells people of changes that have to wait for the console.
func (p *Principal) Notifying(n *Notify) *Principal {
	p.notify = n
	return p
}

// Register names every activity explicitly.
func (p *Principal) Register(to Registry) {
	for name, fn := range map[string]any{
		wire.WriteActivity:   p.Write,
		wire.ConfirmActivity: p.Confirm,
	} {
		to.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}
