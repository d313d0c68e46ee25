package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

// driftRules revert at the third site, with an approval at the second, adopt for one user, and report the rest.
const driftRules = testbed.AutoApprove + `
groups: {owners: [carol@example.com]}
drift:
  - {name: adopted, when: principal.email == "adopted@example.com", action: adopt}
  - {name: reported, when: principal.email == "reported@example.com", action: report}
  - name: approved
    when: principal.email == "approved@example.com"
    action: revert
    approvals: [{need: 1, from: [owners]}]
  - {name: rest, action: revert, after: 1s}
`

// Access that people give by hand is reported, adopted, or reverted, as the policy's drift rules say.
func TestDriftRules(t *testing.T) {
	t.Parallel()
	r := newGrantEnvWithPolicy(t, driftRules)
	adopted, reported := r.withUser("adopted@example.com"), r.withUser("reported@example.com")
	approved, last := r.withUser("approved@example.com"), r.withUser("last@example.com")
	r.runSync("/before")
	for _, who := range []*grantEnv{r, adopted, reported, approved} {
		who.setRolesByHand(who.viewer, who.requested)
	}
	last.setRolesByHand(last.requested) // in place of what was there: it is the last role
	r.runSync("/after")

	require.Eventually(t, func() bool { return !r.holdings().Holds(r.requested) }, limit, 100*time.Millisecond)
	require.True(t, r.holdings().Holds(r.viewer))
	revert := r.driftEntry(r.user)
	require.Equal(t, "rest", revert.body.Rule)
	var result wire.RequestResult
	require.NoError(t, r.client.GetWorkflow(r.ctx(), revert.request, "").Get(r.ctx(), &result))
	require.Equal(t, wire.StateRevoked, result.State, result.Message)
	require.Equal(t, policy.SystemRequester, result.Receipt.Plan.Terms.Requester)
	require.Equal(t, "drift: rest", result.Receipt.Plan.Approval.Rule)
	r.requireReceipt(result)

	asked := r.driftEntry(approved.user).request
	require.Eventually(t, func() bool {
		return r.starter("approve", asked, "--by", "carol@example.com", "--yes").code == 0
	}, limit, 200*time.Millisecond)
	require.Eventually(t, func() bool { return !approved.holdings().Holds(r.requested) }, limit, 100*time.Millisecond)

	require.Equal(t, "adopted", r.driftEntry(adopted.user).body.Rule)
	require.True(t, adopted.holdings().Holds(r.requested))
	refused := r.driftEntry(last.user).request
	require.NoError(t, r.client.GetWorkflow(r.ctx(), refused, "").Get(r.ctx(), &result))
	require.Equal(t, wire.StateRefused, result.State)
	require.Contains(t, result.Message, "last role")
	require.True(t, last.holdings().Holds(r.requested))
	require.True(t, reported.holdings().Holds(r.requested))

	r.runSync("/again")
	listed := r.starter("drift")
	require.Equal(t, 1, listed.code)
	require.Contains(t, listed.stdout, "reported@example.com")
	require.Contains(t, listed.stdout, "last@example.com")
	require.NotContains(t, listed.stdout, "adopted@example.com")
	require.NotContains(t, listed.stdout, "ana@example.com")
	r.requireLedger()
}

// foundDrift is an entry about a drift rule, and what it is filed under.
type foundDrift struct {
	request string
	body    ledger.Drift
}

// driftEntry waits for the entry about what a user holds.
func (s *stack) driftEntry(of access.Principal) (out foundDrift) {
	s.t.Helper()
	subject := ledger.Subject{Kind: of.Kind, ID: of.ID}.String()
	require.Eventually(s.t, func() bool {
		entries, err := s.openStore().LedgerOfSubject(s.ctx(), s.consoleKey(), subject, 0)
		require.NoError(s.t, err)
		for _, e := range entries {
			if e.Kind == ledger.KindDrift {
				out.request = e.Request
				out.body, err = ledger.DecodeAs[ledger.Drift](e)
				require.NoError(s.t, err)
				return true
			}
		}
		return false
	}, limit, 100*time.Millisecond)
	return out
}

// Where signatures are required, a revert needs none of a requester, since the ledger says why it is made; its
// approvals must be signed.
func TestDriftRules_Signed(t *testing.T) {
	t.Parallel()
	carol := newSignerKey(t)
	allowed := filepath.Join(t.TempDir(), "allowed_signers")
	require.NoError(t, os.WriteFile(allowed, []byte("carol@example.com "+carol.Public()+"\n"), 0o600))
	r := newGrantEnvWithPolicy(t, driftRules, "ALLOWED_SIGNERS="+allowed, "SIGNATURES=required")
	approved := r.withUser("approved@example.com")
	r.runSync("/before")
	for _, who := range []*grantEnv{r, approved} {
		who.setRolesByHand(who.viewer, who.requested)
	}
	r.runSync("/after")

	require.Eventually(t, func() bool { return !r.holdings().Holds(r.requested) }, limit, 100*time.Millisecond)
	var result wire.RequestResult
	require.NoError(t, r.client.GetWorkflow(r.ctx(), r.driftEntry(r.user).request, "").Get(r.ctx(), &result))
	require.Equal(t, wire.StateRevoked, result.State, result.Message)
	r.requireReceipt(result)

	asked := r.driftEntry(approved.user).request
	r.untilStatus(r.client.GetWorkflow(r.ctx(), asked, ""), isAwaitingApproval)
	unsigned := r.cli("workflow", "update", "execute", "--workflow-id", asked, "--name", wire.ApproveUpdate,
		"--input", `{"by":"carol@example.com"}`)
	require.NotZero(t, unsigned.code)
	require.Contains(t, unsigned.stderr, "signature")
	require.True(t, approved.holdings().Holds(r.requested))
	signed := r.starter("approve", asked, "--by", "carol@example.com", "--yes", "--key", carol.path)
	require.Equal(t, 0, signed.code, signed.stderr)
	require.NoError(t, r.client.GetWorkflow(r.ctx(), asked, "").Get(r.ctx(), &result))
	require.Equal(t, wire.StateRevoked, result.State, result.Message)
	require.False(t, approved.holdings().Holds(r.requested))
	r.requireLedger()
}
