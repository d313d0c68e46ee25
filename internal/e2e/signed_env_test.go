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

// signerKey is a person's key, made for one test.
type signerKey struct {
	sshtest.Key

	path string // of the private key
}

func newSignerKey(t *testing.T) signerKey {
	t.Helper()
	key := sshtest.New(t)
	return signerKey{key, key.Save(t, "")}
}

// seed is what must not be seen anywhere.
func (k signerKey) seed() []byte { return k.Raw.(*ed25519.PrivateKey).Seed() }

// signedEnv has a worker that requires a signature from everybody who requests or decides.
type signedEnv struct {
	*grantEnv

	keys             map[string]signerKey // by who they are of
	allowed, revoked string               // files
}

// newSignedEnv follows a policy that asks two leads. The keys of erin and frank are no
// longer valid, and revoked; gus and henry share the one of gus.
func newSignedEnv(t *testing.T) *signedEnv {
	t.Helper()
	policy := strings.Replace(twoOfThreeLeadsPolicy, "dave@example.com]",
		"dave@example.com, erin@example.com, frank@example.com, gus@example.com, henry@example.com]", 1)
	dir := t.TempDir()
	d := &signedEnv{
		keys: map[string]signerKey{}, allowed: filepath.Join(dir, "allowed"), revoked: filepath.Join(dir, "revoked"),
	}
	var list strings.Builder
	for _, who := range []string{"bob", "carol", "dave", "erin", "frank", "gus", "mallory"} {
		d.keys[who+"@example.com"] = newSignerKey(t)
		options := map[string]string{"erin": ` valid-before="20260101Z"`, "gus": ""}[who]
		names := who + "@example.com"
		if who == "gus" {
			names += ",henry@example.com"
		}
		if who != "mallory" {
			list.WriteString(names + options + " " + d.keys[who+"@example.com"].Public() + "\n")
		}
	}
	d.keys["henry@example.com"] = d.keys["gus@example.com"]
	require.NoError(t, os.WriteFile(d.allowed, []byte(list.String()), 0o600))
	require.NoError(t, os.WriteFile(d.revoked, []byte(d.keys["frank@example.com"].Public()+"\n"), 0o600))
	s := newStack(t, grantworld.Options())
	s.extraEnv = append(s.extraEnv, "SERVICE_USER_TOKEN_DIR="+t.TempDir(),
		"ALLOWED_SIGNERS="+d.allowed, "ALLOWED_SIGNERS_REVOKED="+d.revoked)
	d.grantEnv = prepareGrantEnv(t, s)
	d.setPolicy(policy)
	d.startWorker()
	dry := d.signableInput()
	dry.DryRun = true // needs no signature; after it the server knows that a worker is there
	require.Equal(t, wire.StatePlanned, d.result(d.startGrant("dry", dry)).State)
	return d
}

// signableInput is a grant for good that names its console, as signed ones must.
func (d *signedEnv) signableInput() wire.GrantInput {
	in := d.input("")
	in.Console = d.consoleKey()
	return in
}

// grantID is the workflow id that startGrant gives.
func (d *signedEnv) grantID(name string) string { return wire.GrantID(d.t.Name() + name) }

// now is this moment, another one each time: the same said twice at the same moment is
// one statement.
func (d *signedEnv) now() time.Time { return time.Now().UTC() }

// sign signs a statement with somebody's key.
func (d *signedEnv) sign(who string, s signing.Statement) string {
	d.t.Helper()
	signature, err := signing.Sign(d.t.Context(), d.keys[who], s)
	require.NoError(d.t, err)
	return signature
}

// signGrant signs a grant for a workflow id with the key of who.
func (d *signedEnv) signGrant(in wire.GrantInput, id, who string, at time.Time) wire.GrantInput {
	d.t.Helper()
	in.Sign(d.sign(who, signing.OfRequest(id, access.RequestSignature{Request: in.Spec(), SignedAt: at})), at)
	return in
}

// startSigned starts a grant that bob has signed, and waits until people are asked.
func (d *signedEnv) startSigned(name string) client.WorkflowRun {
	d.t.Helper()
	run := d.startGrant(name, d.signGrant(d.signableInput(), d.grantID(name), "bob@example.com", d.now()))
	d.untilStatus(run, isAwaitingApproval)
	return run
}

// signedApproval is by's signed consent to the plan as it is. change alters the statement, not
// what is sent.
func (d *signedEnv) signedApproval(
	run client.WorkflowRun, in wire.DecisionInput, key string, change func(*signing.Statement),
) wire.DecisionInput {
	d.t.Helper()
	status := d.untilStatus(run, isAwaitingApproval)
	in.SignedAt = d.now()
	s := signing.OfDecision(run.GetID(), status.Run, status.Plan.Hash, access.Decision{
		Action: signing.KindApprove, By: in.By, Comment: in.Comment, Duration: in.Duration, SignedAt: in.SignedAt,
	})
	if change != nil {
		change(&s)
	}
	in.Signature = d.sign(key, s)
	return in
}

// tryApprove sends a consent.
func (d *signedEnv) tryApprove(run client.WorkflowRun, in wire.DecisionInput) error {
	d.t.Helper()
	_, err := d.tryUpdate(run, wire.ApproveUpdate, in)
	return err
}

// approveSigned has somebody consent as it should be done.
func (d *signedEnv) approveSigned(run client.WorkflowRun, who string) wire.DecisionInput {
	d.t.Helper()
	in := d.signedApproval(run, wire.DecisionInput{By: who}, who, nil)
	require.NoError(d.t, d.tryApprove(run, in))
	return in
}

// requireNotCounted checks that nothing came of a refused decision, and that the ledger
// has it with its reason.
func (d *signedEnv) requireNotCounted(run client.WorkflowRun, in wire.DecisionInput, err error, why string) {
	d.t.Helper()
	require.ErrorContains(d.t, err, why)
	status := d.untilStatus(run, isAwaitingApproval)
	require.Zero(d.t, status.Approval.Given)
	entries := d.ledgerEntries(run, "decision")
	last, err := ledger.DecodeAs[ledger.Decision](entries[len(entries)-1])
	require.NoError(d.t, err)
	require.Contains(d.t, last.Refusal, why)
	require.Equal(d.t, in.By, last.Decision.By)
	require.Equal(d.t, in.Signature, last.Decision.Signature)
	require.False(d.t, d.holdings().Holds(d.requested))
}

// requireReceiptVerifies checks a receipt, or a result that has it in, with starter alone.
func (d *signedEnv) requireReceiptVerifies(text string) (said string) {
	d.t.Helper()
	file := filepath.Join(d.t.TempDir(), "receipt.json")
	require.NoError(d.t, os.WriteFile(file, []byte(text), 0o600))
	got := runProgram(d.t, nil, programs.Starter, "verify", file, "--allowed-signers", d.allowed)
	require.Zero(d.t, got.code, got.stdout+got.stderr)
	require.Contains(d.t, got.stdout, "by bob@example.com, signed with ssh-ed25519")
	return got.stdout
}

// requireKeygenVerifies checks a decision of a receipt with OpenSSH where that is
// installed, else with the library.
func (d *signedEnv) requireKeygenVerifies(r *access.Receipt, decision access.Decision) {
	d.t.Helper()
	text := signing.OfDecision(r.Request, r.Run, decision.PlanHash, decision).Canonical()
	path, err := exec.LookPath("ssh-keygen")
	if err != nil {
		sig, err := sshsig.Unarmor([]byte(decision.Signature))
		require.NoError(d.t, err)
		key := d.keys[decision.By].PublicKey()
		require.NoError(d.t, sshsig.Verify(bytes.NewReader(text), sig, key, sig.HashAlgorithm, signing.Namespace))
		return
	}
	file := filepath.Join(d.t.TempDir(), "statement.sig")
	require.NoError(d.t, os.WriteFile(file, []byte(decision.Signature), 0o600))
	cmd := exec.CommandContext(d.ctx(), path, "-Y", "verify", "-f", d.allowed, "-I", decision.By,
		"-n", signing.Namespace, "-s", file, "-r", d.revoked)
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.CombinedOutput()
	require.NoError(d.t, err, string(out))
}
