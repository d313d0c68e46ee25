package store_test

import (
	"testing"
	"time"

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

// What a message offers can be typed as it looks, and deleted scopes are not offered.
func TestDirectory_OfferedNamesCanBeTyped(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		w.accounts["109"] = access.Account{ID: "109", Name: "Delta\u00a0 West "}
		w.sites["209"] = access.Site{ID: "209", Name: "Harbour ", AccountID: "109"}
		w.accounts["108"] = access.Account{ID: "108", Name: "Delta old", State: "deleted"}
		w.sites["208"] = access.Site{ID: "208", Name: "Harbour old", AccountID: "109", State: "deleted"}
		w.roles["309"] = access.Role{ID: "309", Name: "Night watch ", Scope: access.Tenant}
		syncOnce(t, s, acme, "s1", w)
		d, err := s.Directory(t.Context(), acme)
		require.NoError(t, err)
		for _, name := range []string{"Harbour", "Delta West / Harbour", "Harbour "} {
			got, err := d.ScopesNamed(name)
			require.NoError(t, err, name)
			require.Len(t, got, 1)
			require.Equal(t, "209", got[0].ID)
		}
		w.sites["209"] = access.Site{ID: "209", Name: "M\u00fcnchen", AccountID: "109"}
		syncOnce(t, s, acme, "s2", w)
		d, err = s.Directory(t.Context(), acme)
		require.NoError(t, err)
		for _, name := range []string{"Mu\u0308nchen", "Delta West / Mu\u0308nchen"} { // as macOS writes it
			got, err := d.ScopesNamed(name)
			require.NoError(t, err, name)
			require.Equal(t, "209", got[0].ID)
		}
		for _, name := range []string{"Harbour ol", "Delta ol"} {
			_, err = d.ScopesNamed(name)
			require.ErrorContains(t, err, "no scope is called")
			require.NotContains(t, err.Error(), "did you mean", "it is deleted")
		}
		_, err = d.ScopesNamed("Delta Wext")
		require.ErrorContains(t, err, `did you mean "Delta\u00a0 West "?`, "in quotes, as it is")

		closed, err := s.ClaimsClosedSince(t.Context(), acme, time.Unix(0, 0), 10)
		require.NoError(t, err)
		require.Empty(t, closed)
	})
}
