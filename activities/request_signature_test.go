package activities

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/wire"
)

// signedFixture is a desk that takes nobody's word without a signature.
type signedFixture struct {
	*grantFixture

	file string
	keys map[string]sshtest.Key
}

func newSignedFixture(t *testing.T) *signedFixture {
	t.Helper()
	d := &signedFixture{grantFixture: newGrantFixture(t, consoletest.Options{})}
	d.keys, d.file = sshtest.People(t, "bob@example.com", "carol@example.com")
	signers, err := signing.LoadAllowedSigners(d.file, "")
	require.NoError(t, err)
	d.request.CheckingSignatures(signers)
	return d
}

func (d *signedFixture) sign(who string, s signing.Statement) string {
	d.t.Helper()
	out, err := signing.Sign(d.t.Context(), d.keys[who], s)
	require.NoError(d.t, err)
	return out
}

// signedInput is a request that bob has signed a minute before it was started.
func (d *signedFixture) signedInput() wire.PlanInput {
	d.t.Helper()
	in := d.grantInput()
	in.Console = d.who.Console
	s := access.RequestSignature{
		Request: access.RequestSpec{
			Op: in.Op, Console: in.Console, Principal: in.Principal, Role: in.Role, Scope: in.Scope, Terms: in.Terms,
		},
		SignedAt: d.now.Add(-time.Minute), At: d.now, Signed: access.Unsigned,
	}
	s.Signature = d.sign("bob@example.com", signing.OfRequest(in.Request.ID, s))
	in.Signature = &s
	return in
}

// A signature that was fresh when the request was started is so however late the worker
// is, and the plan is not made without one. The signature is in the ledger and with what
// the receipt is made of.
func TestPlan_Signed(t *testing.T) {
	t.Parallel()
	d := newSignedFixture(t)
	in := d.signedInput()
	d.now = d.now.Add(48 * time.Hour)
	got := d.plan(in)
	require.Empty(t, got.Plan.Refusal)
	require.NotNil(t, got.Signature)
	require.Equal(t, d.keys["bob@example.com"].Fingerprint(), got.Signature.Signed)
	require.Equal(t, []ledger.Kind{ledger.KindSignature, ledger.KindRequest}, d.ledger(in.Request.ID))
	require.Equal(t, got, d.plan(in), "repeated, it is the same use of the signature")

	in.Round = 1
	in.Signature = nil
	require.Empty(t, d.plan(in).Plan.Refusal, "a plan made anew was let in by the first")
}

// A request that is refused is not looked up, and one with a signature that failed later
// has used it up.
func TestPlan_SignatureCountsOnce(t *testing.T) {
	t.Parallel()
	d := newSignedFixture(t)
	unsigned := d.grantInput()
	unsigned.Request.ID = "grant/unsigned"
	require.Contains(t, d.refusal(unsigned), "a signature is required")
	require.Empty(t, d.console.Requests())
	in := d.signedInput()
	in.Principal.ID = "1" + in.Principal.ID // nobody's
	in.Signature.Request.Principal = in.Principal
	in.Signature.Signature = d.sign("bob@example.com", signing.OfRequest(in.Request.ID, *in.Signature))
	_, err := executeActivity[wire.PlanResult](d.grantFixture, wire.PlanActivity, in)
	require.ErrorContains(t, err, "is on the console")
	in.Request.Run = "another run"
	require.Contains(t, d.refusal(in), "the signature was already used")
}

// Where the file cannot be read, a request waits: it is neither let in nor refused.
func TestPlan_SignersUnreadable(t *testing.T) {
	t.Parallel()
	d := newSignedFixture(t)
	in := d.signedInput()
	require.NoError(t, os.Rename(d.file, d.file+".away"))
	_, err := executeActivity[wire.PlanResult](d.grantFixture, wire.PlanActivity, in)
	require.False(t, attempttest.ApplicationError(t, err).NonRetryable())
	require.Empty(t, d.ledger(in.Request.ID))
	require.NoError(t, os.Rename(d.file+".away", d.file))
	require.Empty(t, d.plan(in).Plan.Refusal)
}

// A key has to count when the decision is taken, not when the signer says it was signed.
func TestDecide_KeyAtTheTimeItIsTaken(t *testing.T) {
	t.Parallel()
	d := newSignedFixture(t)
	in := wire.DecideInput{
		Request: wire.RequestInfo{ID: "grant/1", Run: "run", StartedAt: d.now},
		Decision: access.Decision{
			At: d.now, By: "carol@example.com", Action: signing.KindApprove, PlanHash: strings.Repeat("a", 64),
			SignedAt: d.now.Add(-30 * time.Minute),
		},
	}
	in.Decision.Signature = d.sign("carol@example.com",
		signing.OfDecision(in.Request.ID, in.Request.Run, in.Decision.PlanHash, in.Decision))
	public := string(ssh.MarshalAuthorizedKey(d.keys["carol@example.com"].PublicKey()))
	until := func(at time.Time) {
		require.NoError(t, os.WriteFile(d.file, []byte(
			`carol@example.com valid-before="`+at.UTC().Format("20060102150405")+`Z" `+public), 0o600))
	}
	until(d.now.Add(-10 * time.Minute))
	got, err := executeActivity[wire.DecideResult](d.grantFixture, wire.DecideActivity, in)
	require.NoError(t, err)
	require.Contains(t, got.Refusal, "is no longer valid")
	until(d.now.Add(time.Minute))
	in.Number = 1
	got, err = executeActivity[wire.DecideResult](d.grantFixture, wire.DecideActivity, in)
	require.NoError(t, err)
	require.Empty(t, got.Refusal, "what did not hold is not used up")
	require.NotEqual(t, access.Unsigned, got.Signed)
}
