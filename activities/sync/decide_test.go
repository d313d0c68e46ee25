package sync

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
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
