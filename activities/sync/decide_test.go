package sync

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/wire"
)

// With allowed signers, a decision about a quarantined snapshot counts only if it is signed for this sync. It is
// recorded under the sync's run either way.
func TestDecide_MustBeSigned(t *testing.T) {
	t.Parallel()
	for _, action := range []string{signing.KindConfirm, signing.KindDiscard} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			b := newSyncFixture(t, consoletest.Options{})
			console := b.mustBegin(wire.SyncBeginInput{
				Snapshot: "run", Collections: []access.Collection{access.Users}, StartedAt: time.Now(),
			}).Console
			in := wire.StopActivityInput{
				Request: wire.RequestInfo{ID: "sync/nightly", Run: "run"},
				Stop:    access.Stop{At: time.Now().UTC(), Action: action, By: "carol@example.com"},
			}
			require.Equal(t, wire.StopResult{Signed: access.Unsigned},
				mustExecute[wire.StopResult](b, wire.SyncDecideActivity, in), "a claim, without signers")

			keys, file := sshtest.People(t, "carol@example.com")
			signers, err := signing.LoadAllowedSigners(file, "")
			require.NoError(t, err)
			b.sync.CheckingSignatures(signers)
			got := mustExecute[wire.StopResult](b, wire.SyncDecideActivity, in)
			require.Contains(t, got.Refusal, "a signature is required: "+action+" with `starter "+action+"`")

			in.Stop.SignedAt = in.Stop.At
			in.Stop.Signature, err = signing.Sign(t.Context(), keys["carol@example.com"],
				signing.OfStop(in.Request.ID, in.Request.Run, in.Stop))
			require.NoError(t, err)
			got = mustExecute[wire.StopResult](b, wire.SyncDecideActivity, in)
			require.Equal(t, wire.StopResult{Signed: keys["carol@example.com"].Fingerprint()}, got)

			entries, err := b.store.LedgerOf(t.Context(), console, "sync/nightly")
			require.NoError(t, err)
			stops := 0
			for _, e := range entries {
				if e.Kind == ledger.KindStop {
					stops++
					require.Equal(t, "run", ledger.RunOf(e).ID)
				}
			}
			require.Equal(t, 2, stops)
		})
	}
}

// confirmInput is a confirmation of the sync that bob started.
func confirmInput(by string) wire.StopActivityInput {
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	return wire.StopActivityInput{
		Request: wire.RequestInfo{ID: "sync/nightly", Run: "run", StartedAt: at}, StartedBy: "bob@example.com",
		Stop: access.Stop{At: at.Add(time.Hour), Action: wire.ConfirmUpdate, By: by},
	}
}

// newQuarantineFixture is a sync that waits for confirmations under a policy.
func newQuarantineFixture(t *testing.T, rules string) *syncFixture {
	t.Helper()
	b := newSyncFixture(t, consoletest.Options{})
	b.mustBegin(wire.SyncBeginInput{
		Snapshot: "run", Collections: []access.Collection{access.Users}, StartedAt: time.Now(),
	})
	p, err := policy.Parse("policy.yaml",
		[]byte("groups: {owners: [ana@example.com, carol@example.com]}\nrules: ["+rules+"]"))
	require.NoError(t, err)
	b.sync.Following(p)
	return b
}

// The policy says who confirms the loss that a sync found, and how many. Who started the sync
// never does, and may discard it.
func TestDecide_ConfirmedByThePolicy(t *testing.T) {
	t.Parallel()
	b := newQuarantineFixture(t, "{name: a, autoApprove: true}")
	confirm := func(by string) wire.StopResult {
		return mustExecute[wire.StopResult](b, wire.SyncDecideActivity, confirmInput(by))
	}
	require.Contains(t, confirm("Bob@example.com").Refusal, "Bob@example.com started this sync")
	enough := wire.StopResult{Signed: access.Unsigned}
	require.Equal(t, enough, confirm("erin@example.com"), "without a rule, one is enough")
	discard := confirmInput("bob@example.com")
	discard.Stop.Action = wire.DiscardUpdate
	require.Empty(t, mustExecute[wire.StopResult](b, wire.SyncDecideActivity, discard).Refusal)

	b = newQuarantineFixture(t, "{name: a, for: [confirm], approvals: [{need: 2, from: [owners]}]}")
	require.Contains(t, confirm("erin@example.com").Refusal, "erin@example.com is not eligible")
	first := wire.StopResult{Signed: access.Unsigned, Pending: "for 1 of 2 from owners"}
	require.Equal(t, first, confirm("ana@example.com"))
	require.Equal(t, first, confirm("ana@example.com"), "repeated, it is the same")
	again := confirmInput("ana@example.com")
	again.Stop.Comment = "once more"
	require.Contains(t, mustExecute[wire.StopResult](b, wire.SyncDecideActivity, again).Refusal, "has decided already")
	require.Equal(t, enough, confirm("carol@example.com"))
	other := confirmInput("carol@example.com")
	other.Request.ID = "sync/other"
	require.Equal(t, first, mustExecute[wire.StopResult](b, wire.SyncDecideActivity, other), "of its own run only")
}

// One key is one person, whatever the names are that it may sign for; a claim from before
// signatures were required does not count.
func TestDecide_ConfirmedWithOneKey(t *testing.T) {
	t.Parallel()
	b := newQuarantineFixture(t, "{name: a, for: [confirm], approvals: [{need: 2, from: [owners]}]}")
	claim := mustExecute[wire.StopResult](b, wire.SyncDecideActivity, confirmInput("carol@example.com"))
	require.NotEmpty(t, claim.Pending)
	keys, file := sshtest.People(t, "ana@example.com")
	line, err := os.ReadFile(file)
	require.NoError(t, err)
	_, key, _ := strings.Cut(string(line), " ")
	require.NoError(t, os.WriteFile(file, []byte("ana@example.com,carol@example.com "+key), 0o600))
	signers, err := signing.LoadAllowedSigners(file, "")
	require.NoError(t, err)
	b.sync.CheckingSignatures(signers)
	signed := func(by string) wire.StopResult {
		in := confirmInput(by)
		in.Stop.SignedAt = in.Stop.At
		in.Stop.Signature, err = signing.Sign(t.Context(), keys["ana@example.com"],
			signing.OfStop(in.Request.ID, in.Request.Run, in.Stop))
		require.NoError(t, err)
		return mustExecute[wire.StopResult](b, wire.SyncDecideActivity, in)
	}
	require.NotEmpty(t, signed("ana@example.com").Pending)
	require.Contains(t, signed("carol@example.com").Refusal, "one key is one person")
}

// Where signatures are required, nothing is promoted past the guard without a signed confirmation on record,
// whichever workflow asks.
func TestPromote_OnlyWhatWasConfirmed(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.mustBegin(wire.SyncBeginInput{
		Snapshot: "run", Collections: []access.Collection{access.Users}, StartedAt: time.Now(),
	})
	_, file := sshtest.People(t, "carol@example.com")
	signers, err := signing.LoadAllowedSigners(file, "")
	require.NoError(t, err)
	b.sync.CheckingSignatures(signers)
	_, err = execute[wire.SyncSettleResult](b, wire.SyncPromoteActivity, wire.SyncPromoteInput{
		Snapshot: "run", Collections: []access.Collection{access.Users}, By: "carol@example.com",
	})
	require.ErrorContains(t, err, "the ledger holds no signed confirmation of snapshot run")
}

// One confirmation of the two that the policy requires promotes nothing, whichever workflow asks.
func TestPromote_ConfirmedByTooFew(t *testing.T) {
	t.Parallel()
	b := newQuarantineFixture(t, "{name: a, for: [confirm], approvals: [{need: 2, from: [owners]}]}")
	keys, file := sshtest.People(t, "ana@example.com", "carol@example.com")
	signers, err := signing.LoadAllowedSigners(file, "")
	require.NoError(t, err)
	b.sync.CheckingSignatures(signers)
	const more = "the policy requires more confirmations"
	for _, by := range []string{"ana@example.com", "carol@example.com"} {
		in := confirmInput(by)
		in.Request.ID = "default-test-workflow-id"
		in.Stop.SignedAt = in.Stop.At
		in.Stop.Signature, err = signing.Sign(t.Context(), keys[by],
			signing.OfStop(in.Request.ID, in.Request.Run, in.Stop))
		require.NoError(t, err)
		require.Empty(t, mustExecute[wire.StopResult](b, wire.SyncDecideActivity, in).Refusal)
		_, err = execute[wire.SyncSettleResult](b, wire.SyncPromoteActivity, wire.SyncPromoteInput{
			Snapshot: "run", Collections: []access.Collection{access.Users}, By: by,
		})
		if by == "ana@example.com" {
			require.ErrorContains(t, err, more)
		} else if err != nil {
			require.NotContains(t, err.Error(), more)
		}
	}
}
