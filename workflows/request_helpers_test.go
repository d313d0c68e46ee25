package workflows_test

import (
	"cmp"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

const (
	anaMail = "ana@example.com"
	bobMail = "bob@example.com"
	request = "grant/INC-42"
	claim   = request + "#" + snapshot // the lease
)

var aboutIt = wire.RequestInfo{ID: request, Run: snapshot, StartedAt: began}

// requestEnv is a Grant or Revoke whose activities are mocked.
type requestEnv struct {
	*testEnv

	mu      sync.Mutex
	applied []wire.ApplyInput // in order
	closed  []wire.CloseInput
	stops   []wire.StopActivityInput

	askedFor         []access.ExtensionRequest
	extensions       access.Approval // that extensions need
	refuseExtensions string          // why they are refused

	refuseStops string // why messages that stop the request do not count; "" if they do
}

func newRequest(t *testing.T) *requestEnv {
	t.Helper()
	r := newUnmockedRequest(t)
	r.on(wire.StopActivity, mock.Anything).Return(r.recordStop).Maybe()
	r.on(wire.ExtendActivity, mock.Anything).Return(r.recordExtension).Maybe()
	return r
}

// newUnmockedRequest is one whose messages that stop it are not mocked yet.
func newUnmockedRequest(t *testing.T) *requestEnv {
	t.Helper()
	s := newTestEnv(t)
	activities.NewRequest(nil, nil).Register(s)
	s.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: request, TaskQueue: "sentinelone"})
	return &requestEnv{testEnv: s}
}

// asked is a grant of SOC at a site to Ana, for a time unless that is 0.
func grantInput(long time.Duration) wire.GrantInput {
	in := wire.GrantInput{
		Principal: access.PrincipalSelector{Kind: access.User, Email: anaMail}, Role: access.RoleSelector{Name: "SOC"},
		Scope:     access.ScopeSelector{Level: access.SiteLevel, ID: soc.ScopeID},
		Requester: bobMail, Reason: "INC-42",
	}
	if long != 0 {
		in.Duration = new(access.Duration(long))
	}
	return in
}

func revokeInput() wire.RevokeInput {
	in := grantInput(0)
	return wire.RevokeInput{
		Principal: in.Principal, Role: in.Role, Scope: in.Scope, Requester: in.Requester, Reason: in.Reason,
	}
}

// planInput is what the plan must be asked for.
func planInput(in wire.GrantInput) wire.PlanInput {
	out := wire.PlanInput{
		Request: aboutIt, Console: in.Console, DryRun: in.DryRun, Op: access.OpGrant,
		Principal: in.Principal, Role: in.Role, Scope: in.Scope,
		Terms: access.Terms{Requester: in.Requester, Reason: in.Reason, AllowLevelChange: in.AllowLevelChange},
	}
	if in.Duration != nil {
		out.Op, out.Terms.Duration = access.OpAcquire, *in.Duration
	}
	if in.StartAt != nil {
		out.Terms.StartAt = *in.StartAt
	}
	return out
}

// planOf is the plan that comes of it.
func planOf(in wire.PlanInput) access.Plan {
	return access.Plan{
		Op: in.Op, Console: host, Principal: access.PrincipalRef{Kind: access.User, ID: "7", Email: anaMail},
		Role: access.RoleRef{ID: soc.RoleID, Name: "SOC"}, Scope: access.ScopeRef{Level: soc.Level, ID: soc.ScopeID},
		Terms: in.Terms, Before: holds(viewer), After: holds(viewer, soc), Expected: access.Applied,
		Approval: access.Approval{},
	}.Seal()
}

// recordExtension is the ledger's answer to who asks for an extension, and who must approve it:
// nobody, unless the test says so.
func (r *requestEnv) recordExtension(_ context.Context, in wire.ExtendActivityInput) (wire.ExtendResult, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := in.Extension
	x.Approval, x.Signed = r.extensions, access.Unsigned
	r.askedFor = append(r.askedFor, x.Seal())
	return wire.ExtendResult{Extension: x.Seal(), Refusal: r.refuseExtensions}, nil
}

// recordStop is the ledger's answer to who stops the request.
func (r *requestEnv) recordStop(_ context.Context, in wire.StopActivityInput) (wire.StopResult, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stops = append(r.stops, in)
	return wire.StopResult{Signed: access.Unsigned, Refusal: cmp.Or(in.Refusal, r.refuseStops)}, nil
}

func (r *requestEnv) plans(in wire.GrantInput) *testsuite.MockCallWrapper {
	asks := planInput(in)
	return r.on(wire.PlanActivity, asks).Return(wire.PlanResult{Plan: planOf(asks)}, nil).Once()
}

// leaseFor is the claim of the request.
func leaseFor(in wire.GrantInput) access.Lease {
	l := access.Lease{ID: claim, Holding: soc}
	if in.Duration != nil {
		l.For = *in.Duration
		if in.StartAt != nil {
			l.End = in.StartAt.Add(time.Duration(*in.Duration))
		}
	}
	return l
}

func proofOf(op access.Op, outcome access.Outcome) access.Proof {
	return access.Proof{
		Op: op, Key: access.ChangeKey(claim, op), Outcome: outcome,
		Before: access.Holdings{}.Normal(), After: access.Holdings{}.Normal(), Reads: []access.Read{},
	}
}

// applies mocks the writer's answer to a change of that sort, and keeps what it was
// asked.
func (r *requestEnv) applies(op access.Op, outcome access.Outcome) *testsuite.MockCallWrapper {
	return r.on(wire.ApplyActivity, mock.MatchedBy(func(in wire.ApplyInput) bool {
		return in.Change.Change.Op == op && !extension(in)
	})).Return(func(_ context.Context, in wire.ApplyInput) (wire.ApplyResult, error) {
		r.keep(in)
		out := wire.ApplyResult{ChangeAnswer: wire.ChangeAnswer{Proof: proofOf(op, outcome)}}
		if out.Refused() {
			out.Message = "the rules forbid it"
		}
		if in.Close != nil {
			end := *in.Close
			end.Proofs = append(append([]access.Proof{}, end.Proofs...), out.Proof)
			if out.Refused() {
				end.State, end.Message = wire.StateRefused, out.Message
			}
			out.Receipt = new(receiptOf(end))
		}
		return out, nil
	})
}

func extension(in wire.ApplyInput) bool {
	return in.Change.Key != access.ChangeKey(in.Change.Change.Lease.ID, in.Change.Change.Op)
}

// acceptsExtensions mocks the writer's answer to extensions.
func (r *requestEnv) acceptsExtensions() *testsuite.MockCallWrapper {
	return r.on(wire.ApplyActivity, mock.MatchedBy(extension)).
		Return(func(_ context.Context, in wire.ApplyInput) (wire.ApplyResult, error) {
			r.keep(in)
			return wire.ApplyResult{}, nil
		})
}

func (r *requestEnv) keep(in wire.ApplyInput) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.applied = append(r.applied, in)
}

func receiptOf(in wire.CloseInput) access.Receipt {
	out := access.Receipt{
		Request: in.Request.ID, Run: in.Request.Run, Plan: in.Plan, State: in.State, Message: in.Message,
		Proofs: in.Proofs, Decisions: in.Decisions, Extensions: in.Extensions,
		Signed: access.Unsigned, StartedAt: in.Request.StartedAt, FinishedAt: began,
	}
	if n := len(in.Proofs); n > 0 {
		out.Outcome = in.Proofs[n-1].Outcome
	}
	return out.Seal()
}

// closes mocks the receipt of a request that ends without another change.
func (r *requestEnv) closes() *testsuite.MockCallWrapper {
	return r.on(wire.CloseActivity, mock.Anything).
		Return(func(_ context.Context, in wire.CloseInput) (wire.CloseResult, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.closed = append(r.closed, in)
			return wire.CloseResult{Receipt: receiptOf(in)}, nil
		}).Once()
}

func (r *requestEnv) grant(in wire.GrantInput) wire.RequestResult {
	r.t.Helper()
	r.ExecuteWorkflow(wire.GrantType, in)
	return r.ended()
}

// ended is the result, which must have a receipt that says the same.
func (r *requestEnv) ended() wire.RequestResult {
	r.t.Helper()
	require.True(r.t, r.IsWorkflowCompleted())
	require.NoError(r.t, r.GetWorkflowError())
	var out wire.RequestResult
	require.NoError(r.t, r.GetWorkflowResult(&out))
	require.NotNil(r.t, out.Receipt)
	require.True(r.t, out.Receipt.Intact())
	require.Equal(r.t, out.State, out.Receipt.State)
	require.Equal(r.t, out.Outcome, out.Receipt.Outcome)
	require.Equal(r.t, out.Message, out.Receipt.Message)
	require.Nil(r.t, out.Plan)
	status := r.requestStatus()
	require.Equal(r.t, out.State, status.State)
	require.Equal(r.t, out, *status.Result)
	require.Empty(r.t, status.Waiting)
	return out
}

// requestStatus is the status, which holds no nulls.
func (r *requestEnv) requestStatus() wire.RequestStatus {
	r.t.Helper()
	return statusOf[wire.RequestStatus](r.testEnv)
}

// updateReply is what an update came to.
type updateReply struct {
	rejected error
	done     bool
	at       time.Duration
	answer   wire.RequestAnswer
	err      error
}

// sendUpdate sends an update when so much time has passed.
func (r *requestEnv) sendUpdate(d time.Duration, update string, payload any) *updateReply {
	out := new(updateReply)
	r.update(d, update, payload, func(err error) { out.rejected = err }, func(got any, err error) {
		out.done, out.err, out.at = true, err, r.Now().Sub(began)
		out.answer, _ = got.(wire.RequestAnswer)
	})
	return out
}

func (o *updateReply) requireAccepted(t *testing.T) wire.RequestAnswer {
	t.Helper()
	require.NoError(t, o.rejected)
	require.NoError(t, o.err)
	require.True(t, o.done)
	return o.answer
}

func (o *updateReply) requireRefused(t *testing.T, want string) {
	t.Helper()
	require.ErrorContains(t, o.rejected, want)
	require.False(t, o.done)
}

func byCarol() wire.StopInput { return wire.StopInput{By: "carol@example.com"} }
