package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The owner of a console's token is the one that was told last.
func TestTokenOwner(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		owner := func(console string) string {
			id, err := db.s.TokenOwner(t.Context(), console)
			require.NoError(t, err)
			return id
		}
		require.Empty(t, owner(acme))
		for _, id := range []string{"401", "402", "402", ""} {
			require.NoError(t, db.s.KeepTokenOwner(t.Context(), acme, id))
			require.Equal(t, id, owner(acme))
		}
		require.NoError(t, db.s.KeepTokenOwner(t.Context(), "other.sentinelone.net", "7"))
		require.Empty(t, owner(acme))
	})
}
