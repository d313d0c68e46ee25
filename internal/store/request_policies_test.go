package store_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/store"
)

func policyHash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// A stored policy is returned byte for byte, also if it is stored concurrently and if it
// holds arbitrary bytes.
func TestKeepPolicy(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, text := db.t, []byte("rules: # \xff\x00 Ö\n")
		hash := policyHash(text)
		_, _, err := db.s.PolicyOf(t.Context(), hash)
		require.ErrorIs(t, err, store.ErrNoPolicy)

		stores := []*store.Store{db.s, open(t, db.url)}
		group, ctx := errgroup.WithContext(t.Context())
		for i := range 8 {
			group.Go(func() error { return stores[i%2].KeepPolicy(ctx, hash, "policy.yaml", text) })
		}
		require.NoError(t, group.Wait())
		require.NoError(t, db.s.KeepPolicy(t.Context(), hash, "moved.yaml", text))
		name, got, err := db.s.PolicyOf(t.Context(), hash)
		require.NoError(t, err)
		require.Equal(t, "policy.yaml", name, "the first name stays")
		require.Equal(t, text, got)
	})
}

// A text is not stored under a hash that does not match it.
func TestKeepPolicy_WrongHash(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		hash := policyHash([]byte("rules: []"))
		require.ErrorContains(db.t, db.s.KeepPolicy(db.t.Context(), hash, "p", []byte("rules: [ ]")), "another hash")
		_, _, err := db.s.PolicyOf(db.t.Context(), hash)
		require.ErrorIs(db.t, err, store.ErrNoPolicy)
	})
}
