package activities

import (
	"context"
	"crypto/rand"
	"time"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/tokensink"
	"sentinelone-provisioner/internal/wire"
)

// Registry is the part of a worker that activities register with.
type Registry interface {
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

// Request holds what the activities of grants and revokes work with.
type Request struct {
	console *console.Client
	store   *store.Store
	self    *ownUser
	reads   *coalescer // of the console, that plans share
	people  *principalBatcher
	tokens  tokensink.Sink
	now     func() time.Time

	ownToken OwnToken

	policy   *policy.Policy
	recorded *recordedPolicies       // that requests began with
	signers  *signing.AllowedSigners // nil: decisions are taken as claimed
	notifies bool                    // people are told
	indexed  func() bool
	runs     *runFinder
	waiting  *waitingRoom // for writers
}

// NewRequest wires the activities of grants and revokes. Until they are told otherwise
// they follow the built-in policy, so that an omission never bypasses an approver.
func NewRequest(c *console.Client, s *store.Store) *Request {
	return &Request{
		console: c, store: s, reads: &coalescer{}, people: &principalBatcher{from: c},
		self: &ownUser{purpose: rand.Text(), keep: func(ctx context.Context, id string) {
			if known, err := s.TokenOwner(ctx, c.Console()); err != nil || known != id {
				_ = s.KeepTokenOwner(ctx, c.Console(), id) // if that fails, the next answer is stored
			}
		}},
		tokens: tokensink.New("", ""), now: time.Now, indexed: func() bool { return false },
		policy:   policy.BuiltIn(),
		recorded: &recordedPolicies{known: map[string]*policy.Policy{}},
		runs:     &runFinder{},
		waiting:  newWaitingRoom(patientAtOnce),
	}
}

// Waiting bounds how many attempts hold a slot of the worker at once while they wait for a writer.
func (r *Request) Waiting(atOnce int) *Request {
	r.waiting = newWaitingRoom(atOnce)
	return r
}

// Indexing says whether the server knows our search attributes, as far as known.
func (r *Request) Indexing(known func() bool) *Request {
	r.indexed = known
	return r
}

// Notifying says that people are told of what happens to requests.
func (r *Request) Notifying() *Request {
	r.notifies = true
	return r
}

// Register names every activity explicitly.
func (r *Request) Register(to Registry) {
	for name, fn := range map[string]any{
		wire.PlanActivity:     r.Plan,
		wire.ApplyActivity:    r.Apply,
		wire.DecideActivity:   r.Decide,
		wire.StopActivity:     r.Stop,
		wire.ExtendActivity:   r.Extend,
		wire.DelegateActivity: r.Delegate,
		wire.FreezeActivity:   r.Freeze,
		wire.CloseActivity:    r.Close,
		wire.WakeActivity:     r.Wake,
	} {
		to.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}
