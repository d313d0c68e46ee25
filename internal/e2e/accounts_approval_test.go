package e2e

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// newAskedAccounts is a stack whose worker asks two leads, and keeps tokens in a folder.
func newAskedAccounts(t *testing.T) *accounts {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "tokens")
	return &accounts{roles: newAsked(t, "SERVICE_USER_TOKEN_DIR="+folder), folder: folder}
}

// A service user is made when the two leads have approved it, and not before. The
// requester, who is a lead too, does not count, nor does whoever that one hands it to.
func TestAccountApproval_ServiceUser(t *testing.T) {
	t.Parallel()
	s := newAskedAccounts(t)
	run := s.startServiceUser("ci")
	status := s.untilRequest(run, asks)
	require.Equal(t, []string{"carol@example.com", "dave@example.com"}, status.Approval.People)
	_, err := s.delegates("1", wire.DelegationInput{
		By: "bob@example.com", To: "erin@example.com", Duration: access.Duration(time.Hour),
	})
	require.NoError(t, err)
	for by, why := range map[string]string{
		"bob@example.com": "the requester does not decide", "erin@example.com": "may not decide",
	} {
		_, err := s.decide(run, "approve", by)
		require.ErrorContains(t, err, why, by)
	}
	_, err = s.decide(run, "approve", "carol@example.com")
	require.NoError(t, err)
	_, err = s.decide(run, "approve", "carol@example.com")
	require.ErrorContains(t, err, "has decided already")
	require.Empty(t, s.named(access.ServiceUser, "ci"), "one of two is not enough")
	_, err = s.decide(run, "approve", "dave@example.com")
	require.NoError(t, err)
	got := s.ended(run)
	s.requireMade(access.ServiceUser, "ci", got)
	require.Len(t, got.Receipt.Decisions, 2)
	require.Len(t, s.entries(run, "decision"), 5, "what did not count is in the ledger too")
	s.requireLedger()
}

// Denied, there is no account on the console and no request to make one.
func TestAccountApproval_Denied(t *testing.T) {
	t.Parallel()
	s := newAskedAccounts(t)
	run := s.startServiceUser("ci")
	user := s.startUser("dora")
	s.untilRequest(run, asks)
	s.untilRequest(user, asks)
	_, err := s.decide(user, "approve", "dora@example.com")
	require.ErrorContains(t, err, "nobody decides about a role of their own")
	for _, r := range []struct{ action, by string }{{"approve", "carol@example.com"}, {"deny", "dave@example.com"}} {
		_, err := s.decide(run, r.action, r.by)
		require.NoError(t, err)
		_, err = s.decide(user, r.action, r.by)
		require.NoError(t, err)
	}
	got := s.ended(run)
	require.Equal(t, wire.StateDenied, got.State)
	s.requireReceipt(got)
	require.Equal(t, wire.StateDenied, s.ended(user).State)
	require.Empty(t, s.named(access.ServiceUser, "ci"))
	require.Empty(t, s.named(access.User, "dora"))
	for _, q := range s.console.Requests() {
		require.Equal(t, "GET", q.Method, "%s", q.Path)
	}
	s.requireLedger()
}

// consented runs a command of starter under an id, and has two people consent if it makes
// an account.
func (d *signedDesk) consented(args []string, id string) answer {
	d.t.Helper()
	done := make(chan answer, 1)
	go func() { done <- d.starter(append(slices.Clone(args), "--id", id)...) }()
	if args[1] == "create" {
		run := d.client.GetWorkflow(d.ctx(), wire.ProvisionID(id), "")
		d.untilRequest(run, asks)
		d.approves(run, "carol@example.com")
		d.approves(run, "dave@example.com")
	}
	return <-done
}

// Without a policy file one person other than the requester must consent.
func TestAccountApproval_BuiltInPolicy(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "tokens")
	s := prepareRoles(t, newStack(t, rolesConsole))
	s.extra = append(s.extra, "POLICY_FILE=", "SERVICE_USER_TOKEN_DIR="+folder)
	s.startWorker()
	a := &accounts{roles: s, folder: folder}
	run := a.startServiceUser("ci")
	a.untilRequest(run, asks)
	_, err := a.decide(run, "approve", "bob@example.com")
	require.ErrorContains(t, err, "the requester does not decide")
	require.Empty(t, a.named(access.ServiceUser, "ci"))
	_, err = a.decide(run, "approve", "eve@example.com")
	require.NoError(t, err)
	a.requireMade(access.ServiceUser, "ci", a.ended(run))
}
