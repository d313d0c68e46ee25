package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// In force at once, reviewed, and then as any other: until its end.
func TestReview_Timed(t *testing.T) {
	t.Parallel()
	s := newBreakGlass(t, 8*time.Hour)
	s.applies(access.OpAcquire, access.Applied).Once()
	s.acceptsExtensions().Once()
	s.applies(access.OpRelease, access.Released).Once()
	var open, after wire.RequestStatus
	s.at(time.Minute, func() { open = s.requestStatus() })
	said := s.decides(time.Hour, wire.ApproveUpdate, carolMail)
	s.at(2*time.Hour, func() { after = s.requestStatus() })

	got := s.grant(s.in)

	require.Equal(t, "expired", got.State)
	require.Equal(t, "reviewed by carol@example.com", got.Message)
	require.Equal(t, began.Add(8*time.Hour), s.Now().UTC())
	require.Equal(t, []access.Decision{said.decision}, got.Receipt.Decisions)
	require.Equal(t, s.plan.Hash, said.decision.PlanHash)
	require.Equal(t, "active", open.State)
	require.Equal(t, "for review by 1 of 1 from owners until 2026-11-02 13:00:00 UTC, "+
		"and for its end at 2026-11-02 17:00:00 UTC", open.Waiting)
	require.True(t, open.Approval.Review)
	require.Equal(t, []string{carolMail, daveMail}, open.Approval.People)
	require.Equal(t, began.Add(reviewIn), open.Approval.Until)
	require.Equal(t, "for its end at 2026-11-02 17:00:00 UTC", after.Waiting)
	require.Equal(t, "approved", after.Approval.Verdict)
	require.Equal(t, access.Duration(reviewIn), s.applied[0].Change.Change.Lease.For,
		"the writer ends it by itself if this workflow is terminated before the review")
	require.Nil(t, s.applied[0].Change.Expect)
	require.Equal(t, claim+"/reviewed", s.applied[1].Change.Key)
	require.Equal(t, began.Add(8*time.Hour), s.applied[1].Change.Change.Lease.End)
	require.Equal(t, []string{"applied", "requested", "decided", "aboutToExpire", "released"}, s.eventTypes())
}

// Permanent access is leased until it is reviewed, and only then permanent.
func TestReview_Permanent(t *testing.T) {
	t.Parallel()
	s := newBreakGlass(t, 0, func(r *access.Review) { r.Need = 2 })
	s.applies(access.OpAcquire, access.Applied).Once()
	s.applies(access.OpGrant, access.AlreadyHeld).Once()
	s.closes()
	s.decides(time.Hour, wire.ApproveUpdate, daveMail)
	var open wire.RequestStatus
	s.at(2*time.Hour, func() { open = s.requestStatus() })
	extend := s.sendUpdate(2*time.Hour, wire.ExtendUpdate, wire.ExtendInput{
		By: bobMail, Duration: access.Duration(time.Hour),
	})
	cancel := s.sendUpdate(2*time.Hour, wire.CancelUpdate, byCarol())
	s.decides(3*time.Hour, wire.ApproveUpdate, carolMail)

	got := s.grant(s.in)

	require.Equal(t, "granted", got.State)
	require.Equal(t, access.AlreadyHeld, got.Outcome)
	require.Equal(t, "reviewed by dave@example.com, carol@example.com", got.Message)
	require.Equal(t, began.Add(3*time.Hour), s.Now().UTC())
	require.Equal(t, "for review by 1 of 2 from owners until 2026-11-02 13:00:00 UTC", open.Waiting)
	require.Nil(t, open.EndsAt)
	require.Equal(t, []string{"acquire", "grant"}, s.writerSteps())
	require.Equal(t, claim, s.applied[1].Change.Change.Lease.ID, "it takes the place of the lease")
	require.NotNil(t, s.applied[1].Change.GrantProof)
	extend.requireRefused(t, "cannot extend: the access is permanent and has no end")
	cancel.requireRefused(t, "cannot cancel: the state is active, waiting for review by 1 of 2 from owners until "+
		"2026-11-02 13:00:00 UTC; cancel is accepted in planning, awaitingApproval, scheduled, applying; "+
		"use extend or end")
}

// Not reviewed in time, or denied: released at once, and the receipt says why.
func TestReview_Fails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		deny    time.Duration
		comment string
		want    string
		at      time.Duration
	}{
		"nobody reviews it": {0, "", "not reviewed within 4h: ended", reviewIn},
		"denied":            {time.Hour, "", "ended: denied in review by carol@example.com", time.Hour},
		"denied with a why": {
			time.Hour, "use your own", "ended: denied in review by carol@example.com: use your own", time.Hour,
		},
	} {
		for _, long := range []time.Duration{0, 8 * time.Hour} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newBreakGlass(t, long)
				s.applies(access.OpAcquire, access.Applied).Once()
				s.applies(access.OpRelease, access.Released).Once()
				if c.deny > 0 {
					s.sendDecision(c.deny, wire.DenyUpdate, wire.DecisionInput{By: carolMail, Comment: c.comment})
				}
				late := s.decides(c.at+time.Second, wire.ApproveUpdate, daveMail)
				got := s.grant(s.in)
				require.Equal(t, "ended", got.State)
				require.Equal(t, access.Released, got.Outcome)
				require.Equal(t, c.want, got.Message)
				require.Equal(t, began.Add(c.at), s.Now().UTC())
				require.Equal(t, []string{"acquire", "release"}, s.writerSteps())
				require.False(t, late.done, "it is over")
			})
		}
	}
}

// The requester, the recipient, people who are not reviewers and those who have decided do
// not count; nor does a review that would change the grant. All of it is in the ledger.
func TestReview_WhoCounts(t *testing.T) {
	t.Parallel()
	s := newBreakGlass(t, 0, func(r *access.Review) {
		r.Need, r.Groups, r.People = 2, []string{access.Anyone}, []string{}
	})
	s.applies(access.OpAcquire, access.Applied).Once()
	s.applies(access.OpRelease, access.Released).Once()
	words := map[string]*reviewReply{
		"requesters do not decide on their own requests": s.decides(time.Hour, wire.ApproveUpdate, " BOB@example.com"),
		"people do not decide on their own access":       s.decides(time.Hour, wire.ApproveUpdate, anaMail),
		"has decided already": s.decides(
			2*time.Hour, wire.ApproveUpdate, "Carol@example.com"),
		"a review does not change the grant": s.sendDecision(
			time.Hour, wire.ApproveUpdate, narrowed(daveMail)),
		`"by" is missing: say who decides, as in`: s.decides(time.Hour, wire.ApproveUpdate, " "),
	}
	s.decides(90*time.Minute, wire.ApproveUpdate, carolMail)
	got := s.grant(s.in)
	require.Equal(t, "not reviewed within 4h: ended", got.Message, "one of two is not enough")
	for want, w := range words {
		w.requireRefused(t, want)
	}
	require.Len(t, s.refused, 4, "a nameless one is turned away before")
}

func narrowed(by string) wire.DecisionInput {
	return wire.DecisionInput{By: by, Duration: access.Duration(time.Minute)}
}

// Access that ends before its review is released at its end, and the request stays open: a
// short grant does not get around the review.
func TestReview_EndsBeforeItIsReviewed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		action, want string
		over         time.Duration
	}{
		"reviewed":     {wire.ApproveUpdate, "reviewed by carol@example.com", 2 * time.Hour},
		"denied":       {wire.DenyUpdate, "denied in review by carol@example.com", 2 * time.Hour},
		"not reviewed": {"", "not reviewed within 4h", reviewIn},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newBreakGlass(t, time.Hour)
			s.applies(access.OpAcquire, access.Applied).Once()
			s.applies(access.OpRelease, access.Released).Once()
			s.closes()
			if c.action != "" {
				s.decides(2*time.Hour, c.action, carolMail)
			}
			var open wire.RequestStatus
			s.at(time.Hour+time.Minute, func() { open = s.requestStatus() })
			end := s.sendUpdate(time.Hour+time.Minute, wire.EndUpdate, byCarol())
			cancelled := s.sendUpdate(time.Hour+time.Minute, wire.CancelUpdate, byCarol())
			s.at(time.Hour+2*time.Minute, s.CancelWorkflow) // changes nothing

			got := s.grant(s.in)

			require.Equal(t, "awaitingReview", open.State)
			require.Equal(t, "for review by 1 of 1 from owners until 2026-11-02 13:00:00 UTC", open.Waiting)
			require.Len(t, open.Proofs, 2, "the role is gone")
			require.Equal(t, "expired", got.State)
			require.Equal(t, access.Released, got.Outcome)
			require.Equal(t, c.want, got.Message)
			require.Equal(t, began.Add(c.over), s.Now().UTC())
			end.requireRefused(t, "cannot end: the state is awaitingReview, waiting for review by 1 of 1")
			cancelled.requireRefused(t, "the state is awaitingReview")
		})
	}
}

// An update that ends it is answered when the role is gone, and the review stays open.
func TestReview_EndedByHand(t *testing.T) {
	t.Parallel()
	for _, long := range []time.Duration{0, 8 * time.Hour} {
		s := newBreakGlass(t, long)
		s.applies(access.OpAcquire, access.Applied).Once()
		s.applies(access.OpRelease, access.Released).After(time.Minute).Once()
		s.closes()
		end := s.sendUpdate(time.Hour, wire.EndUpdate, wire.StopInput{By: bobMail})
		s.decides(2*time.Hour, wire.ApproveUpdate, daveMail)
		got := s.grant(s.in)
		require.Equal(t, "ended", got.State)
		require.Equal(t, "ended by bob@example.com; reviewed by dave@example.com", got.Message)
		require.Equal(t, "awaitingReview", end.requireAccepted(t).State)
		require.Equal(t, access.Released, end.answer.Outcome)
		require.Equal(t, time.Hour+time.Minute, end.at)
		require.Equal(t, began.Add(2*time.Hour), s.Now().UTC())
	}
}

// Cancelled in Temporal it is released at once, and reviewed all the same.
func TestReview_CancelledInTemporal(t *testing.T) {
	t.Parallel()
	s := newBreakGlass(t, 0)
	s.applies(access.OpAcquire, access.Applied).Once()
	s.applies(access.OpRelease, access.Released).Once()
	s.closes()
	s.at(time.Hour, s.CancelWorkflow)
	got := s.grant(s.in)
	require.Equal(t, "cancelled", got.State)
	require.Equal(t, "cancelled in Temporal; not reviewed within 4h", got.Message)
	require.Equal(t, began.Add(reviewIn), s.Now().UTC())
}

// A decision that comes while the role is being released counts.
func TestReview_DecidedDuringTheRelease(t *testing.T) {
	t.Parallel()
	s := newBreakGlass(t, time.Hour)
	s.applies(access.OpAcquire, access.Applied).Once()
	s.applies(access.OpRelease, access.Released).After(time.Hour).Once()
	s.closes()
	s.decides(90*time.Minute, wire.ApproveUpdate, daveMail)
	got := s.grant(s.in)
	require.Equal(t, "reviewed by dave@example.com", got.Message)
	require.Equal(t, began.Add(2*time.Hour), s.Now().UTC())
}

// A decision at the deadline counts or not, and all records agree on it.
func TestReview_DeniedAsTheTimeIsOver(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Duration{reviewIn - time.Nanosecond, reviewIn, reviewIn + time.Nanosecond} {
		for _, action := range []string{wire.ApproveUpdate, wire.DenyUpdate} {
			s := newBreakGlass(t, 0)
			s.applies(access.OpAcquire, access.Applied).Once()
			s.applies(access.OpGrant, access.AlreadyHeld).Maybe()
			s.applies(access.OpRelease, access.Released).Maybe()
			s.allowClose()
			said := s.decides(at, action, carolMail)
			got := s.grant(s.in)
			switch {
			case !said.done || said.err != nil:
				require.Equal(t, "not reviewed within 4h: ended", got.Message)
				require.Empty(t, got.Receipt.Decisions)
			case action == wire.DenyUpdate:
				require.Equal(t, "ended: denied in review by carol@example.com", got.Message)
			default:
				require.Equal(t, "granted", got.State)
			}
		}
	}
}

// A decision that is being recorded at the deadline came in time.
func TestReview_RecordedAcrossTheDeadline(t *testing.T) {
	t.Parallel()
	s := newBreakGlass(t, 0)
	s.applies(access.OpAcquire, access.Applied).Once()
	s.applies(access.OpRelease, access.Released).Once()
	s.recordingTime = time.Hour
	said := s.decides(reviewIn-time.Minute, wire.DenyUpdate, carolMail)
	got := s.grant(s.in)
	said.requireCounted(t)
	require.Equal(t, "ended: denied in review by carol@example.com", got.Message)
}

// Access whose role was removed by hand meanwhile is not made permanent.
func TestReview_RemovedBeforeItIsPermanent(t *testing.T) {
	t.Parallel()
	s := newBreakGlass(t, 0)
	s.applies(access.OpAcquire, access.Applied).Once()
	s.applies(access.OpGrant, access.Superseded).Once()
	s.applies(access.OpRelease, access.Superseded).Once()
	s.decides(time.Hour, wire.ApproveUpdate, carolMail)
	got := s.grant(s.in)
	require.Equal(t, "ended", got.State)
	require.Equal(t, access.Superseded, got.Outcome)
	require.Equal(t, "it could not be made permanent: the role was gone already; "+
		"reviewed by carol@example.com", got.Message)
	require.True(t, s.applied[2].Change.GrantProof.Granted())
}

// Neither what the console refuses leaves anything behind.
func TestReview_RefusedAsItBecomesPermanent(t *testing.T) {
	t.Parallel()
	s := newBreakGlass(t, 0)
	s.applies(access.OpAcquire, access.Applied).Once()
	s.on(wire.ApplyActivity, anyOp(access.OpGrant)).
		Return(failing[wire.ApplyInput, wire.ApplyResult](forbidden())).Once()
	s.applies(access.OpRelease, access.Released).Once()
	s.decides(time.Hour, wire.ApproveUpdate, carolMail)
	got := s.grant(s.in)
	require.Equal(t, "ended", got.State)
	require.Contains(t, got.Message, "403")
	require.Contains(t, got.Message, "; reviewed by carol@example.com")
}

// Extended while it is reviewed, the writer's own end stays that of the review, and is the
// new one only afterwards.
func TestReview_ExtendedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newBreakGlass(t, 8*time.Hour)
	s.applies(access.OpAcquire, access.Applied).Once()
	s.acceptsExtensions().Twice()
	s.applies(access.OpRelease, access.Released).Once()
	longer := func(d time.Duration) wire.ExtendInput {
		return wire.ExtendInput{By: bobMail, Duration: access.Duration(d)}
	}
	ok := s.sendUpdate(time.Hour, wire.ExtendUpdate, longer(2*time.Hour))
	tooLong := s.sendUpdate(time.Hour, wire.ExtendUpdate, longer(17*time.Hour))
	s.decides(2*time.Hour, wire.ApproveUpdate, carolMail)
	got := s.grant(s.in)
	require.Equal(t, "expired", got.State)
	require.Equal(t, began.Add(10*time.Hour), s.Now().UTC())
	require.Equal(t, began.Add(10*time.Hour), *ok.requireAccepted(t).EndsAt)
	tooLong.requireRefused(t, "the policy allows 24h")
	require.Equal(t, []string{"acquire", "extend/1", "reviewed", "release"}, s.writerSteps())
	require.Equal(t, began.Add(reviewIn), s.applied[1].Change.Change.Lease.End)
	require.Equal(t, began.Add(10*time.Hour), s.applied[2].Change.Change.Lease.End)
}

// Reviewers are reminded as often as the policy says, and once more shortly before it is
// too late.
func TestReview_Reminders(t *testing.T) {
	t.Parallel()
	s := newBreakGlass(t, 0)
	s.applies(access.OpAcquire, access.Applied).Once()
	s.applies(access.OpRelease, access.Released).Once()
	s.grant(s.in)
	require.Equal(t, []string{"applied", "requested", "reminder", "reminder", "released"}, s.eventTypes())
	require.Equal(t, began.Add(3*time.Hour), s.announcedAt[2])
	require.Equal(t, began.Add(reviewIn-30*time.Minute), s.announcedAt[3])
}

// Access that is cancelled before it is in force needs no review.
func TestReview_CancelledAsItIsApplied(t *testing.T) {
	t.Parallel()
	s := newBreakGlass(t, 0)
	s.applies(access.OpAcquire, access.Applied).After(time.Hour).Maybe()
	s.applies(access.OpRelease, access.NotApplied).Once()
	s.sendUpdate(time.Minute, wire.CancelUpdate, byCarol())
	early := s.decides(30*time.Second, wire.ApproveUpdate, carolMail)
	got := s.grant(s.in)
	require.Equal(t, "cancelled", got.State)
	require.Equal(t, "cancelled by carol@example.com", got.Message)
	early.requireRefused(t, "there is nothing to decide: the state is applying")
}

// What does not go with starting at once.
func TestReview_BadInput(t *testing.T) {
	t.Parallel()
	in := grantInput(time.Hour)
	in.BreakGlass, in.Reason, in.StartAt = true, " ", new(began.Add(time.Hour))
	err := in.Validate(began)
	require.ErrorContains(t, err, "breakGlass needs a reason: state the emergency")
	require.ErrorContains(t, err, "breakGlass starts at once: leave startAt out")
}

// An extension that is on its way when the review is over does not reach the writer after
// the end that the grant has then.
func TestReview_ExtensionUnderWay(t *testing.T) {
	t.Parallel()
	s := newBreakGlass(t, 8*time.Hour)
	s.applies(access.OpAcquire, access.Applied).Once()
	s.acceptsExtensions().After(time.Hour).Once()
	s.acceptsExtensions().Once()
	s.applies(access.OpRelease, access.Released).Once()
	s.sendUpdate(time.Hour, wire.ExtendUpdate, wire.ExtendInput{By: bobMail, Duration: access.Duration(time.Hour)})
	s.decides(90*time.Minute, wire.ApproveUpdate, carolMail)
	require.Equal(t, "expired", s.grant(s.in).State)
	require.Equal(t, []string{"acquire", "extend/1", "reviewed", "release"}, s.writerSteps())
	require.Equal(t, began.Add(9*time.Hour), s.applied[2].Change.Change.Lease.End)
}
