package provision

import (
	"context"
	"sync"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/types/grant"
	"github.com/conductorone/baton-sdk/pkg/types/resource"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/evidence"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
	"sentinelone-provisioner/starter/conductorone/internal/storetest"
)

const console = "acmeco.sentinelone.net"

// fakeRequests answers as a test says.
type fakeRequests struct {
	mu sync.Mutex

	look    access.Plan // of dry runs
	lookErr error
	joins   bool            // a request runs already
	running map[string]bool // by id
	seen    []requestrecord.Observation
	block   chan struct{} // Await blocks until it is closed; nil: not at all
	cancel  error
	forged  bool             // the ledger has nothing of the request
	proven  *access.Plan     // what the ledger's request is about; nil: what was told
	last    *evidence.Latest // nil: what the look shows is proven

	told requestrecord.Observation

	looks     int
	begun     []requestclient.NewRequest
	cancelled []string
	waiting   chan struct{} // gets a value for each Await
}

func (f *fakeRequests) DryRun(_ context.Context, r requestclient.NewRequest) (access.Plan, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	switch in := r.Input.(type) {
	case *wire.GrantInput:
		if !in.DryRun {
			panic("a look that is no dry run")
		}
	case *wire.RevokeInput:
		if !in.DryRun {
			panic("a look that is no dry run")
		}
	}
	return f.look, f.lookErr
}

func (f *fakeRequests) Begin(_ context.Context, r requestclient.NewRequest) (temporalclient.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun = append(f.begun, r)
	return temporalclient.Run{WorkflowID: r.ID, RunID: "run-1", Started: !f.joins}, nil
}

// Await gives each observation once, and the last one for ever.
func (f *fakeRequests) Await(
	ctx context.Context, run temporalclient.Run, _ time.Duration,
) (requestrecord.Observation, error) {
	if f.waiting != nil {
		f.waiting <- struct{}{}
	}
	if f.block != nil {
		select {
		case <-f.block:
		case <-ctx.Done():
			return requestrecord.Observation{}, ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if run.RunID != "run-1" {
		panic("another run than the one that was begun")
	}
	out := f.seen[0]
	if len(f.seen) > 1 {
		f.seen = f.seen[1:]
	}
	f.told = out
	return out, nil
}

func (*fakeRequests) FirstRun(_ context.Context, run temporalclient.Run) (string, error) {
	return "first-of-" + run.RunID, nil
}

// fakeLedger proves what a request of [fakeRequests] has told last, unless it is forged.
type fakeLedger struct{ *fakeRequests }

func (f fakeLedger) Await(
	_ context.Context, run ledger.Run, proves func(authority.Record) bool,
) (authority.Record, error) {
	if f.forged {
		return authority.Record{Run: run}, nil
	}
	of := f.told.PlanOrZero()
	if f.proven != nil {
		of = *f.proven
	}
	r, err := storetest.Record(run, of, f.proofs()...)
	proves(r)
	return r, err
}

// proofs are those that a worker has recorded when it tells what was told.
func (f fakeLedger) proofs() []access.Proof {
	switch o := f.told; {
	case o.Result != nil && len(o.Result.Receipt.Proofs) > 0:
		return o.Result.Receipt.Proofs
	case o.Result != nil && o.Result.Outcome != "":
		return []access.Proof{{Op: o.Result.Receipt.Plan.Op, Outcome: o.Result.Outcome}}
	case o.Status != nil && o.Status.State == wire.StateActive:
		return []access.Proof{{Op: access.OpAcquire, Outcome: access.Applied}}
	}
	return nil
}

func (f fakeLedger) Latest(context.Context, access.PrincipalRef) (evidence.Latest, error) {
	if f.last != nil {
		return *f.last, nil
	}
	return evidence.Latest{Known: true, Read: access.Read{Holdings: f.look.Before}}, nil
}

func (f *fakeRequests) Runs(_ context.Context, id string) (bool, error) { return f.running[id], nil }

func (f *fakeRequests) Cancel(_ context.Context, id, _ string) error {
	f.cancelled = append(f.cancelled, id)
	return f.cancel
}

var (
	ana  = v2.ResourceId_builder{ResourceType: resources.User, Resource: "7"}.Build()
	soc  = access.Holding{Level: access.SiteLevel, RoleID: "2", ScopeID: "9"}
	dani = access.PrincipalRef{Kind: access.User, ID: "7", Email: "ana@example.com"}
)

// assignment is the resource of a role at a scope, under a parent that says nothing.
func assignment(t *testing.T, roleID, scopeType, scopeID string) *v2.Resource {
	t.Helper()
	trait := &v2.ScopeBindingTrait{}
	require.NoError(t, resource.WithRoleScopeRoleId(
		v2.ResourceId_builder{ResourceType: resources.Role, Resource: roleID}.Build())(trait))
	require.NoError(t, resource.WithRoleScopeResourceId(
		v2.ResourceId_builder{ResourceType: scopeType, Resource: scopeID}.Build())(trait))
	r, err := resource.NewResource("SOC", v2.ResourceType_builder{Id: resources.RoleAssignment}.Build(),
		resources.AssignmentID(roleID, scopeID), resource.WithAnnotation(trait), resource.WithParentResourceID(
			v2.ResourceId_builder{ResourceType: resources.Role, Resource: "1"}.Build()))
	require.NoError(t, err)
	return r
}

func assigned(t *testing.T) *v2.Entitlement {
	t.Helper()
	return v2.Entitlement_builder{
		Id: "role_assignment:2-9:assigned", Slug: resources.Assigned,
		Resource: assignment(t, "2", resources.Site, "9"),
	}.Build()
}

func provisioner(f *fakeRequests) *Provisioner {
	return New(Options{
		Requests: f, Ledger: fakeLedger{f}, Console: console, Waiter: NewWaiter(WaiterOptions{Concurrency: 10}),
	})
}

// doGrant grants SOC at site 9 to ana.
func doGrant(t *testing.T, f *fakeRequests) ([]*v2.Grant, []string, error) {
	t.Helper()
	grants, annos, err := provisioner(f).Grant(t.Context(), v2.Resource_builder{Id: ana}.Build(), assigned(t))
	names := []string{}
	for _, a := range annos {
		names = append(names, string(a.MessageName().Name()))
	}
	return grants, names, err
}

func doRevoke(t *testing.T, f *fakeRequests) ([]string, error) {
	t.Helper()
	annos, err := provisioner(f).Revoke(t.Context(), v2.Grant_builder{
		Entitlement: assigned(t), Principal: v2.Resource_builder{Id: ana}.Build(),
	}.Build())
	names := []string{}
	for _, a := range annos {
		names = append(names, string(a.MessageName().Name()))
	}
	return names, err
}

func plan(op access.Op, expected access.Outcome, held ...access.HeldRole) access.Plan {
	return access.Plan{
		Op: op, Console: console, Principal: dani, Role: access.RoleRef{ID: "2"},
		Scope:  access.ScopeRef{Level: access.SiteLevel, ID: "9"},
		Before: access.Holdings{Level: access.SiteLevel, Held: held}, Expected: expected,
		Approval: access.Approval{Hash: "policy", Rule: "built-in"},
	}
}

func ended(
	state string, outcome access.Outcome, message string, p access.Plan, proofs ...access.Proof,
) requestrecord.Observation {
	return requestrecord.Observation{Over: true, Result: &wire.RequestResult{
		State: state, Outcome: outcome, Message: message,
		Receipt: &access.Receipt{Plan: p, State: state, Outcome: outcome, Message: message, Proofs: proofs},
	}}
}

func open(state, waiting string, p access.Plan, proofs ...access.Proof) requestrecord.Observation {
	return requestrecord.Observation{Status: &wire.RequestStatus{
		State: state, Waiting: waiting, Plan: &p, Proofs: proofs,
	}}
}

// requireDeclined checks that the error is a decline, and its text.
func requireDeclined(t *testing.T, err error, texts ...string) {
	t.Helper()
	reason, is := grant.IsErrGrantCancelled(err)
	require.True(t, is, "%v", err)
	for _, text := range texts {
		require.Contains(t, reason, text)
	}
}

// requireFailed checks that the error is a failure that the SDK does not try again, and its text.
func requireFailed(t *testing.T, err error, texts ...string) {
	t.Helper()
	require.Error(t, err)
	_, declined := grant.IsErrGrantCancelled(err)
	require.False(t, declined, "%v", err)
	require.Equal(t, codes.FailedPrecondition, status.Code(err), "%v", err)
	for _, text := range texts {
		require.ErrorContains(t, err, text)
	}
}
