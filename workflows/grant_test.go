package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// writer is where the principal's writer is reached.
func writer() wire.Writer {
	return wire.Writer{
		WorkflowID: "principal/" + host + "/user/7", WorkflowType: "Principal", Update: "change",
		TaskQueue: "sentinelone", Start: whose,
	}
}

// A permanent role: planned, applied, and done with the proof and the receipt. Every
// activity is called with exactly what it needs.
func TestGrant_ForGood(t *testing.T) {
	t.Parallel()
	for _, outcome := range []access.Outcome{access.Applied, access.AlreadyHeld} {
		t.Run(string(outcome), func(t *testing.T) {
			t.Parallel()
			r, in := newRequest(t), grantInput(0)
			r.plans(in)
			r.applies(access.OpGrant, outcome).Once()

			got := r.grant(in)

			plan, proof := planOf(planInput(in)), proofOf(access.OpGrant, outcome)
			require.Equal(t, wire.RequestResult{
				State: "granted", Outcome: outcome, Receipt: new(receiptOf(wire.CloseInput{
					Request: aboutIt, Plan: plan, State: "granted", Proofs: []access.Proof{proof},
				})),
			}, got)
			require.Equal(t, []wire.ApplyInput{{
				Request: aboutIt, Writer: writer(),
				Change: wire.ChangeRequest{
					Key: claim + "/grant", Request: request,
					Change: access.Change{Op: access.OpGrant, Lease: leaseFor(in)},
				},
				Close: &wire.CloseInput{Request: aboutIt, Plan: plan, State: "granted"},
			}}, r.applied)
		})
	}
}

// What the plan refuses ends before anyone is asked.
func TestGrant_RefusedByThePlan(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(time.Hour)
	asks := planInput(in)
	plan := planOf(asks)
	plan.Refusal = "the worker is read-only"
	plan = plan.Seal()
	r.on(wire.PlanActivity, asks).Return(wire.PlanResult{Plan: plan, Receipt: new(receiptOf(
		wire.CloseInput{Request: aboutIt, Plan: plan, State: "refused", Message: plan.Refusal},
	))}, nil).Once()
	got := r.grant(in)
	require.Equal(t, "refused", got.State)
	require.Equal(t, plan.Refusal, got.Message)
	require.Empty(t, got.Outcome)
}

// What the console, or a rule that counts only then, refuses as it is applied.
func TestGrant_RefusedAsItIsApplied(t *testing.T) {
	t.Parallel()
	for _, long := range []time.Duration{0, time.Hour} {
		op := access.OpGrant
		if long > 0 {
			op = access.OpAcquire
		}
		for _, outcome := range []access.Outcome{access.LevelDiffers, access.LastRoleStays} {
			r, in := newRequest(t), grantInput(long)
			r.plans(in)
			r.applies(op, outcome).Once()
			if long > 0 { // it has no receipt yet
				r.closes()
			}
			got := r.grant(in)
			require.Equal(t, "refused", got.State)
			require.Equal(t, outcome, got.Outcome)
			require.Equal(t, "the rules forbid it", got.Message)
			require.Len(t, got.Receipt.Proofs, 1)
		}

		r, in := newRequest(t), grantInput(long)
		r.plans(in)
		r.on(wire.ApplyActivity, mock.Anything).
			Return(failing[wire.ApplyInput, wire.ApplyResult](forbidden())).Once()
		r.closes()
		got := r.grant(in)
		require.Equal(t, "refused", got.State)
		require.Contains(t, got.Message, "403 Insufficient permissions")
		require.NotContains(t, got.Message, "activity error")
		require.Empty(t, got.Outcome)
		require.NotNil(t, got.Receipt.Proofs)
	}
}

// A plan that cannot be made ends the workflow under its own type, with a receipt that
// says why.
func TestGrant_PlanFails(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(0)
	none := kinds.New(kinds.Invalid, &access.NoMatchError{What: `user "ana@example.com"`})
	r.on(wire.PlanActivity, planInput(in)).
		Return(failing[wire.PlanInput, wire.PlanResult](none)).Once()
	r.closes()

	r.ExecuteWorkflow(wire.GrantType, in)

	require.Equal(t, string(kinds.Invalid), r.failure().Type())
	require.Equal(t, none.Error(), r.failure().Message())
	require.True(t, r.failure().NonRetryable())
	plan := access.Plan{Op: access.OpGrant, Terms: planInput(in).Terms, Before: empty, After: empty}
	require.Equal(t, []wire.CloseInput{{
		Request: aboutIt, Plan: plan, State: "failed", Message: none.Error(), Releases: true,
	}}, r.closed)
	require.Equal(t, "failed", r.requestStatus().State)
}

// empty is what an absent list becomes on the wire.
var empty = access.Holdings{Held: []access.HeldRole{}}

// Another console's request leaves nothing in this one's ledger.
func TestGrant_OtherConsole(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(0)
	in.Console = "other.sentinelone.net"
	r.on(wire.PlanActivity, planInput(in)).Return(failing[wire.PlanInput, wire.PlanResult](
		kinds.New(kinds.Conflict, errDown))).Once()
	r.ExecuteWorkflow(wire.GrantType, in)
	require.Equal(t, string(kinds.Conflict), r.failure().Type())
}

// A dry run ends with the plan, and nothing is written.
func TestGrant_DryRun(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(time.Hour)
	in.DryRun = true
	r.plans(in)
	r.ExecuteWorkflow(wire.GrantType, in)
	require.NoError(t, r.GetWorkflowError())
	var got wire.RequestResult
	require.NoError(t, r.GetWorkflowResult(&got))
	require.Equal(t, wire.RequestResult{State: "planned", Plan: new(planOf(planInput(in)))}, got)
	require.Equal(t, "planned", r.requestStatus().State)
}

// For a time: applied, in force, released with proof.
func TestGrant_ForATime(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(4*time.Hour)
	r.plans(in).After(time.Minute)
	r.applies(access.OpAcquire, access.Applied).After(time.Minute).Once()
	r.applies(access.OpRelease, access.Released).After(time.Minute).Once()

	got := r.grant(in)

	require.Equal(t, "expired", got.State)
	require.Equal(t, access.Released, got.Outcome)
	require.Equal(t, began.Add(4*time.Hour+3*time.Minute), r.Now().UTC(), "it counts from when it was given")
	proof := proofOf(access.OpAcquire, access.Applied)
	require.Equal(t, []access.Proof{proof, proofOf(access.OpRelease, access.Released)}, got.Receipt.Proofs)
	require.Equal(t, leaseFor(in), r.applied[0].Change.Change.Lease)
	require.Nil(t, r.applied[0].Close, "it is not the end")
	require.Equal(t, wire.ApplyInput{
		Request: aboutIt, Writer: writer(),
		Change: wire.ChangeRequest{
			Key: claim + "/release", Request: request, GrantProof: &proof,
			Change: access.Change{Op: access.OpRelease, Lease: access.Lease{ID: claim, Holding: soc}},
		},
		Close: &wire.CloseInput{
			Request: aboutIt, Plan: planOf(planInput(in)), State: "expired", Proofs: []access.Proof{proof},
		},
	}, r.applied[1])
}

// A start in the future is waited for; one that is past is at once. A duration counts
// from it.
func TestGrant_StartAt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		start time.Duration
		given time.Duration
		ends  time.Duration
	}{
		"in the future": {2 * time.Hour, 2 * time.Hour, 6 * time.Hour},
		"past":          {-time.Hour, 0, 3 * time.Hour},
		"now":           {0, 0, 4 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, in := newRequest(t), grantInput(4*time.Hour)
			in.StartAt = new(began.Add(c.start))
			r.plans(in)
			var given time.Duration
			r.applies(access.OpAcquire, access.Applied).Once().Run(func(mock.Arguments) { given = r.Now().Sub(began) })
			r.applies(access.OpRelease, access.Released).Once()
			got := r.grant(in)
			require.Equal(t, "expired", got.State)
			require.Equal(t, c.given, given)
			require.Equal(t, began.Add(c.ends), r.Now().UTC())
			require.Equal(t, began.Add(c.ends), r.applied[0].Change.Change.Lease.End)
		})
	}
}

func TestGrant_ForGoodFromAStart(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(0)
	in.StartAt = new(began.Add(24 * time.Hour))
	r.plans(in)
	r.applies(access.OpGrant, access.Applied).Once()
	require.Equal(t, "granted", r.grant(in).State)
	require.Equal(t, began.Add(24*time.Hour), r.Now().UTC())
}

// The status can be asked at every step, and says where the grant is.
func TestGrant_StatusTellsEveryStep(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(4*time.Hour)
	start := began.Add(2 * time.Hour)
	in.StartAt = &start
	r.plans(in).After(time.Minute)
	r.applies(access.OpAcquire, access.Applied).After(time.Minute).Once()
	r.applies(access.OpRelease, access.Released).After(time.Minute).Once()
	seen := map[string]wire.RequestStatus{}
	for state, d := range map[string]time.Duration{
		"planning": 30 * time.Second, "scheduled": time.Hour, "applying": 2*time.Hour + 30*time.Second,
		"active": 3 * time.Hour, "releasing": 6*time.Hour + 30*time.Second,
	} {
		r.at(d, func() { seen[state] = r.requestStatus() })
	}

	got := r.grant(in)

	end, plan := start.Add(4*time.Hour), planOf(planInput(in))
	want := wire.RequestStatus{
		State: "planning", Run: snapshot, Request: request, Requester: bobMail, StartedAt: began, StartsAt: &start,
		Proofs: []access.Proof{},
	}
	require.Equal(t, want, seen["planning"])
	want.State, want.Plan, want.Waiting = "scheduled", &plan, "for its start at 2026-11-02 11:00:00 UTC"
	require.Equal(t, want, seen["scheduled"])
	want.State, want.Waiting = "applying", ""
	require.Equal(t, want, seen["applying"])
	want.State, want.Waiting, want.EndsAt = "active", "for its end at 2026-11-02 15:00:00 UTC", &end
	want.Proofs = []access.Proof{proofOf(access.OpAcquire, access.Applied)}
	require.Equal(t, want, seen["active"])
	want.State, want.Waiting = "releasing", ""
	require.Equal(t, want, seen["releasing"])
	want.State, want.Result = "expired", &got
	want.Proofs = got.Receipt.Proofs
	require.Equal(t, want, r.requestStatus())
}

// A release that fails finally all the same is requested again, under another update id,
// every five minutes; the workflow stays open and says so.
func TestGrant_ReleaseFails(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(time.Hour)
	r.plans(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	for try := range 3 {
		r.on(wire.ApplyActivity, mock.MatchedBy(func(in wire.ApplyInput) bool {
			return in.Change.Change.Op == access.OpRelease && in.Try == try
		})).Return(failing[wire.ApplyInput, wire.ApplyResult](forbidden())).Once()
	}
	r.applies(access.OpRelease, access.Released).Once()
	var waits wire.RequestStatus
	r.at(time.Hour+7*time.Minute, func() { waits = r.requestStatus() })

	got := r.grant(in)

	require.Equal(t, "releasing", waits.State)
	require.Contains(t, waits.Waiting, "for the principal's writer, which failed: ")
	require.Contains(t, waits.Waiting, "403")
	require.Equal(t, "expired", got.State)
	require.Equal(t, began.Add(time.Hour+15*time.Minute), r.Now().UTC())
	require.Equal(t, 3, r.applied[1].Try)
	require.Equal(t, claim+"/release", r.applied[1].Change.Key, "the change is the same")
}
