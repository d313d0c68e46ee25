package activities

import (
	"time"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Sync holds what the activities of a sync work with.
type Sync struct {
	console *console.Client
	store   *store.Store
	guard   Guard
	now     func() time.Time
	notify  *Notify // nil: nobody is told
}

// Notifying says who tells people of quarantined snapshots and of the token's end.
func (s *Sync) Notifying(n *Notify) *Sync {
	s.notify = n
	return s
}

// NewSync wires the activities of a sync.
func NewSync(c *console.Client, s *store.Store, guard Guard) *Sync {
	return &Sync{console: c, store: s, guard: guard, now: time.Now}
}

// Registry is the part of a worker that activities register with.
type Registry interface {
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

// Register names every activity explicitly.
func (s *Sync) Register(r Registry) {
	for name, fn := range map[string]any{
		wire.SyncBeginActivity:   s.Begin,
		wire.SyncCheckActivity:   s.Check,
		wire.SyncDrainActivity:   s.Drain,
		wire.SyncSettleActivity:  s.Settle,
		wire.SyncPromoteActivity: s.Promote,
		wire.SyncDiscardActivity: s.Discard,
	} {
		r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}
