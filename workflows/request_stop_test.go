package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// plansSigned mocks the plan of a request whose people must sign.
func (r *requestEnv) plansSigned(in wire.GrantInput) {
	asks := planInput(in)
	r.on(wire.PlanActivity, asks).Return(wire.PlanResult{Plan: planOf(asks), SignaturesRequired: true}, nil).Once()
}

// requireRecordedRefusal is for a message that was taken, recorded and refused.
func (o *updateReply) requireRecordedRefusal(t *testing.T, want string) {
	t.Helper()
	require.NoError(t, o.rejected)
	require.ErrorContains(t, o.err, want)
}

// What stops a request is sent to the ledger with its signature before the request acts on
// it. What does not count there changes nothing.
func TestGrant_StopIsRecordedFirst(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(4*time.Hour)
	r.plansSigned(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.applies(access.OpRelease, access.Released).Once()
	signed := wire.StopInput{By: " carol@example.com", Comment: "done"}
	signed.Sign("armored", began.Add(time.Hour))
	r.refuseStops = "a signature is required"
	unsigned := r.sendUpdate(time.Hour, wire.EndUpdate, byCarol())
	r.at(2*time.Hour, func() { r.refuseStops = "" })
	end := r.sendUpdate(2*time.Hour, wire.EndUpdate, signed)
	got := r.grant(in)
	unsigned.requireRecordedRefusal(t, "a signature is required")
	require.Equal(t, "ended", end.requireAccepted(t).State)
	require.Equal(t, "ended by carol@example.com", got.Message)
	require.Equal(t, began.Add(2*time.Hour), r.Now().UTC())
	require.Len(t, r.stops, 2)
	require.Equal(t, wire.StopActivityInput{Request: aboutIt, Stop: access.Stop{
		At: began.Add(2 * time.Hour), Action: "end", By: "carol@example.com", Comment: "done",
		Signed: access.Unsigned, Signature: "armored", SignedAt: began.Add(time.Hour),
	}}, r.stops[1])
}

// A stop that is checked for hours, since no signers can be read, does not hold up the end of
// the grant, and releases nothing twice.
func TestGrant_EndedWhileAStopIsChecked(t *testing.T) {
	t.Parallel()
	r, in := newRequestWithSlowStops(t, 9*time.Hour), grantInput(4*time.Hour)
	r.plansSigned(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.applies(access.OpRelease, access.Released).Once()
	end := r.sendUpdate(time.Hour, wire.EndUpdate, byCarol())
	require.Equal(t, "expired", r.grant(in).State)
	require.Equal(t, "expired", end.requireAccepted(t).State)
	require.Equal(t, began.Add(4*time.Hour), r.Now().UTC())
}

// newRequestWithSlowStops is a request whose messages that stop it take that long to check.
func newRequestWithSlowStops(t *testing.T, takes time.Duration) *requestEnv {
	t.Helper()
	r := newUnmockedRequest(t)
	r.on(wire.StopActivity, mock.Anything).Return(r.recordStop).After(takes).Maybe()
	return r
}

// While a cancellation is checked, nothing is given.
func TestGrant_NothingIsGivenWhileACancelIsChecked(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]string{"counts": "", "does not count": "a signature is required"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, in := newRequestWithSlowStops(t, 3*time.Hour), grantInput(time.Hour)
			in.StartAt = new(began.Add(2 * time.Hour))
			r.plans(in)
			r.refuseStops = refusal
			cancel := r.sendUpdate(time.Hour, wire.CancelUpdate, byCarol())
			var gave time.Time
			r.on(wire.ApplyActivity, anyOp(access.OpAcquire)).
				Return(func(_ context.Context, _ wire.ApplyInput) (wire.ApplyResult, error) {
					gave = r.Now().UTC()
					return wire.ApplyResult{ChangeAnswer: wire.ChangeAnswer{
						Proof: proofOf(access.OpAcquire, access.RolesConflict),
					}}, nil
				}).Maybe()
			r.closes()
			got := r.grant(in)
			if refusal == "" {
				require.Equal(t, "cancelled", got.State)
				require.Equal(t, "cancelled", cancel.requireAccepted(t).State)
				require.Zero(t, gave)
				return
			}
			cancel.requireRecordedRefusal(t, refusal)
			require.Equal(t, "refused", got.State)
			require.Equal(t, began.Add(4*time.Hour), gave, "as soon as the cancellation is refused")
		})
	}
}

// A cancellation that is still checked when the role is given ends it.
func TestGrant_CancelCheckedWhileItIsApplied(t *testing.T) {
	t.Parallel()
	r, in := newRequestWithSlowStops(t, time.Hour), grantInput(4*time.Hour)
	r.plans(in)
	r.applies(access.OpAcquire, access.Applied).After(10 * time.Minute).Once()
	r.applies(access.OpRelease, access.Released).Once()
	cancel := r.sendUpdate(time.Minute, wire.CancelUpdate, byCarol())
	got := r.grant(in)
	require.Equal(t, "ended", got.State)
	require.Equal(t, "ended by carol@example.com", got.Message)
	require.Equal(t, "ended", cancel.requireAccepted(t).State)
	require.Equal(t, began.Add(time.Hour+time.Minute), r.Now().UTC())
}

// Temporal does not say who cancels. Where signatures are required, access in force runs to
// its end; before that, a request still ends cancelled.
func TestGrant_CancelledInTemporalWithSignatures(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(4*time.Hour)
	r.plansSigned(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.applies(access.OpRelease, access.Released).Once()
	r.at(time.Hour, r.CancelWorkflow)
	r.at(2*time.Hour, func() { require.Equal(t, "active", r.requestStatus().State) })
	require.Equal(t, "expired", r.grant(in).State)
	require.Equal(t, began.Add(4*time.Hour), r.Now().UTC())

	r, in = newRequest(t), grantInput(4*time.Hour)
	in.StartAt = new(began.Add(2 * time.Hour))
	r.plansSigned(in)
	r.closes()
	r.at(time.Hour, r.CancelWorkflow)
	require.Equal(t, "cancelled", r.grant(in).State)
}

// After a cancellation in Temporal that ended nothing, a signed end still does.
func TestGrant_EndedAfterACancellationInTemporal(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(4*time.Hour)
	r.plansSigned(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.applies(access.OpRelease, access.Released).Once()
	r.at(time.Hour, r.CancelWorkflow)
	end := r.sendUpdate(2*time.Hour, wire.EndUpdate, byCarol())
	require.Equal(t, "ended", r.grant(in).State)
	require.Equal(t, "ended", end.requireAccepted(t).State)
	require.Equal(t, began.Add(2*time.Hour), r.Now().UTC())
}
