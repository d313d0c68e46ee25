package activities

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// freezeInput is what the workflow of that id sends.
func (d *grantFixture) freezeInput(id, action, by string) wire.FreezeActivityInput {
	return wire.FreezeActivityInput{
		Request: wire.RequestInfo{ID: "freeze/" + id, Run: "run", StartedAt: d.now},
		Freeze: wire.FreezeInput{
			Action: action, By: by, Reason: "INC-7", Console: d.client.Console(),
			Signed: wire.Signed{SignedAt: d.now.Add(-time.Minute)},
		}.Freeze(),
	}
}

func (d *grantFixture) freeze(in wire.FreezeActivityInput) wire.FreezeResult {
	d.t.Helper()
	out, err := executeActivity[wire.FreezeResult](d, wire.FreezeActivity, in)
	require.NoError(d.t, err)
	return out
}

// While giving is frozen, a role that is approved is not given, and the request says why. What
// ends access goes on.
func TestFreeze_GivingWaits(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{Seed: 3, Sites: 3})
	held := lease("1", d.soc)
	d.mustWrite(d.change(access.OpAcquire, held))
	out := d.freeze(d.freezeInput("1", wire.FreezeAction, "bob@example.com"))
	require.Equal(t, wire.StateFrozen, out.State())

	later := d.change(access.OpAcquire, lease("2", d.viewerAtThirdSite()))
	puts := d.puts()
	const why = "giving access is frozen since 2026-11-02T09:00:00Z by bob@example.com: " +
		"it goes on after `starter unfreeze`"
	require.Contains(t, d.retriedMessage(later), why)
	waits := d.waitOf("grant/2")
	require.Len(t, waits, 1)
	require.Contains(t, waits[0].Text, why)
	require.True(t, waits[0].Temporary)
	require.Equal(t, puts, d.puts(), "nothing was sent")

	d.now = d.now.Add(2 * time.Hour)
	released := d.mustWrite(d.change(access.OpRelease, held))
	require.Equal(t, access.Released, released.Proof.Outcome)
	require.Equal(t, holdings(d.viewer), d.held())

	require.Equal(t, wire.StateUnfrozen, d.freeze(d.freezeInput("2", wire.UnfreezeAction, "bob@example.com")).State())
	require.Equal(t, access.Applied, d.mustWrite(later).Proof.Outcome)
	require.Empty(t, d.waitOf("grant/2"))
}

// While giving is frozen, nobody is asked about a later end.
func TestFreeze_NoExtension(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	in := d.grantInput()
	in.Op, in.Terms.Duration = access.OpAcquire, access.Duration(4*time.Hour)
	in.Request.StartedAt = d.now
	plan := d.plan(in).Plan
	d.freeze(d.freezeInput("1", wire.FreezeAction, "bob@example.com"))
	got, err := executeActivity[wire.ExtendResult](d, wire.ExtendActivity,
		extendInput(in, plan, d.now, "bob@example.com", time.Hour))
	require.NoError(t, err)
	require.Contains(t, got.Refusal, "cannot extend: giving access is frozen since")
	d.freeze(d.freezeInput("2", wire.UnfreezeAction, "bob@example.com"))
	got, err = executeActivity[wire.ExtendResult](d, wire.ExtendActivity,
		extendInput(in, plan, d.now.Add(time.Minute), "bob@example.com", time.Hour))
	require.NoError(t, err)
	require.Empty(t, got.Refusal)
}

// No account is created while giving is frozen.
func TestFreeze_AccountsWait(t *testing.T) {
	t.Parallel()
	m := newAccountFixture(t, consoletest.Options{})
	in := m.input(m.newUser())
	freeze := func(id, action string) {
		t.Helper()
		out, err := executeFor[wire.FreezeResult](m, wire.FreezeActivity, wire.FreezeActivityInput{
			Request: wire.RequestInfo{ID: "freeze/" + id, Run: "run"},
			Freeze:  wire.FreezeInput{Action: action, By: "bob@example.com", Reason: "INC-7"}.Freeze(),
		})
		require.NoError(t, err)
		require.Empty(t, out.Refusal)
	}
	freeze("1", wire.FreezeAction)
	_, err := executeFor[wire.CreateResult](m, wire.UserCreateActivity, in)
	require.ErrorContains(t, err, "giving access is frozen since")
	require.False(t, attempttest.ApplicationError(t, err).NonRetryable())
	require.Empty(t, m.accountsLike(m.newUser()))
	freeze("2", wire.UnfreezeAction)
	require.Equal(t, access.Created, m.createUntilDone(in).Proof.Outcome)
}

// signedFreeze is a message that the person has signed a minute ago.
func (d *signedFixture) signedFreeze(id, action, by string) wire.FreezeActivityInput {
	d.t.Helper()
	in := d.freezeInput(id, action, by)
	in.Freeze.Signature = d.sign(by, signing.OfFreeze(in.Request.ID, in.Freeze))
	return in
}

// Where signatures are required, an unsigned or forged message is refused and recorded, and
// two people end a freeze. What was signed counts once, and an old unfreeze for nothing.
func TestFreeze_MustBeSigned(t *testing.T) {
	t.Parallel()
	d := newSignedFixture(t)
	refused := func(why string, in wire.FreezeActivityInput) {
		t.Helper()
		out := d.freeze(in)
		require.Contains(t, out.Refusal, why)
		require.Equal(t, wire.StateRefused, out.State())
		require.Equal(t, access.Unsigned, out.Freeze.Signed)
		require.Equal(t, []ledger.Kind{ledger.KindFreeze}, d.ledger(in.Request.ID))
	}
	refused("a signature is required: freeze with `starter freeze`",
		d.freezeInput("unsigned", wire.FreezeAction, "bob@example.com"))
	forged := d.signedFreeze("forged", wire.FreezeAction, "bob@example.com")
	forged.Freeze.By = "carol@example.com"
	refused("invalid signature", forged)
	refused("giving access is not frozen", d.signedFreeze("none", wire.UnfreezeAction, "bob@example.com"))

	late := d.signedFreeze("1", wire.FreezeAction, "bob@example.com")
	stale := d.signedFreeze("stale", wire.UnfreezeAction, "carol@example.com")
	d.now = d.now.Add(3 * time.Hour)
	frozen := d.freeze(late)
	require.Equal(t, wire.StateFrozen, frozen.State(), "the workflow waited for a worker")
	require.Equal(t, d.keys["bob@example.com"].Fingerprint(), frozen.Freeze.Signed)
	require.Equal(t, frozen, d.freeze(late), "repeated, it has the same answer")
	refused("sign again", stale)
	again := late
	again.Request.Run = "another run"
	require.Contains(t, d.freeze(again).Refusal, "already used")

	first := d.freeze(d.signedFreeze("2", wire.UnfreezeAction, "bob@example.com"))
	require.Equal(t, wire.StateUnfreezing, first.State())
	require.Equal(t, "for 1 of 1 from anyone", first.Giving.Pending)
	require.Equal(t, wire.StateUnfreezing,
		d.freeze(d.signedFreeze("3", wire.UnfreezeAction, "bob@example.com")).State())
	require.Equal(t, wire.StateUnfrozen,
		d.freeze(d.signedFreeze("4", wire.UnfreezeAction, "carol@example.com")).State())
}

// A signed freeze is not ended on claims, and not judged while the file of keys is away. The
// worker that writes verifies for itself, also what another worker has recorded.
func TestFreeze_SignersAway(t *testing.T) {
	t.Parallel()
	d := newSignedFixture(t)
	d.freeze(d.signedFreeze("1", wire.FreezeAction, "bob@example.com"))
	signers := d.request.signers
	d.request.CheckingSignatures(nil)
	claimed := d.freeze(d.freezeInput("2", wire.UnfreezeAction, "bob@example.com"))
	require.Contains(t, claimed.Refusal, "set ALLOWED_SIGNERS")
	d.request.CheckingSignatures(signers)
	d.freeze(d.signedFreeze("3", wire.UnfreezeAction, "bob@example.com"))
	d.freeze(d.signedFreeze("4", wire.UnfreezeAction, "carol@example.com"))

	writes := NewAuthority(d.store, d.client.Console(), signers)
	since, err := writes.frozen(t.Context())
	require.NoError(t, err)
	require.Empty(t, since)
	bobAlone := "bob@example.com " + d.keys["bob@example.com"].Public() + "\n"
	require.NoError(t, os.WriteFile(d.file, []byte(bobAlone), 0o600))
	since, err = writes.frozen(t.Context())
	require.NoError(t, err)
	require.Contains(t, since, "the unfreeze of carol@example.com does not count")
	require.NoError(t, os.Remove(d.file))
	_, err = writes.frozen(t.Context())
	require.Error(t, err)
}
