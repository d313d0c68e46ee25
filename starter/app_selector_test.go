package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

func TestPrincipalNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]access.PrincipalSelector{
		" ana@example.com ":  {Kind: access.User, Email: "ana@example.com"},
		"418828136350235435": {Kind: access.User, ID: "418828136350235435"},
		"Ana Example":        {Kind: access.User, Name: "Ana Example"},
	} {
		got, err := principalNamed(access.User, text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	got, err := principalNamed(access.ServiceUser, "svc@backup")
	require.NoError(t, err)
	require.Equal(t, access.PrincipalSelector{Kind: access.ServiceUser, Name: "svc@backup"}, got)
	_, err = principalNamed(access.User, " ")
	require.EqualError(t, err, "principal: give one of email, name and id")
}

func TestScopeNamed(t *testing.T) { //nolint:paralleltest // newFixture points the environment at its database
	f := newFixture(t)
	f.sync(host, "s1", append(scene(),
		access.Account{ID: "101", Name: "Globex"},
		access.Site{ID: "203", Name: "Acme", AccountID: "101", AccountName: "Globex"},
		access.Site{ID: "204", Name: "Berlin", AccountID: "101", AccountName: "Globex"},
	))
	known, err := f.db.Directory(t.Context(), host)
	require.NoError(t, err)
	site := func(id, name string) access.ScopeSelector {
		return access.ScopeSelector{Level: access.SiteLevel, ID: id, Name: name}
	}
	tests := []struct {
		text, level string
		want        access.ScopeSelector
		guess       string
	}{
		{"tenant", "", access.ScopeSelector{Level: access.Tenant}, ""},
		{"tenant", "tenant", access.ScopeSelector{Level: access.Tenant}, ""},
		{"", "Tenant", access.ScopeSelector{Level: access.Tenant}, ""},
		{"tenant", "site", site("", "tenant"), ""},
		{"Acme", "account", access.ScopeSelector{Level: access.AccountLevel, Name: "Acme"}, ""},
		{"202", "", site("202", ""), `"202" is taken for a site, as the last sync has it`},
		{"100", "", access.ScopeSelector{Level: access.AccountLevel, ID: "100"}, `"100" is taken for an account, as`},
		{"Berlin", "", site("", "Berlin"), "as the last sync has it"}, // two of them: the console's to say
		{"New / Place", "", site("", "New / Place"), `"New / Place" is taken for a site, as it is written`},
	}
	for _, tt := range tests {
		got, guess, err := scopeNamed(tt.text, tt.level, known)
		require.NoError(t, err, tt.text)
		require.Equal(t, tt.want, got, tt.text)
		require.Contains(t, guess, tt.guess)
		require.Equal(t, tt.guess == "", guess == "", guess)
	}
	for _, bad := range []struct{ text, level, want string }{
		{"Acme", "", `"Acme" is the name of an account and of a site: say which by its level, account or site`},
		{"999", "", `what "999" is cannot be told, since no sync has seen it: say its level, account or site`},
		{"", "", `which scope is not said: give an account, a site, or "tenant"`},
		{"", "site", "scope: give one of name and id of the site"},
		{"Acme", "tenant", "scope: the tenant has neither id nor name: leave them out"},
		{"Acme", "galaxy", `scope.level is "galaxy": write tenant, account or site`},
		{"Acme", "group", "scope.level is group, where roles cannot be granted"},
	} {
		_, _, err := scopeNamed(bad.text, bad.level, known)
		require.ErrorContains(t, err, bad.want)
	}
	_, _, err = scopeNamed("Acme", "", store.Directory{})
	require.ErrorContains(t, err, "cannot be told")
}

func TestChosenID(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"INC-42", " grant/INC-42 "} {
		got, err := chosenID(text, "grant/")
		require.NoError(t, err)
		require.Equal(t, "INC-42", got)
	}
	for text, want := range map[string]string{
		"ana@example.com": "no e-mail addresses in ids", "a b": "write letters, digits", "": "as in INC-42",
		"revoke/x": "write letters, digits", "-x": "write letters", strings.Repeat("x", 101): "at most 100",
	} {
		_, err := chosenID(text, "grant/")
		require.ErrorContains(t, err, want, text)
		require.Equal(t, exitUsage, exitCode(marked(err)))
	}
}

func TestNewRequestID(t *testing.T) {
	t.Parallel()
	a, b := newRequestID(), newRequestID()
	require.Regexp(t, `^[a-z0-9]{8}$`, a)
	require.NotEqual(t, a, b)
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"grant/X", "revoke/X", "provision/X", "offboard/X", "X"},
		candidates("X", requestPrefixes...))
	require.Equal(t, []string{"revoke/X"}, candidates("revoke/X", requestPrefixes...))
	require.Equal(t, "X", typed("grant/X"))
	require.Equal(t, "revoke/X", typed("revoke/X"))
}
