package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

func TestGrant_End(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(4*time.Hour)
	r.plans(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.applies(access.OpRelease, access.Released).After(time.Minute).Once()
	end := r.sendUpdate(time.Hour, wire.EndUpdate, byCarol())
	again := r.sendUpdate(time.Hour+time.Second, wire.EndUpdate, byCarol())
	late := r.sendUpdate(time.Hour+time.Second, wire.CancelUpdate, byCarol())
	extend := r.sendUpdate(time.Hour+time.Second, wire.ExtendUpdate, wire.ExtendInput{
		By: bobMail, Duration: access.Duration(time.Hour),
	})

	got := r.grant(in)

	require.Equal(t, "ended", got.State)
	require.Equal(t, access.Released, got.Outcome)
	require.Equal(t, "ended by carol@example.com", got.Message)
	answer := end.requireAccepted(t)
	require.Equal(t, wire.RequestAnswer{
		State: "ended", Outcome: access.Released, EndsAt: new(began.Add(4 * time.Hour)),
	}, answer)
	require.Equal(t, time.Hour+time.Minute, end.at, "the answer is the proof")
	again.requireRefused(t, "carol@example.com has ended it already")
	late.requireRefused(t, "cannot cancel: carol@example.com has ended it already")
	extend.requireRefused(t, "cannot extend: carol@example.com has ended it already")
}

// Extending moves the end, and notifies the writer.
func TestGrant_Extend(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(4*time.Hour)
	r.plans(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.acceptsExtensions().Twice()
	r.applies(access.OpRelease, access.Released).Once()
	by := func(d time.Duration) wire.ExtendInput {
		return wire.ExtendInput{By: bobMail, Duration: access.Duration(d)}
	}
	first := r.sendUpdate(time.Hour, wire.ExtendUpdate, by(2*time.Hour))
	second := r.sendUpdate(5*time.Hour, wire.ExtendUpdate, by(30*time.Minute))
	for d, want := range map[time.Duration]string{
		0: "duration is 0s: give one above 0", -time.Hour: "duration is -1h: give one above 0",
		wire.MaxDuration: "the maximum is 366 days", 1<<63 - 1: "the maximum is 366 days",
	} {
		r.at(2*time.Hour, func() {
			out := r.sendUpdate(0, wire.ExtendUpdate, by(d))
			r.at(time.Second, func() { out.requireRefused(t, want) })
		})
	}

	got := r.grant(in)

	require.Equal(t, "expired", got.State)
	require.Equal(t, began.Add(6*time.Hour+30*time.Minute), r.Now().UTC())
	require.Equal(t, wire.RequestAnswer{State: "active", EndsAt: new(began.Add(6 * time.Hour))},
		first.requireAccepted(t))
	require.Equal(t, began.Add(6*time.Hour+30*time.Minute), *second.requireAccepted(t).EndsAt)
	proof := proofOf(access.OpAcquire, access.Applied)
	require.Equal(t, wire.ApplyInput{
		Request: aboutIt, Writer: writer(),
		Change: wire.ChangeRequest{
			Key: claim + "/extend/1", Request: request, GrantProof: &proof,
			Change: access.Change{Op: access.OpAcquire, Lease: access.Lease{
				ID: claim, Holding: soc, End: began.Add(6 * time.Hour),
			}},
		},
		Extension: &access.Extension{
			At: began.Add(time.Hour), By: bobMail, Duration: access.Duration(2 * time.Hour),
			EndsAt: began.Add(6 * time.Hour), Asked: &r.askedFor[0], Decisions: r.applied[1].Extension.Decisions,
		},
	}, r.applied[1])
	require.Empty(t, r.applied[1].Extension.Decisions, "nobody had to approve it")
	require.Equal(t, claim+"/extend/2", r.applied[2].Change.Key)
	require.Equal(t, []access.Extension{*r.applied[1].Extension, *r.applied[2].Extension}, got.Receipt.Extensions)
	require.Equal(t, began.Add(6*time.Hour+30*time.Minute), got.Receipt.Extensions[1].EndsAt)
	require.Len(t, got.Receipt.Proofs, 2, "an extension changes nothing on the console")
}

// The longest a grant may last counts from its start.
func TestGrant_ExtendLongAfterItWasAsked(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(300*24*time.Hour)
	in.StartAt = new(began.Add(200 * 24 * time.Hour))
	r.plans(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.acceptsExtensions().Once()
	r.applies(access.OpRelease, access.Released).Once()
	by := wire.ExtendInput{By: bobMail, Duration: access.Duration(60 * 24 * time.Hour)}
	first := r.sendUpdate(201*24*time.Hour, wire.ExtendUpdate, by)
	second := r.sendUpdate(202*24*time.Hour, wire.ExtendUpdate, by)
	require.Equal(t, "expired", r.grant(in).State)
	first.requireAccepted(t)
	second.requireRefused(t, "cannot extend: the grant would last 10080h in all, and the maximum is 366 days: "+
		"add less, or request a new grant")
}

// The steps of a timed grant, a minute each but for those that wait, and when each is
// under way.
var steps = []struct {
	state string
	amid  time.Duration
}{
	{"planning", 30 * time.Second},
	{"scheduled", time.Hour},
	{"applying", 2*time.Hour + 30*time.Second},
	{"active", 3 * time.Hour},
	{"releasing", 6*time.Hour + 30*time.Second},
}

// slowGrant mocks a timed grant from a start, up to the end of the step.
func slowGrant(t *testing.T, upTo string) (*requestEnv, wire.GrantInput) {
	t.Helper()
	r, in := newRequest(t), grantInput(4*time.Hour)
	in.StartAt = new(began.Add(2 * time.Hour))
	r.plans(in).After(time.Minute)
	if upTo == "planning" || upTo == "scheduled" {
		return r, in
	}
	r.applies(access.OpAcquire, access.Applied).After(time.Minute).Once()
	return r, in
}

// Cancelled before it is applied, a grant leaves nothing; amid that, what may have been
// given is released; afterwards cancel is refused. So it is with Temporal's own, which
// ends a grant that is in force.
func TestGrant_CancelAtEachStep(t *testing.T) {
	t.Parallel()
	for _, step := range steps {
		t.Run(step.state+" by update", func(t *testing.T) {
			t.Parallel()
			r, in := slowGrant(t, step.state)
			called := r.sendUpdate(step.amid, wire.CancelUpdate, byCarol())
			switch step.state {
			case "planning", "scheduled":
				r.closes()
				got := r.grant(in)
				require.Equal(t, "cancelled", got.State)
				require.Equal(t, "cancelled by carol@example.com", got.Message)
				require.Empty(t, got.Outcome)
				require.Equal(t, "cancelled", called.requireAccepted(t).State)
				require.NotNil(t, got.Receipt.Plan.Hash)
			case "applying":
				r.applies(access.OpRelease, access.NotApplied).After(time.Minute).Once()
				got := r.grant(in)
				require.Equal(t, "cancelled", got.State)
				require.Equal(t, access.NotApplied, got.Outcome)
				require.Equal(t, "cancelled by carol@example.com", got.Message)
				require.Equal(t, wire.RequestAnswer{State: "cancelled", Outcome: access.NotApplied},
					called.requireAccepted(t))
				require.Nil(t, r.applied[len(r.applied)-1].Change.GrantProof, "nobody knows what was given")
			default:
				r.applies(access.OpRelease, access.Released).After(time.Minute).Once()
				require.Equal(t, "expired", r.grant(in).State)
				called.requireRefused(t, map[string]string{
					"active": "cannot cancel: the state is active, waiting for its end at 2026-11-02 15:00:00 UTC; " +
						"cancel is accepted in planning, awaitingApproval, scheduled, applying; use extend or end",
					"releasing": "cannot cancel: the state is releasing; " +
						"cancel is accepted in planning, awaitingApproval, scheduled, applying",
				}[step.state])
			}
		})
		t.Run(step.state+" in Temporal", func(t *testing.T) {
			t.Parallel()
			r, in := slowGrant(t, step.state)
			r.at(step.amid, r.CancelWorkflow)
			if step.state == "planning" || step.state == "scheduled" {
				r.closes()
				got := r.grant(in)
				require.Equal(t, "cancelled", got.State)
				require.Equal(t, "cancelled in Temporal", got.Message)
				require.Equal(t, began.Add(step.amid), r.Now().UTC())
				return
			}
			r.applies(access.OpRelease, access.Released).After(time.Minute).Once()
			got := r.grant(in)
			require.Equal(t, access.Released, got.Outcome)
			want := "cancelled"
			if step.state == "releasing" {
				want = "expired" // it was over already, and is carried through
			}
			require.Equal(t, want, got.State)
		})
	}
}

// A permanent grant that is cancelled while it is being applied is released too.
func TestGrant_PermanentCancelledAsItIsApplied(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(0)
	r.plans(in)
	r.applies(access.OpGrant, access.Applied).After(time.Hour).Maybe()
	r.applies(access.OpRelease, access.Released).After(time.Minute).Once()
	called := r.sendUpdate(time.Minute, wire.CancelUpdate, byCarol())
	end := r.sendUpdate(time.Minute+time.Second, wire.EndUpdate, byCarol())
	got := r.grant(in)
	require.Equal(t, "cancelled", got.State)
	require.Equal(t, access.Released, got.Outcome)
	called.requireAccepted(t)
	end.requireRefused(t, "cannot end: carol@example.com has cancelled it already")
}

// Cancelled twice, in Temporal and by update, it still gives everybody an answer.
func TestGrant_CancelledWhileItIsBeingReleased(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(4*time.Hour)
	r.plans(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.applies(access.OpRelease, access.Released).After(time.Hour).Once()
	end := r.sendUpdate(time.Hour, wire.EndUpdate, byCarol())
	r.at(time.Hour+time.Minute, r.CancelWorkflow)
	require.Equal(t, "ended", r.grant(in).State)
	require.Equal(t, "ended", end.requireAccepted(t).State)
}

// An update in the wrong moment says what the moment is.
func TestGrant_UpdatesTooEarly(t *testing.T) {
	t.Parallel()
	r, in := slowGrant(t, "releasing")
	r.applies(access.OpRelease, access.Released).Once()
	var all []*updateReply
	longer := wire.ExtendInput{By: bobMail, Duration: access.Duration(time.Hour)}
	for _, step := range steps[:3] {
		all = append(all, r.sendUpdate(step.amid, wire.EndUpdate, byCarol()),
			r.sendUpdate(step.amid, wire.ExtendUpdate, longer))
	}
	r.grant(in)
	for i, step := range steps[:3] {
		all[2*i].requireRefused(t, "cannot end: the state is "+step.state)
		all[2*i+1].requireRefused(t, "cannot extend: the state is "+step.state)
	}
}

// Updates need the name of who sends them, and fields that are known.
func TestGrant_UpdatesByNobody(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(4*time.Hour)
	r.plans(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.applies(access.OpRelease, access.Released).Once()
	cases := map[string][]*updateReply{}
	for _, update := range []string{wire.CancelUpdate, wire.EndUpdate, wire.ExtendUpdate} {
		cases[`"by" is missing`] = append(cases[`"by" is missing`],
			r.sendUpdate(time.Hour, update, map[string]any{}),
			r.sendUpdate(time.Hour, update, map[string]any{"by": " "}))
		cases["unknown field"] = append(cases["unknown field"],
			r.sendUpdate(time.Hour, update, map[string]any{"by": bobMail, "why": "x"}))
	}
	cases["is not a text"] = append(cases["is not a text"],
		r.sendUpdate(time.Hour, wire.ExtendUpdate, map[string]any{"by": bobMail, "duration": 5}))
	cases["invalid duration"] = append(cases["invalid duration"],
		r.sendUpdate(time.Hour, wire.ExtendUpdate, map[string]any{"by": bobMail, "duration": "soon"}))
	require.Equal(t, "expired", r.grant(in).State)
	for want, list := range cases {
		for _, x := range list {
			err := x.rejected
			if err == nil {
				err = x.err
			}
			require.ErrorContains(t, err, want)
		}
	}
}

// What comes as the end comes does not move it any more, and gets an answer.
func TestGrant_ExtendAsItEnds(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(time.Hour)
	r.plans(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.acceptsExtensions().Maybe()
	r.applies(access.OpRelease, access.Released).Once()
	extend := r.sendUpdate(time.Hour, wire.ExtendUpdate, wire.ExtendInput{
		By: bobMail, Duration: access.Duration(time.Hour),
	})
	got := r.grant(in)
	require.Equal(t, "expired", got.State)
	if extend.rejected == nil && extend.err == nil {
		require.Equal(t, began.Add(2*time.Hour), r.Now().UTC(), "it was in time")
	}
	require.True(t, extend.done || extend.rejected != nil)
}

// The plan is not asked for again by what comes amid it.
func TestGrant_RefusedPlanAmidACancel(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(0)
	asks := planInput(in)
	plan := planOf(asks)
	plan.Refusal = "it is not to be"
	r.on(wire.PlanActivity, mock.Anything).Return(wire.PlanResult{Plan: plan, Receipt: new(receiptOf(
		wire.CloseInput{Request: aboutIt, Plan: plan, State: "refused", Message: plan.Refusal},
	))}, nil).After(time.Minute).Once()
	called := r.sendUpdate(30*time.Second, wire.CancelUpdate, byCarol())
	require.Equal(t, "refused", r.grant(in).State)
	require.Equal(t, "refused", called.requireAccepted(t).State)
}
