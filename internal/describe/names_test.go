package describe_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// directory knows names of roles and scopes by id.
type directory map[string]string

func (d directory) Role(id string) string       { return d[id] }
func (d directory) Scope(s access.Scope) string { return d[s.ID] }

func TestNames(t *testing.T) {
	t.Parallel()
	plan := &access.Plan{
		Role:  access.RoleRef{ID: "2", Name: "SOC"},
		Scope: access.ScopeRef{Level: access.SiteLevel, ID: "9", Name: "Acme / Berlin"},
	}
	synced := directory{"2": "old name", "3": "Viewer", "9": "old site", "8": "Acme"}
	site := access.Scope{Level: access.SiteLevel, ID: "9"}
	account := access.Scope{Level: access.AccountLevel, ID: "8"}

	n := describe.NewNames(synced, plan)
	require.Equal(t, "SOC (2)", n.Role("2"), "the plan's own names come first")
	require.Equal(t, "Viewer (3)", n.Role("3"))
	require.Equal(t, "4", n.Role("4"))
	require.Equal(t, "site Acme / Berlin (9)", n.Scope(site))
	require.Equal(t, "account Acme (8)", n.Scope(account))
	require.Equal(t, "the tenant", n.Scope(access.Scope{Level: access.Tenant}))

	for name, unknown := range map[string]describe.Names{"zero": {}, "no directory": describe.NewNames(nil, nil)} {
		require.Equal(t, "2", unknown.Role("2"), name)
		require.Equal(t, "site 9", unknown.Scope(site), name)
	}
}

func TestNames_Holdings(t *testing.T) {
	t.Parallel()
	n := describe.NewNames(directory{"3": "Viewer", "8": "Acme"}, nil)
	require.Equal(t, []string{"nothing"}, n.Holdings(access.Holdings{}))
	h := access.Holdings{Level: access.AccountLevel, Held: []access.HeldRole{{RoleID: "3", ScopeID: "8"}}}
	require.Equal(t, []string{"Viewer (3) at account Acme (8)"}, n.Holdings(h))
	for i := range 25 {
		h.Held = append(h.Held, access.HeldRole{RoleID: "3", ScopeID: strconv.Itoa(100 + i)})
	}
	lines := n.Holdings(h)
	require.Len(t, lines, 21)
	require.Equal(t, "and 6 more", lines[20])
}

func TestNamed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 500)
	tests := []struct{ called, id, want string }{
		{"SOC", "2", "SOC (2)"},
		{"", "2", "2"},
		{"SOC", "", "SOC"},
		{"", "", ""},
		{"SOC\x1b[2J", "2\n", `SOC\x1b[2J (2 )`},
		{"\u202eCOS", "2", `\u202eCOS (2)`},
		{long, "2", strings.Repeat("n", describe.MaxName-1) + "… (2)"},
		{"SOC", long, "SOC (" + strings.Repeat("n", describe.MaxName-1) + "…)"},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, describe.Named(tt.called, tt.id))
	}
}

func TestPrincipal(t *testing.T) {
	t.Parallel()
	tests := map[string]access.PrincipalRef{
		"user ana@example.com (7)": {Kind: access.User, ID: "7", Email: "ana@example.com", Name: "Ana"},
		"user Ana (7)":             {Kind: access.User, ID: "7", Name: "Ana"},
		"service user backup (7)":  {Kind: access.ServiceUser, ID: "7", Name: "backup"},
		"service user backup":      {Kind: access.ServiceUser, Name: "backup"},
		"user 7":                   {Kind: access.User, ID: "7"},
	}
	for want, ref := range tests {
		require.Equal(t, want, describe.Principal(ref))
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	var l describe.Labels
	require.Equal(t, "SOC", l.Label("role", "SOC", "1"), "one that was not added")
	l.Add("role", "SOC", "1")
	l.Add("role", "SOC", "1")
	l.Add("scope", "SOC", "2")
	require.Equal(t, "SOC", l.Label("role", "SOC", "1"), "one thing twice, and another column")
	l.Add("role", "SOC", "3")
	require.Equal(t, "SOC (1)", l.Label("role", "SOC", "1"))
	require.Equal(t, "SOC (3)", l.Label("role", "SOC", "3"))
	require.Equal(t, "4", l.Label("role", "", "4"))
	require.Equal(t, `S\u202e`, l.Label("role", "S\u202e", "5"))

	l.Add("scope", "Acme\nBerlin", "6")
	l.Add("scope", "Acme Berlin", "7")
	require.Equal(t, "Acme Berlin (7)", l.Label("scope", "Acme Berlin", "7"), "two names that look the same")
}
