package store_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// sealKey is a key that is the same in each run.
func sealKey(seed string) *ledger.SealKey {
	sum := sha256.Sum256([]byte(seed))
	return ledger.NewSealKey(ed25519.NewKeyFromSeed(sum[:]))
}

func verifiedBy(t *testing.T, s *store.Store, key *ledger.SealKey) ledger.Report {
	t.Helper()
	r, err := s.VerifyLedgerBy(t.Context(), acme, ledger.VerifyOptions{Keys: []ledger.SealPublic{key.Public()}})
	require.NoError(t, err)
	return r
}

// Entries and heads are sealed from the first start with a key on, and those before it stay readable.
func TestSealWith(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s, key := db.t, db.s, sealKey("worker")
		none, err := s.LedgerHead(t.Context(), acme)
		require.NoError(t, err)
		require.Nil(t, none)
		old := appendTo(t, s, acme, note("grant/1", "request", 1))[0]
		head, err := s.LedgerHead(t.Context(), acme)
		require.NoError(t, err)
		require.Equal(t, &access.LedgerHead{Console: acme, Seq: 1, Hash: old.Hash, Seal: access.Unsealed}, head)
		require.NoError(t, s.VerifySeal(t.Context(), old), "without a key, the hash alone counts")
		_, sealed, err := s.LedgerKey(t.Context(), acme)
		require.NoError(t, err)
		require.False(t, sealed)

		for range 2 { // each start of a worker
			require.NoError(t, s.SealWith(t.Context(), acme, store.SealOptions{Key: key}))
		}
		added := appendTo(t, s, acme, note("grant/1", "plan", 1), note("grant/1", "receipt", 1))
		all := walked(t, s, acme)
		require.Len(t, all, 4)
		require.Equal(t, ledger.KindLedgerKey, all[1].Kind)
		require.Equal(t, added, all[2:])
		for _, e := range all {
			require.NoError(t, s.VerifySeal(t.Context(), e), "%d", e.Seq)
		}
		public, sealed, err := s.LedgerKey(t.Context(), acme)
		require.NoError(t, err)
		require.True(t, sealed)
		require.Equal(t, key.Public(), public)
		head, err = s.LedgerHead(t.Context(), acme)
		require.NoError(t, err)
		require.Equal(t, &access.LedgerHead{Console: acme, Seq: 4, Hash: all[3].Hash, Seal: all[3].Seal}, head)
		require.NoError(t, ledger.NewKeyring(0, public).VerifyHead(*head))
		report := verifiedBy(t, s, key)
		require.Empty(t, report.Faults)
		require.Empty(t, report.Unchecked)
		require.Equal(t, int64(3), report.Seals.Entries)

		forged := all[2]
		forged.Seal = ""
		require.ErrorIs(t, s.VerifySeal(t.Context(), forged), ledger.ErrBadSeal)
		forged.Body = []byte(`2`)
		require.ErrorIs(t, s.VerifySeal(t.Context(), forged), ledger.ErrBadSeal)
	})
}

// A ledger that is sealed is not written without its key, and a new key needs the one before.
func TestSealWith_AnotherKey(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, first, second, third := db.t, sealKey("first"), sealKey("second"), sealKey("third")
		require.NoError(t, db.s.SealWith(t.Context(), acme, store.SealOptions{}), "no ledger is sealed without a key")
		require.NoError(t, db.s.SealWith(t.Context(), acme, store.SealOptions{Key: first}))
		appendTo(t, db.s, acme, note("grant/1", "request", 1))
		other := open(t, db.url)
		for _, o := range []store.SealOptions{{}, {Key: second}, {Key: second, Previous: third}} {
			err := other.SealWith(t.Context(), acme, o)
			require.ErrorIs(t, err, store.ErrLedgerKey)
			require.ErrorContains(t, err, first.Public().Fingerprint())
		}
		require.NoError(t, other.SealWith(t.Context(), acme, store.SealOptions{Key: second, Previous: first}))
		byNew := appendTo(t, other, acme, note("grant/2", "request", 1))[0]
		require.NoError(t, db.s.VerifySeal(t.Context(), byNew), "the first key signed the second")
		for _, e := range walked(t, db.s, acme) {
			require.NoError(t, other.VerifySeal(t.Context(), e))
		}
		require.Empty(t, verifiedBy(t, db.s, first).Faults)
		require.Empty(t, verifiedBy(t, db.s, second).Faults)

		lost := open(t, db.url) // the second key is lost, and its public half is not
		public := second.Public()
		require.NoError(t, lost.SealWith(t.Context(), acme, store.SealOptions{Key: third, Lost: &public}))
		for _, e := range walked(t, lost, acme) {
			require.NoError(t, lost.VerifySeal(t.Context(), e))
		}
		require.Contains(t, fmt.Sprint(verifiedBy(t, lost, third).Faults), "that key has not signed it")
	})
}

// The statements of an attacker with the database that fit together are found.
func TestVerifyLedger_SealedAttacks(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s, key := db.t, db.s, sealKey("worker")
		require.NoError(t, s.SealWith(t.Context(), acme, store.SealOptions{Key: key}))
		all := appendTo(t, s, acme, note("grant/1", "request", 1), note("grant/1", "plan", 2))
		unguard(t, db)
		forged := all[1]
		forged.Body = []byte(`3`)
		forged.Hash = forged.Digest()
		change(t, s, "UPDATE ledger SET body = $1, hash = $2 WHERE seq = 3", string(forged.Body), forged.Hash)
		change(t, s, "UPDATE ledger_heads SET hash = $1", forged.Hash)
		require.Contains(t, fmt.Sprint(verified(t, s, acme).Faults), "entry 3 is not what key")
		require.ErrorIs(t, s.VerifySeal(t.Context(), walked(t, s, acme)[2]), ledger.ErrBadSeal)

		change(t, s, "DELETE FROM ledger")
		change(t, s, "DELETE FROM ledger_heads")
		require.Contains(t, fmt.Sprint(verifiedBy(t, s, key).Faults), "it was emptied or rewritten")

		bare := open(t, db.url) // writes the whole chain anew, without the key
		chainOf(t, bare, acme, 3)
		require.Contains(t, fmt.Sprint(verifiedBy(t, s, key).Faults), "the ledger records no key")
	})
}
