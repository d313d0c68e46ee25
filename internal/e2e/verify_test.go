package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// shortPolicy asks nobody about what lasts less than three seconds, and a lead about the rest.
const shortPolicy = `
groups: {leads: [carol@example.com, dave@example.com]}
rules:
  - {name: short, when: 'duration < duration("3s")', autoApprove: true}
  - {name: others, approvals: [{need: 1, from: [leads]}]}
`

// verifyReceipt runs `starter verify` on a receipt, without database and worker.
func (r *grantEnv) verifyReceipt(receipt access.Receipt, args ...string) commandResult {
	r.t.Helper()
	file := filepath.Join(r.t.TempDir(), "receipt.json")
	require.NoError(r.t, os.WriteFile(file, []byte(toJSON(r.t, receipt)), 0o600))
	args = append([]string{"verify", file, "--ledger-key", r.ledgerKey()}, args...)
	return runProgram(r.t, nil, programs.Starter, args...)
}

// The receipt of a grant that a lead approved and that has expired verifies offline. Without its
// release, or with more roles written, it does not, though somebody has sealed it again.
func TestVerify_ExpiredGrant(t *testing.T) {
	t.Parallel()
	s := newGrantEnvWithPolicy(t, shortPolicy)
	run := s.startGrant("1", s.input("4s"))
	s.untilStatus(run, isAwaitingApproval)
	_, err := s.decide(run, "approve", "carol@example.com")
	require.NoError(t, err)
	got := s.result(run)
	require.Equal(t, wire.StateExpired, got.State, got.Message)

	said := s.verifyReceipt(*got.Receipt, "--policy", s.policyFile)
	require.Zero(t, said.code, said.stdout+said.stderr)
	require.Contains(t, said.stdout, "decided again, it asks for no more than was asked for")
	require.Contains(t, said.stderr, whatUnsignedMeans)
	require.Zero(t, s.verifyReceipt(*got.Receipt).code)
	stored := s.starter("verify", run.GetID())
	require.Zero(t, stored.code, stored.stdout+stored.stderr)
	require.Regexp(t, `✓ +ledger entry +entry \d+ of the ledger is this receipt, sealed`, stored.stdout)

	forged := *got.Receipt
	forged.Proofs, forged.Outcome = forged.Proofs[:1], access.Applied
	said = s.verifyReceipt(forged.Seal())
	require.Equal(t, 1, said.code, said.stdout)
	require.Contains(t, said.stdout, "a proof shows that the role was given, and none that it was released")

	forged = *got.Receipt
	forged.LedgerHead = new(*forged.LedgerHead)
	forged.LedgerHead.Seq++
	said = s.verifyReceipt(forged.Seal())
	require.Equal(t, 1, said.code, said.stdout)
	require.Contains(t, said.stdout, "the seal does not hold")
}

// A plan that asked nobody rests on its policy: without that, it cannot be checked.
func TestVerify_PlanThatAskedNobody(t *testing.T) {
	t.Parallel()
	s := newGrantEnvWithPolicy(t, shortPolicy)
	got := s.grant("1", s.input("2s"))
	require.Equal(t, wire.StateExpired, got.State, got.Message)

	said := s.verifyReceipt(*got.Receipt)
	require.Equal(t, 2, said.code, said.stdout+said.stderr)
	require.Contains(t, said.stdout, "pass the policy file with SHA-256 "+got.Receipt.Plan.Approval.Hash+" as --policy")
	require.Contains(t, said.stderr, "cannot check in the receipt: policy")

	said = s.verifyReceipt(*got.Receipt, "--policy", s.policyFile)
	require.Zero(t, said.code, said.stdout+said.stderr)
	require.Contains(t, said.stdout, "decided again, it asks nobody")

	forged := *got.Receipt // for longer than the policy gives it without asking
	forged.Plan.Terms.Duration *= 100
	forged.Plan = forged.Plan.Seal()
	said = s.verifyReceipt(forged.Seal(), "--policy", s.policyFile)
	require.Equal(t, 1, said.code, said.stdout)
	require.Contains(t, said.stdout, "the policy asks for more at ")
}
