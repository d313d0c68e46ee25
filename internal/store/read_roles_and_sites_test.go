package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/store"
)

// RolesAndSites returns the roles and sites of an export.
func TestRolesAndSites(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		_, _, err := s.RolesAndSites(t.Context(), acme)
		require.ErrorIs(t, err, store.ErrNoSnapshot)
		w := smallWorld()
		syncOnce(t, s, acme, "s1", w)
		roles, sites, err := s.RolesAndSites(t.Context(), acme)
		require.NoError(t, err)
		require.NotEmpty(t, roles)
		require.Equal(t, expected(w).Roles, roles)
		require.Equal(t, expected(w).Sites, sites)
	})
}
