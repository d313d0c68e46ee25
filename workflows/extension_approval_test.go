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

// extensionEnv is a grant of 4 h that is in force, whose extensions carol or dave must approve
// within 2 h.
type extensionEnv struct {
	*breakGlassEnv
}

func extensionApproval() access.Approval {
	return access.Approval{
		Required: true, DecideWithin: access.Duration(2 * time.Hour),
		Steps: []access.ApprovalStep{{Need: 1, Groups: []string{"soc"}, People: []string{carolMail, daveMail}}},
	}
}

func newExtensionEnv(t *testing.T) *extensionEnv {
	t.Helper()
	r, in := newRequest(t), grantInput(4*time.Hour)
	s := &extensionEnv{&breakGlassEnv{requestEnv: r, in: in}}
	r.extensions = extensionApproval()
	r.on(wire.PlanActivity, planInput(in)).
		Return(wire.PlanResult{Plan: planOf(planInput(in)), Notify: true, Indexed: true}, nil).Once()
	r.OnUpsertTypedSearchAttributes(mock.Anything).Return(nil).Maybe()
	r.on(wire.DecideActivity, mock.Anything).Return(s.decide).
		AfterFn(func() time.Duration { return s.recordingTime }).Maybe()
	r.on(wire.AnnounceActivity, mock.Anything).Return(func(_ context.Context, in wire.AnnounceInput) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		s.events = append(s.events, in.Event)
		return nil
	}).Maybe()
	r.applies(access.OpAcquire, access.Applied).Once()
	r.applies(access.OpRelease, access.Released).Once()
	return s
}

// asks has bob ask for two more hours.
func (s *extensionEnv) asks(d time.Duration) *updateReply {
	return s.sendUpdate(d, wire.ExtendUpdate, wire.ExtendInput{By: bobMail, Duration: access.Duration(2 * time.Hour)})
}

func (s *extensionEnv) expires(t *testing.T, after time.Duration) wire.RequestResult {
	t.Helper()
	got := s.grant(s.in)
	require.Equal(t, "expired", got.State)
	require.Equal(t, began.Add(after), s.Now().UTC())
	return got
}

// An extension answers at once that it is pending. The end moves when it is approved, and the
// receipt has who asked, who approved, and what.
func TestExtension_Approved(t *testing.T) {
	t.Parallel()
	s := newExtensionEnv(t)
	s.acceptsExtensions().Once()
	asked := s.asks(time.Hour)
	var pending wire.RequestStatus
	s.at(90*time.Minute, func() { pending = s.requestStatus() })
	yes := s.decides(2*time.Hour, "approve", carolMail)
	s.at(2*time.Hour+time.Second, func() {
		require.Nil(t, s.requestStatus().Extension)
		require.Equal(t, began.Add(6*time.Hour), *s.requestStatus().EndsAt)
	})
	got := s.expires(t, 6*time.Hour)

	answer := asked.requireAccepted(t)
	require.Equal(t, wire.RequestAnswer{
		State: "active", EndsAt: new(began.Add(4 * time.Hour)), Pending: true, Extension: s.askedFor[0].Hash,
	}, answer)
	require.Equal(t, time.Hour, asked.at, "it answers at once")
	require.Equal(t, "active", pending.State)
	require.Equal(t, began.Add(4*time.Hour), *pending.EndsAt)
	require.Equal(t, s.askedFor[0], pending.Extension.Asked)
	require.Equal(t, began.Add(6*time.Hour), pending.Extension.Asked.EndsAt)
	require.Equal(t, []string{carolMail, daveMail}, pending.Extension.Approval.People)
	require.Contains(t, pending.Waiting,
		"for the approval of an extension until 2026-11-02 15:00:00 UTC: for 1 of 1 from soc")
	yes.requireCounted(t)
	require.Equal(t, s.askedFor[0].Hash, yes.decision.PlanHash)
	require.Len(t, got.Receipt.Extensions, 1)
	x := got.Receipt.Extensions[0]
	require.Equal(t, s.askedFor[0], *x.Asked)
	require.Equal(t, carolMail, x.Decisions[0].By)
	require.Empty(t, got.Receipt.Decisions, "it is no decision on the grant")
	require.Subset(t, s.eventTypes(), []string{"requested", "decided"})
}

// A no, a deadline, a refusal by the policy and the end of the grant leave it as it was.
func TestExtension_NotApproved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ask time.Duration
		do  func(s *extensionEnv)
	}{
		"denied":    {time.Hour, func(s *extensionEnv) { s.decides(90*time.Minute, "deny", carolMail) }},
		"timed out": {time.Hour, func(s *extensionEnv) { s.decides(3*time.Hour, "approve", carolMail) }},
		"too late": {3 * time.Hour, func(s *extensionEnv) {
			s.decides(4*time.Hour+time.Second, "approve", carolMail)
		}},
		"by the requester, who is the asker": {time.Hour, func(s *extensionEnv) {
			s.decides(90*time.Minute, "approve", bobMail)
		}},
		"by the recipient": {time.Hour, func(s *extensionEnv) { s.decides(90*time.Minute, "approve", anaMail) }},
		"by someone else": {time.Hour, func(s *extensionEnv) {
			s.decides(90*time.Minute, "approve", "eve@example.com")
		}},
		"refused by policy": {time.Hour, func(s *extensionEnv) {
			s.refuseExtensions = "cannot extend: no rule allows it"
		}},
		"recorded too late": {3 * time.Hour, func(s *extensionEnv) {
			s.recordingTime = 30 * time.Minute
			s.decides(225*time.Minute, "approve", carolMail)
		}},
		"on another request": {time.Hour, func(s *extensionEnv) {
			s.sendDecision(90*time.Minute, "approve", wire.DecisionInput{By: carolMail, PlanHash: "other"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newExtensionEnv(t)
			s.asks(c.ask)
			c.do(s)
			got := s.expires(t, 4*time.Hour+s.recordingTime/2) // whose decision is answered before it closes
			require.Empty(t, got.Receipt.Extensions)
		})
	}
}

// After a no, somebody may ask again: that is another question, which needs its own answer.
func TestExtension_AskedAgain(t *testing.T) {
	t.Parallel()
	s := newExtensionEnv(t)
	s.acceptsExtensions().Once()
	s.asks(time.Hour)
	twice := s.asks(61 * time.Minute)
	s.decides(90*time.Minute, "deny", carolMail)
	s.asks(2 * time.Hour)
	var old *reviewReply
	s.at(121*time.Minute, func() {
		old = s.sendDecision(0, "approve", wire.DecisionInput{By: daveMail, PlanHash: s.askedFor[0].Hash})
	})
	s.decides(130*time.Minute, "approve", carolMail)
	got := s.expires(t, 6*time.Hour)
	twice.requireRefused(t,
		"an extension until 2026-11-02 15:00:00 UTC, for which bob@example.com has asked, is pending")
	old.requireRefused(t, "the plan has changed since it was shown")
	require.NotEqual(t, s.askedFor[0].Hash, s.askedFor[1].Hash)
	require.Len(t, got.Receipt.Extensions, 1)
}

// The recipient does not ask, unless the recipient requested the grant; who asks does not decide.
func TestExtension_WhoMayAsk(t *testing.T) {
	t.Parallel()
	s := newExtensionEnv(t)
	hours := access.Duration(2 * time.Hour)
	recipient := s.sendUpdate(time.Hour, wire.ExtendUpdate, wire.ExtendInput{By: "ANA@example.com", Duration: hours})
	moved := s.sendUpdate(time.Hour, wire.ExtendUpdate, wire.ExtendInput{
		By: daveMail, Duration: hours, EndsAt: began.Add(7 * time.Hour),
	})
	s.sendUpdate(70*time.Minute, wire.ExtendUpdate, wire.ExtendInput{By: carolMail, Duration: hours})
	own := s.decides(80*time.Minute, "approve", " Carol@example.com")
	s.expires(t, 4*time.Hour)
	recipient.requireRefused(t, "ANA@example.com is the recipient: somebody else must ask for it")
	moved.requireRecordedRefusal(t, "the end has moved to 2026-11-02 13:00:00 UTC meanwhile")
	own.requireRefused(t, "Carol@example.com asks for the extension: people do not decide on what they ask for")
}

// Review and extension may be open together. A decision that names neither is refused, and one
// that names one counts for that alone.
func TestExtension_BesideAReview(t *testing.T) {
	t.Parallel()
	s := newBreakGlass(t, 2*time.Hour)
	s.extensions = extensionApproval()
	s.applies(access.OpAcquire, access.Applied).Once()
	s.acceptsExtensions().Maybe()
	s.applies(access.OpRelease, access.Released).Once()
	hours := access.Duration(4 * time.Hour)
	s.sendUpdate(time.Hour, wire.ExtendUpdate, wire.ExtendInput{By: bobMail, Duration: hours})
	blind := s.decides(61*time.Minute, "approve", carolMail)
	var extension, review *reviewReply
	s.at(62*time.Minute, func() {
		extension = s.sendDecision(0, "approve", wire.DecisionInput{By: carolMail, PlanHash: s.askedFor[0].Hash})
	})
	s.at(63*time.Minute, func() {
		require.Empty(t, s.requestStatus().Approval.Verdict, "the review is still open")
		require.Equal(t, began.Add(6*time.Hour), *s.requestStatus().EndsAt)
	})
	review = s.sendDecision(3*time.Hour, "approve", wire.DecisionInput{By: carolMail, PlanHash: s.plan.Hash})
	s.ExecuteWorkflow(wire.GrantType, s.in)
	got := s.ended()
	blind.requireRefused(t, "a review and an extension are pending: name the one that you decide on as planHash, "+
		s.plan.Hash+" for the review or "+s.askedFor[0].Hash+" for the extension")
	extension.requireCounted(t)
	review.requireCounted(t)
	require.Equal(t, "expired", got.State)
	require.Equal(t, began.Add(6*time.Hour), s.Now().UTC())
	require.Len(t, got.Receipt.Decisions, 1)
	require.Len(t, got.Receipt.Extensions[0].Decisions, 1)
}

// Break-glass: an approved extension beyond the deadline of the review does not replace it.
func TestExtension_BeyondTheReview(t *testing.T) {
	t.Parallel()
	s := newBreakGlass(t, 2*time.Hour)
	s.extensions = extensionApproval()
	s.applies(access.OpAcquire, access.Applied).Once()
	s.acceptsExtensions().Once()
	s.applies(access.OpRelease, access.Released).Once()
	s.sendUpdate(time.Hour, wire.ExtendUpdate, wire.ExtendInput{By: bobMail, Duration: access.Duration(4 * time.Hour)})
	s.at(62*time.Minute, func() {
		s.sendDecision(0, "approve", wire.DecisionInput{By: carolMail, PlanHash: s.askedFor[0].Hash})
	})
	s.ExecuteWorkflow(wire.GrantType, s.in)
	require.Equal(t, "ended", s.ended().State)
	require.Equal(t, began.Add(reviewIn), s.Now().UTC(), "at the deadline of the review")
	require.Equal(t, began.Add(reviewIn), s.applied[1].Change.Change.Lease.End, "the writer knows no later end")
}
