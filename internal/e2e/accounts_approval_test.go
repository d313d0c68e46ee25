package e2e

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// newAccountApprovalEnv has a worker that asks for the approval of two leads.
func newAccountApprovalEnv(t *testing.T) *accountEnv {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "tokens")
	return &accountEnv{grantEnv: newApprovalEnv(t, "SERVICE_USER_TOKEN_DIR="+folder), tokenDir: folder}
}

// A service user is created when two leads have approved it, and not before. Decisions of
// the requester, who is a lead too, and of the requester's delegate do not count.
func TestAccountApproval_ServiceUser(t *testing.T) {
	t.Parallel()
	s := newAccountApprovalEnv(t)
	run := s.startServiceUser("ci")
	status := s.untilStatus(run, isAwaitingApproval)
	require.Equal(t, []string{"carol@example.com", "dave@example.com"}, status.Approval.People)
	_, err := s.delegate("1", wire.DelegationInput{
		By: "bob@example.com", To: "erin@example.com", Duration: access.Duration(time.Hour),
	})
	require.NoError(t, err)
	for by, why := range map[string]string{
		"bob@example.com":  "requesters do not decide on their own requests",
		"erin@example.com": "is not eligible to decide",
	} {
		_, err := s.decide(run, "approve", by)
		require.ErrorContains(t, err, why, by)
	}
	_, err = s.decide(run, "approve", "carol@example.com")
	require.NoError(t, err)
	_, err = s.decide(run, "approve", "carol@example.com")
	require.ErrorContains(t, err, "has decided already")
	require.Empty(t, s.accountsNamed(access.ServiceUser, "ci"), "one of two is not enough")
	_, err = s.decide(run, "approve", "dave@example.com")
	require.NoError(t, err)
	got := s.result(run)
	s.requireCreated(access.ServiceUser, "ci", got)
	require.Len(t, got.Receipt.Decisions, 2)
	require.Len(t, s.ledgerEntries(run, "decision"), 5, "the ledger has the refused decisions too")
	s.requireLedger()
}

// A denied request creates no account.
func TestAccountApproval_Denied(t *testing.T) {
	t.Parallel()
	s := newAccountApprovalEnv(t)
	run := s.startServiceUser("ci")
	user := s.startUser("dora")
	s.untilStatus(run, isAwaitingApproval)
	s.untilStatus(user, isAwaitingApproval)
	_, err := s.decide(user, "approve", "dora@example.com")
	require.ErrorContains(t, err, "people do not decide on their own access")
	for _, r := range []struct{ action, by string }{{"approve", "carol@example.com"}, {"deny", "dave@example.com"}} {
		_, err := s.decide(run, r.action, r.by)
		require.NoError(t, err)
		_, err = s.decide(user, r.action, r.by)
		require.NoError(t, err)
	}
	got := s.result(run)
	require.Equal(t, wire.StateDenied, got.State)
	s.requireReceipt(got)
	require.Equal(t, wire.StateDenied, s.result(user).State)
	require.Empty(t, s.accountsNamed(access.ServiceUser, "ci"))
	require.Empty(t, s.accountsNamed(access.User, "dora"))
	for _, q := range s.console.Requests() {
		require.Equal(t, "GET", q.Method, "%s", q.Path)
	}
	s.requireLedger()
}

// runApproved runs a command of starter under an id. Two people approve the request if it
// creates an account.
func (e *signedEnv) runApproved(args []string, id string) commandResult {
	e.t.Helper()
	done := make(chan commandResult, 1)
	go func() { done <- e.starter(append(slices.Clone(args), "--id", id)...) }()
	if args[1] == "create" {
		run := e.client.GetWorkflow(e.ctx(), wire.ProvisionID(id), "")
		e.untilStatus(run, isAwaitingApproval)
		e.approveSigned(run, "carol@example.com")
		e.approveSigned(run, "dave@example.com")
	}
	return <-done
}

// Without a policy file one person other than the requester must approve.
func TestAccountApproval_BuiltInPolicy(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "tokens")
	s := prepareGrantEnv(t, newStack(t, grantworld.Options()))
	s.extraEnv = append(s.extraEnv, "POLICY_FILE=", "SERVICE_USER_TOKEN_DIR="+folder)
	s.startWorker()
	a := &accountEnv{grantEnv: s, tokenDir: folder}
	run := a.startServiceUser("ci")
	a.untilStatus(run, isAwaitingApproval)
	_, err := a.decide(run, "approve", "bob@example.com")
	require.ErrorContains(t, err, "requesters do not decide on their own requests")
	require.Empty(t, a.accountsNamed(access.ServiceUser, "ci"))
	_, err = a.decide(run, "approve", "eve@example.com")
	require.NoError(t, err)
	a.requireCreated(access.ServiceUser, "ci", a.result(run))
}
