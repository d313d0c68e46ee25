package selector_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/selector"
	"sentinelone-provisioner/internal/store"
)

var _ selector.Scopes = store.Directory{}

// scopes are the scopes of a console: id, name and "Account / Site" each find one.
type scopes []struct {
	level          access.Level
	id, name, full string
}

func (all scopes) ScopesNamed(text string) ([]access.ScopeRef, error) {
	var found []access.ScopeRef
	for _, s := range all {
		if text == s.id || text == s.name || text == s.full {
			found = append(found, access.ScopeRef{Level: s.level, ID: s.id, Name: s.name})
		}
	}
	if found == nil {
		return nil, errors.New("no scope matches")
	}
	return found, nil
}

var synced = scopes{
	{access.AccountLevel, "100", "Acme", "Acme"},
	{access.AccountLevel, "101", "Globex", "Globex"},
	{access.SiteLevel, "201", "Berlin", "Acme / Berlin"},
	{access.SiteLevel, "202", "Ghent", "Acme / Ghent"},
	{access.SiteLevel, "203", "Acme", "Globex / Acme"},
	{access.SiteLevel, "204", "Berlin", "Globex / Berlin"},
}

func TestPrincipal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]access.PrincipalSelector{
		" ana@example.com ":  {Kind: access.User, Email: "ana@example.com"},
		"418828136350235435": {Kind: access.User, ID: "418828136350235435"},
		"Ana Example":        {Kind: access.User, Name: "Ana Example"},
	} {
		got, err := selector.Principal(access.User, text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	got, err := selector.Principal(access.ServiceUser, "svc@backup")
	require.NoError(t, err)
	require.Equal(t, access.PrincipalSelector{Kind: access.ServiceUser, Name: "svc@backup"}, got)
	_, err = selector.Principal(access.User, " ")
	require.EqualError(t, err, "principal: give one of email, name and id")
}

func TestRole(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]access.RoleSelector{" SOC ": {Name: "SOC"}, "302": {ID: "302"}} {
		got, err := selector.Role(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := selector.Role(" ")
	require.EqualError(t, err, "role: give one of name and id")
}

func TestScope(t *testing.T) {
	t.Parallel()
	site := func(id, name string) access.ScopeSelector {
		return access.ScopeSelector{Level: access.SiteLevel, ID: id, Name: name}
	}
	for _, tt := range []struct {
		text, level string
		want        access.ScopeSelector
		inferred    string
	}{
		{"tenant", "", access.ScopeSelector{Level: access.Tenant}, ""},
		{"tenant", "tenant", access.ScopeSelector{Level: access.Tenant}, ""},
		{"", "Tenant", access.ScopeSelector{Level: access.Tenant}, ""},
		{"tenant", "site", site("", "tenant"), ""},
		{"Acme", "account", access.ScopeSelector{Level: access.AccountLevel, Name: "Acme"}, ""},
		{"202", "", site("202", ""), `assuming "202" is a site, as in the last sync`},
		{"100", "", access.ScopeSelector{Level: access.AccountLevel, ID: "100"}, `assuming "100" is an account, as`},
		{"Berlin", "", site("", "Berlin"), "as in the last sync"}, // the console tells the two apart
		{"New / Place", "", site("", "New / Place"), `assuming "New / Place" is a site, because of the slash`},
	} {
		got, inferred, err := selector.Scope(tt.text, tt.level, synced)
		require.NoError(t, err, tt.text)
		require.Equal(t, tt.want, got, tt.text)
		require.Contains(t, inferred, tt.inferred)
		require.Equal(t, tt.inferred == "", inferred == "", inferred)
	}
}

// Blanks from a page around the slash are blanks.
func TestScope_OtherBlanks(t *testing.T) {
	t.Parallel()
	got, said, err := selector.Scope("Nowhere\u00a0/\u2009Lyon", "", synced)
	require.NoError(t, err)
	require.Equal(t, access.SiteLevel, got.Level)
	require.Contains(t, said, "because of the slash")
}

func TestScope_Invalid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, level, want string }{
		{"Acme", "", `"Acme" is the name of an account and of a site`},
		{"999", "", `cannot tell whether "999" is an account or a site (not in the last sync)`},
		{"", "", `scope missing: name an account, a site, or "tenant"`},
		{"", "site", "scope: give one of name and id of the site"},
		{"Acme", "tenant", "scope: the tenant has neither id nor name: leave them out"},
		{"Acme", "galaxy", `scope.level is "galaxy": write tenant, account or site`},
		{"Acme", "group", "scope.level is group, where roles cannot be granted"},
	} {
		_, _, err := selector.Scope(tt.text, tt.level, synced)
		require.ErrorContains(t, err, tt.want)
		_, unknown := errors.AsType[*selector.LevelError](err)
		require.Equal(t, tt.level == "" && tt.text != "", unknown, tt.text)
	}
	_, _, err := selector.Scope("Acme", "", store.Directory{})
	require.ErrorContains(t, err, "cannot tell whether")
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"INC-42", " grant/INC-42 "} {
		got, err := selector.RequestID(text, "grant/")
		require.NoError(t, err)
		require.Equal(t, "INC-42", got)
	}
	for text, want := range map[string]string{
		"ana@example.com": "no e-mail addresses", "a b": "write letters, digits", "": "as in INC-42",
		"revoke/x": "ids of workflows of kind revoke begin so", "principal/x": "of kind principal",
		"-x": "write letters", strings.Repeat("x", 101): "at most 100",
	} {
		_, err := selector.RequestID(text, "grant/")
		require.ErrorContains(t, err, want, text)
	}
}
