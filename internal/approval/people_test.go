package approval_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// TestCheck_RecipientByAnyName has the recipient decide by each name and spelling that the
// console and mail programs know.
func TestCheck_RecipientByAnyName(t *testing.T) {
	t.Parallel()
	plan := planOf(anyone(1))
	plan.Principal.Name = "Ana Smith"
	user := approval.Of(plan.Seal(), noon)
	plan.Principal = access.PrincipalRef{Kind: access.ServiceUser, ID: "77", Name: "siem-reader"}
	service := approval.Of(plan.Seal(), noon)
	for name, s := range map[string]approval.State{
		"7": user, "Ana Smith": user, " ana  SMITH ": user, "Ana Smith <ana@example.com>": user,
		"mailto:ana@example.com": user, "ana\ufe0f@example.com": user, "ana@example.com.": user,
		"ａｎａ@example.com": user, "ana\x00@example.com": user,
		"siem-reader": service, "SIEM-Reader\u2800": service, "77": service,
	} {
		for _, action := range []string{approval.Approve, approval.Deny} {
			r := s.Check(decide(s, after(time.Minute), action, name), after(time.Minute))
			require.NotNil(t, r, "%q", name)
			require.Equal(t, approval.IsRecipient, r.Reason, "%q: %s", name, r.Sentence())
		}
		delegated := delegation(name, dave)
		d := decide(s, after(time.Minute), approval.Approve, dave)
		d.OnBehalfOf, d.Delegation = name, &delegated
		require.Equal(t, approval.IsRecipient, s.Check(d, after(time.Minute)).Reason, "in the place of %q", name)
	}
	for _, other := range []string{carol, "70", "ana@example.org", "Ana", "smith"} {
		require.Nil(t, user.Check(decide(user, after(time.Minute), approval.Approve, other), after(time.Minute)), other)
	}
	named := plan
	named.Approval.Steps = []access.ApprovalStep{stepOf(1, carol, "77")}
	require.Equal(t, []string{carol}, approval.Of(named.Seal(), noon).StepAt(0).People)
}

// TestCheck_OnePersonInSpellings has an approver and the requester come back as others.
func TestCheck_OnePersonInSpellings(t *testing.T) {
	t.Parallel()
	s := approvedBy(opened(anyone(2)), carol)
	for _, spelled := range []string{
		"carol\u034f@example.com", "carol\u3164@example.com", "carol\u115f@example.com", "carol\u180b@example.com",
		"carol\U000e0100@example.com", "carol\a@example.com", "\x1bcarol@example.com", "carol@example.com.",
		"Carol <carol@example.com>", "mailto:carol@example.com", "𝐜arol@example.com",
	} {
		r := s.Check(decide(s, after(2*time.Minute), approval.Approve, spelled), after(2*time.Minute))
		require.NotNil(t, r, "%q", spelled)
		require.Equal(t, approval.DecidedBefore, r.Reason, "%q", spelled)
	}
	for _, spelled := range []string{"Bob <bob@example.com>", "bob\u2800@example.com", "BOB@example.com."} {
		r := s.Check(decide(s, after(2*time.Minute), approval.Approve, spelled), after(2*time.Minute))
		require.NotNil(t, r, "%q", spelled)
		require.Equal(t, approval.IsRequester, r.Reason, "%q", spelled)
	}
}
