package sync

import (
	"context"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Activities are the activities of a sync, with what they work with.
type Activities struct {
	console *console.Client
	store   *store.Store
	guard   Guard
	now     func() time.Time
	notify  func(context.Context, wire.Event)
	signers *signing.AllowedSigners                          // nil: decisions are taken as claimed
	policy  *policy.Policy                                   // says who confirms a quarantined snapshot
	drift   func(context.Context) (store.Explanation, error) // nil: nothing is explained
	claims  func(context.Context) error                      // nil: no loss is explained
	report  func(context.Context)                            // a sync has begun or ended

	// describe asks Temporal about a run of a workflow; nil where Temporal does not say.
	describe func(ctx context.Context, workflow, run string) *workflowpb.WorkflowExecutionInfo
}

// New wires the activities of a sync. They notify nobody until [Activities.Notifying] says how.
func New(c *console.Client, s *store.Store, guard Guard) *Activities {
	return &Activities{
		console: c, store: s, guard: guard, now: time.Now, notify: func(context.Context, wire.Event) {},
		policy: policy.BuiltIn(), report: func(context.Context) {}, describe: describeWorkflow,
	}
}

// Reporting has report called when a sync has begun and when it has ended. A sync does not depend on it, so it must
// return at once.
func (s *Activities) Reporting(report func(context.Context)) *Activities {
	s.report = report
	return s
}

// Notifying has notify deliver events about quarantined snapshots and about the end of the console's API token. A
// sync does not depend on the delivery, so notify returns no error.
func (s *Activities) Notifying(notify func(context.Context, wire.Event)) *Activities {
	s.notify = notify
	return s
}

// Explaining has explain say, after each proven snapshot, what the assignments are to us.
func (s *Activities) Explaining(explain func(context.Context) (store.Explanation, error)) *Activities {
	s.drift = explain
	return s
}

// ExplainingLosses has losses that go too far held against the claims, which claims brings up to date with the ledger.
func (s *Activities) ExplainingLosses(claims func(context.Context) error) *Activities {
	s.claims = claims
	return s
}

// Following says by which policy quarantined snapshots are confirmed, instead of the built-in one; nil leaves that in
// place.
func (s *Activities) Following(p *policy.Policy) *Activities {
	if p != nil {
		s.policy = p
	}
	return s
}

// Registry is the part of a worker that activities register with.
type Registry interface {
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

// Register registers each activity under its name in package wire.
func (s *Activities) Register(r Registry) {
	for name, fn := range map[string]any{
		wire.SyncBeginActivity:   s.Begin,
		wire.SyncCheckActivity:   s.Check,
		wire.SyncDrainActivity:   s.Drain,
		wire.SyncSettleActivity:  s.Settle,
		wire.SyncPromoteActivity: s.Promote,
		wire.SyncDiscardActivity: s.Discard,
		wire.SyncDecideActivity:  s.Decide,
		wire.SyncDeltaActivity:   s.Delta,
	} {
		r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}
