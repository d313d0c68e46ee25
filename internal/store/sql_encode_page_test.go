package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// A truncated body is an error, not a page with fewer rows.
func TestDecodePage_Truncated(t *testing.T) {
	t.Parallel()
	rows, err := encodeRows([]access.Entity{access.Account{ID: "1", Name: "Acme"}, access.Account{ID: "2"}})
	require.NoError(t, err)
	body, err := pageBody(rows)
	require.NoError(t, err)
	for n := range body {
		_, err = decodePage(access.Accounts, body[:n])
		require.ErrorContains(t, err, "a saved page of accounts", n)
	}
}

// A page decoded from its body has the same rows, whatever characters the texts contain.
func TestPageBody_RoundTrip(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 3, 13, 0, 0, 123456789, time.FixedZone("", 3600))
	odd := "a\"b\\c\x00d\u2028<é>"
	cases := map[access.Collection][]access.Entity{
		access.Accounts: {access.Account{ID: "1", Name: odd}, access.Account{ID: "2", Name: "Acme", State: "active"}},
		access.Sites:    {access.Site{ID: "1", Name: odd, AccountID: "2", AccountName: "Acme"}},
		access.Roles:    {access.Role{ID: "1", Name: odd, Scope: access.AccountLevel, ScopeID: "2"}},
		access.Users: {
			access.Principal{
				Kind: access.User, ID: "1", Name: odd, Email: odd, Level: access.SiteLevel,
				CreatedAt: &at, LastActiveAt: &at,
				Held: []access.HeldRole{
					{RoleID: "4", ScopeID: "3"}, {RoleID: odd, ScopeID: odd}, {RoleID: "4", ScopeID: "3"},
				},
			},
			access.Principal{Kind: access.User, ID: "2", Level: access.Tenant, Held: []access.HeldRole{{RoleID: "5"}}},
			access.Principal{Kind: access.User, ID: "2", Level: access.Tenant, LastActiveAt: &at},
			access.Principal{Kind: access.User, ID: "3", TokenExpiresAt: &at},
		},
		access.ServiceUsers: nil,
	}
	for c, entities := range cases {
		rows, err := encodeRows(entities)
		require.NoError(t, err)
		body, err := pageBody(rows)
		require.NoError(t, err)
		again, err := decodePage(c, body)
		require.NoError(t, err)
		require.Equal(t, rows, again, c)
	}
}
