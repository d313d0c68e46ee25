package applyfile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

const scopesHead = "action,principal,role,level,scope,id"

func site(name string) access.ScopeSelector {
	return access.ScopeSelector{Level: access.SiteLevel, Name: name}
}

// A line may name several scopes: it is one request, whatever their order.
func TestRead_SeveralScopes(t *testing.T) {
	t.Parallel()
	got, err := readText(t, scopesHead+"\ngrant,ana@example.com,SOC,site,Acme / Berlin; Acme / Rome ;7,")
	require.NoError(t, err)
	require.Empty(t, got[0].Want.Scope)
	require.Equal(t, []access.ScopeSelector{
		site("Acme / Berlin"), site("Acme / Rome"), {Level: access.SiteLevel, ID: "7"},
	}, got[0].Want.Scopes)

	moved, err := readText(t, scopesHead+"\ngrant,ana@example.com,SOC,,7;Acme / Rome;Acme / Berlin,")
	require.ErrorContains(t, err, `cannot tell whether "7" is an account or a site`)
	require.Empty(t, moved)
	moved, err = readText(t, scopesHead+"\ngrant,ana@example.com,SOC,site,7;Acme / Rome;Acme / Berlin,")
	require.NoError(t, err)
	require.Equal(t, got[0].ID, moved[0].ID)
	less, err := readText(t, scopesHead+"\ngrant,ana@example.com,SOC,,Acme / Rome;Acme / Berlin,")
	require.NoError(t, err)
	require.NotEqual(t, got[0].ID, less[0].ID)
	require.Equal(t, `assuming "Acme / Rome" is a site, because of the slash; `+
		`assuming "Acme / Berlin" is a site, because of the slash`, less[0].Inferred)
}

func TestRead_SeveralScopesFaults(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("Berlin;", access.MaxScopes) + "Rome"
	long := strings.Repeat("x", access.MaxNameBytes*2+1)
	_, err := readText(t, strings.Join([]string{
		scopesHead,
		"grant,ana@example.com,SOC,site,Berlin;Rome,",
		"grant,ana@example.com,SOC,site,Rome;Berlin,",
		"grant,ana@example.com,SOC,,tenant;A / B,",
		"grant,ana@example.com,SOC,site,Berlin;BERLIN,",
		"grant,ana@example.com,SOC,site,Berlin;,",
		"revoke,ana@example.com,SOC,site,Berlin;Rome,",
		"grant,ana@example.com,SOC,site," + many + ",",
	}, "\n"))
	require.EqualError(t, err, strings.Join([]string{
		`line 3: same request as line 2: remove one, or give each an id of its own`,
		`line 4: scopes are at tenant and at site level, and a principal has one level: request each level separately`,
		`line 5: scopes lists site "BERLIN" twice: leave one of them out`,
		`line 6: scope: give one of name and id of the site`,
		`line 7: a revoke has one scope: write a line for each`,
		`line 8: scope lists 51: the maximum is 50; write the others in a line of their own`,
	}, "\n"))
	_, err = readText(t, scopesHead+"\ngrant,ana@example.com,SOC,site,Berlin;"+long+",")
	require.ErrorContains(t, err, "line 2: scope")
}

// A request of the same id is the one of the line if it is at the same scopes.
func TestMatches_SeveralScopes(t *testing.T) {
	t.Parallel()
	got, err := readText(t, scopesHead+"\ngrant,ana@example.com,SOC,site,Berlin;7,")
	require.NoError(t, err)
	berlin := access.ScopeRef{Level: access.SiteLevel, ID: "1", Name: "Acme / Berlin"}
	rome, oslo := access.ScopeRef{Level: access.SiteLevel, ID: "7"}, access.ScopeRef{Level: access.SiteLevel, ID: "8"}
	for name, c := range map[string]struct {
		scopes []access.ScopeRef
		same   bool
	}{
		"same": {[]access.ScopeRef{berlin, rome}, true}, "other order": {[]access.ScopeRef{rome, berlin}, true},
		"one": {nil, false}, "another": {[]access.ScopeRef{berlin, oslo}, false},
		"more": {[]access.ScopeRef{berlin, rome, oslo}, false},
	} {
		plan := access.Plan{
			Op: access.OpGrant, Principal: access.PrincipalRef{Kind: access.User, ID: "9", Email: "ana@example.com"},
			Role: access.RoleRef{Name: "SOC"}, Scope: berlin, Scopes: c.scopes,
		}
		require.Equal(t, c.same, got[0].CheckPlan(plan) == nil, name)
	}
}

type known string

func (k known) ScopesNamed(name string) ([]access.ScopeRef, error) {
	if name == string(k) {
		return []access.ScopeRef{{Level: access.SiteLevel, ID: "5", Name: name}}, nil
	}
	return store.Directory{}.ScopesNamed(name)
}

// A name with a semicolon is one scope where the last sync has it.
func TestRead_SemicolonInAName(t *testing.T) {
	t.Parallel()
	text := []byte(scopesHead + "\nrevoke,ana@example.com,SOC,site,Berlin; East,")
	got, err := Reader{Scopes: known("Berlin; East"), Requester: "bob@example.com"}.Read(text)
	require.NoError(t, err)
	require.Equal(t, site("Berlin; East"), got[0].Want.Scope)
	_, err = readText(t, string(text))
	require.ErrorContains(t, err, "a revoke has one scope")
}
