package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// newBreakGlassEnv has a worker that applies break-glass requests at once, to be reviewed by
// one lead within a time.
func newBreakGlassEnv(t *testing.T, reviewWithin string) *grantEnv {
	t.Helper()
	return newGrantEnvWithPolicy(t, breakGlassPolicy(reviewWithin))
}

func (r *grantEnv) breakGlassInput(duration string) wire.GrantInput {
	in := r.input(duration)
	in.BreakGlass = true
	return in
}

func isInReview(got wire.RequestStatus) bool {
	return got.State == wire.StateActive && got.Approval != nil && got.Approval.Review
}

// Break-glass grants are active at once, survive a killed worker, and are reviewed by
// another person: a permanent one stays, a time-bound one continues to its end.
func TestReview_Reviewed(t *testing.T) {
	t.Parallel()
	s := newBreakGlassEnv(t, "1h")
	other := s.withUser("fay@example.com")
	before := other.holdings()
	permanent, timed := s.startGrant("/1", s.breakGlassInput("")), other.startGrant("/2", other.breakGlassInput("2h"))
	s.untilStatus(permanent, isInReview)
	s.untilStatus(timed, isInReview)
	require.True(t, s.holdings().Holds(s.requested))
	s.worker.Kill()
	s.startWorker()
	_, err := s.decide(permanent, "approve", "bob@example.com")
	require.ErrorContains(t, err, "requesters do not decide on their own requests")
	_, err = s.decide(permanent, "approve", "eve@example.com")
	require.ErrorContains(t, err, "is not eligible to decide: it is pending for review by 1 of 1 from leads until ")
	_, err = s.decide(permanent, "approve", "carol@example.com")
	require.NoError(t, err)
	got := s.result(permanent)
	require.Equal(t, wire.StateGranted, got.State, got.Message)
	require.Equal(t, "reviewed by carol@example.com", got.Message)
	require.True(t, s.holdings().Holds(s.requested))
	s.requireReceipt(got)
	require.Len(t, s.ledgerEntries(permanent, "decision"), 3, "the ledger has the refused decisions too")

	_, err = s.decide(timed, "approve", "dave@example.com")
	require.NoError(t, err)
	more := wire.ExtendInput{By: "bob@example.com", Duration: access.Duration(time.Hour)}
	asked := s.update(timed, wire.ExtendUpdate, more)
	require.True(t, asked.Pending)
	for _, by := range []string{"carol@example.com", "dave@example.com"} { // as without break-glass
		_, err = s.decide(timed, "approve", by)
		require.NoError(t, err)
	}
	s.untilStatus(timed, func(got wire.RequestStatus) bool { return got.Extension == nil })
	require.EventuallyWithT(t, func(c *assertT) {
		require.Len(c, s.ledgerEntries(timed, "extension"), 1)
	}, limit, 100*time.Millisecond)
	require.Regexp(t, `(?m) extend +by bob@example.com by 1h, to end on `, s.starter("show", timed.GetID()).stdout)
	s.update(timed, wire.EndUpdate, wire.StopInput{By: "fay@example.com"})
	got = s.result(timed)
	require.Equal(t, wire.StateEnded, got.State)
	require.Equal(t, "ended by fay@example.com; reviewed by dave@example.com", got.Message)
	require.Equal(t, "bob@example.com", got.Receipt.Extensions[0].By)
	require.Equal(t, before, other.holdings())
	s.requireReceipt(got)
	require.Regexp(t, `(?m) extend +by bob@example.com by 1h, to end on `, s.starter("show", timed.GetID()).stdout)
	s.requireLedger()
}

// A break-glass grant that nobody reviews is released, and its receipt says why.
func TestReview_NotReviewed(t *testing.T) {
	t.Parallel()
	s := newBreakGlassEnv(t, "5s")
	before := s.holdings()
	permanent := s.startGrant("/1", s.breakGlassInput(""))
	got := s.result(permanent)
	require.Equal(t, wire.StateEnded, got.State)
	require.Equal(t, access.Released, got.Outcome)
	require.Equal(t, "not reviewed within 5s: ended", got.Message)
	require.Equal(t, before, s.holdings())
	s.requireReceipt(got)

	short := s.result(s.startGrant("/2", s.breakGlassInput("1s")))
	require.Equal(t, wire.StateExpired, short.State)
	require.Equal(t, "not reviewed within 5s", short.Message)
	require.Equal(t, before, s.holdings())
	s.requireReceipt(short)

	in := s.breakGlassInput("1h")
	in.Requester = "eve@example.com"
	refused := s.grant("/3", in)
	require.Equal(t, wire.StateRefused, refused.State)
	require.Contains(t, refused.Message, `rule "no-break-glass" allows no break-glass: request it without break-glass`)
	s.requireLedger()
}

func TestReview_Denied(t *testing.T) {
	t.Parallel()
	s := newBreakGlassEnv(t, "1h")
	before := s.holdings()
	planned := s.starter("grant", "--user", s.user.ID, "--role", s.requested.RoleID, "--scope", s.requested.ScopeID,
		"--level", "site", "--requester", "bob@example.com", "--reason", "INC-42", "--break-glass", "--dry-run")
	require.Zero(t, planned.code, planned.stderr)
	require.Regexp(t, `(?m)^approval +starts at once and is ended unless 1 of leads reviews it within 1h `+
		`\(rule "break-glass"\)$`, planned.stdout)
	run := s.startGrant("", s.breakGlassInput("2h"))
	s.untilStatus(run, isInReview)
	require.True(t, s.holdings().Holds(s.requested))
	_, err := s.decide(run, "deny", "carol@example.com")
	require.NoError(t, err)
	got := s.result(run)
	require.Equal(t, wire.StateEnded, got.State)
	require.Equal(t, "ended: denied in review by carol@example.com", got.Message)
	require.Equal(t, before, s.holdings())
	s.requireReceipt(got)
}
