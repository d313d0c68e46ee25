package e2e

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hiddeco/sshsig"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// signerKey is the key of one person, made for one test.
type signerKey struct {
	sshtest.Key

	path string // of the private key
}

func newSignerKey(t *testing.T) signerKey {
	t.Helper()
	key := sshtest.New(t)
	return signerKey{key, key.Save(t, "")}
}

// seed is the private part of the key.
func (k signerKey) seed() []byte { return k.Raw.(*ed25519.PrivateKey).Seed() }

// signedEnv has a worker that requires a signature from everybody who requests or decides.
type signedEnv struct {
	*grantEnv

	keys             map[string]signerKey // by e-mail address of their owner
	allowed, revoked string               // files
}

// newSignedEnv has a policy that asks for two leads. The key of erin has expired and that
// of frank is revoked; gus and henry share one key.
func newSignedEnv(t *testing.T) *signedEnv {
	t.Helper()
	policy := strings.Replace(twoOfThreeLeadsPolicy, "dave@example.com]",
		"dave@example.com, erin@example.com, frank@example.com, gus@example.com, henry@example.com]", 1)
	dir := t.TempDir()
	e := &signedEnv{
		keys: map[string]signerKey{}, allowed: filepath.Join(dir, "allowed"), revoked: filepath.Join(dir, "revoked"),
	}
	var list strings.Builder
	for _, who := range []string{"bob", "carol", "dave", "erin", "frank", "gus", "mallory"} {
		e.keys[who+"@example.com"] = newSignerKey(t)
		options := map[string]string{"erin": ` valid-before="20260101Z"`, "gus": ""}[who]
		names := who + "@example.com"
		if who == "gus" {
			names += ",henry@example.com"
		}
		if who != "mallory" {
			list.WriteString(names + options + " " + e.keys[who+"@example.com"].Public() + "\n")
		}
	}
	e.keys["henry@example.com"] = e.keys["gus@example.com"]
	require.NoError(t, os.WriteFile(e.allowed, []byte(list.String()), 0o600))
	require.NoError(t, os.WriteFile(e.revoked, []byte(e.keys["frank@example.com"].Public()+"\n"), 0o600))
	s := newStack(t, grantworld.Options())
	s.extraEnv = append(s.extraEnv, "SERVICE_USER_TOKEN_DIR="+t.TempDir(),
		"ALLOWED_SIGNERS="+e.allowed, "ALLOWED_SIGNERS_REVOKED="+e.revoked)
	e.grantEnv = prepareGrantEnv(t, s)
	e.setPolicy(policy)
	e.startWorker()
	dry := e.signableInput()
	dry.DryRun = true // which needs no signature: waits until the worker polls
	require.Equal(t, wire.StatePlanned, e.result(e.startGrant("dry", dry)).State)
	return e
}

// signableInput is a permanent grant that names its console, as signed requests must.
func (e *signedEnv) signableInput() wire.GrantInput {
	in := e.input("")
	in.Console = e.consoleKey()
	return in
}

// grantID is the workflow id that startGrant gives.
func (e *signedEnv) grantID(name string) string { return wire.GrantID(e.t.Name() + name) }

// now differs at each call: two equal statements with the same time would be one statement.
func (e *signedEnv) now() time.Time { return time.Now().UTC() }

// sign signs a statement with somebody's key.
func (e *signedEnv) sign(who string, s signing.Statement) string {
	e.t.Helper()
	signature, err := signing.Sign(e.t.Context(), e.keys[who], s)
	require.NoError(e.t, err)
	return signature
}

// signGrant signs a grant for a workflow id with somebody's key.
func (e *signedEnv) signGrant(in wire.GrantInput, id, who string, at time.Time) wire.GrantInput {
	e.t.Helper()
	in.Sign(e.sign(who, signing.OfRequest(id, access.RequestSignature{Request: in.Spec(), SignedAt: at})), at)
	return in
}

// startSigned starts a grant that bob has signed, and waits until it needs approval.
func (e *signedEnv) startSigned(name string) client.WorkflowRun {
	e.t.Helper()
	run := e.startGrant(name, e.signGrant(e.signableInput(), e.grantID(name), "bob@example.com", e.now()))
	e.untilStatus(run, isAwaitingApproval)
	return run
}

// signedApproval is an approval of the current plan, signed with a key. change alters the
// signed statement and not what is sent.
func (e *signedEnv) signedApproval(
	run client.WorkflowRun, in wire.DecisionInput, key string, change func(*signing.Statement),
) wire.DecisionInput {
	e.t.Helper()
	status := e.untilStatus(run, isAwaitingApproval)
	in.SignedAt = e.now()
	s := signing.OfDecision(run.GetID(), status.Run, status.Plan.Hash, access.Decision{
		Action: signing.KindApprove, By: in.By, Comment: in.Comment, Duration: in.Duration, SignedAt: in.SignedAt,
	})
	if change != nil {
		change(&s)
	}
	in.Signature = e.sign(key, s)
	return in
}

// tryApprove sends an approval.
func (e *signedEnv) tryApprove(run client.WorkflowRun, in wire.DecisionInput) error {
	e.t.Helper()
	_, err := e.tryUpdate(run, wire.ApproveUpdate, in)
	return err
}

// approveSigned sends somebody's approval with a valid signature.
func (e *signedEnv) approveSigned(run client.WorkflowRun, who string) wire.DecisionInput {
	e.t.Helper()
	in := e.signedApproval(run, wire.DecisionInput{By: who}, who, nil)
	require.NoError(e.t, e.tryApprove(run, in))
	return in
}

// requireNotCounted checks that a refused decision changed nothing, and that the ledger has
// it with its reason.
func (e *signedEnv) requireNotCounted(run client.WorkflowRun, in wire.DecisionInput, err error, why string) {
	e.t.Helper()
	require.ErrorContains(e.t, err, why)
	status := e.untilStatus(run, isAwaitingApproval)
	require.Zero(e.t, status.Approval.Given)
	entries := e.ledgerEntries(run, "decision")
	last, err := ledger.DecodeAs[ledger.Decision](entries[len(entries)-1])
	require.NoError(e.t, err)
	require.Contains(e.t, last.Refusal, why)
	require.Equal(e.t, in.By, last.Decision.By)
	require.Equal(e.t, in.Signature, last.Decision.Signature)
	require.False(e.t, e.holdings().Holds(e.requested))
}

// requireReceiptVerifies checks a receipt, or a result that contains one, with `starter
// verify`, the allowed signers, the ledger's key and the policy alone.
func (e *signedEnv) requireReceiptVerifies(text string) (said string) {
	e.t.Helper()
	file := filepath.Join(e.t.TempDir(), "receipt.json")
	require.NoError(e.t, os.WriteFile(file, []byte(text), 0o600))
	got := runProgram(e.t, nil, programs.Starter, "verify", file, "--allowed-signers", e.allowed,
		"--ledger-key", e.ledgerKey(), "--policy", e.policyFile)
	require.Zero(e.t, got.code, got.stdout+got.stderr)
	require.Contains(e.t, got.stdout, "by bob@example.com, signed with ssh-ed25519")
	return got.stdout
}

// requireKeygenVerifies checks a decision of a receipt with ssh-keygen where it is
// installed, and otherwise with the library.
func (e *signedEnv) requireKeygenVerifies(r *access.Receipt, decision access.Decision) {
	e.t.Helper()
	text := signing.OfDecision(r.Request, r.Run, decision.PlanHash, decision).Canonical()
	path, err := exec.LookPath("ssh-keygen")
	if err != nil {
		sig, err := sshsig.Unarmor([]byte(decision.Signature))
		require.NoError(e.t, err)
		key := e.keys[decision.By].PublicKey()
		require.NoError(e.t, sshsig.Verify(bytes.NewReader(text), sig, key, sig.HashAlgorithm, signing.Namespace))
		return
	}
	file := filepath.Join(e.t.TempDir(), "statement.sig")
	require.NoError(e.t, os.WriteFile(file, []byte(decision.Signature), 0o600))
	cmd := exec.CommandContext(e.ctx(), path, "-Y", "verify", "-f", e.allowed, "-I", decision.By,
		"-n", signing.Namespace, "-s", file, "-r", e.revoked)
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.CombinedOutput()
	require.NoError(e.t, err, string(out))
}
