package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

func TestDirectory(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		none, err := s.Directory(t.Context(), acme)
		require.NoError(t, err)
		require.Empty(t, none.Role("301"))
		_, err = none.ScopesNamed("Acme")
		require.ErrorAs(t, err, new(*store.NoMatchError))

		syncOnce(t, s, acme, "s1", smallWorld())
		d, err := s.Directory(t.Context(), acme)
		require.NoError(t, err)
		require.Equal(t, "Admin", d.Role("301"))
		require.Equal(t, "Globex / Berlin", d.Scope(access.Scope{Level: access.SiteLevel, ID: "203"}))
		require.Empty(t, d.Scope(access.Scope{Level: access.AccountLevel, ID: "203"}))

		acmeAccount := access.ScopeRef{Level: access.AccountLevel, ID: "101", Name: "Acme"}
		berlins := []access.ScopeRef{
			{Level: access.SiteLevel, ID: "201", Name: "Acme / Berlin"},
			{Level: access.SiteLevel, ID: "203", Name: "Globex / Berlin"},
		}
		for name, want := range map[string][]access.ScopeRef{
			"Acme": {acmeAccount}, "101": {acmeAccount}, "Berlin": berlins, "Globex / Berlin": berlins[1:],
		} {
			got, err := d.ScopesNamed(name)
			require.NoError(t, err)
			require.Equal(t, want, got, name)
		}
		_, err = d.ScopesNamed("Berlim")
		require.ErrorContains(t, err, "did you mean Acme / Berlin")
	})
}
