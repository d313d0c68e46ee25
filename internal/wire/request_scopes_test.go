package wire_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

func TestGrantInput_Scopes(t *testing.T) {
	t.Parallel()
	site := func(id string) access.ScopeSelector { return access.ScopeSelector{Level: access.SiteLevel, ID: id} }
	many := make([]access.ScopeSelector, access.MaxScopes+1)
	for name, c := range map[string]struct {
		scope  access.ScopeSelector
		scopes []access.ScopeSelector
		want   string
	}{
		"several":     {access.ScopeSelector{}, []access.ScopeSelector{site("1"), site("2")}, ""},
		"one of both": {site("1"), []access.ScopeSelector{site("2")}, "scope and scopes are both given"},
		"twice": {
			access.ScopeSelector{},
			[]access.ScopeSelector{site("1"), site("1")},
			"lists site with id 1 twice",
		},
		"levels": {
			access.ScopeSelector{},
			[]access.ScopeSelector{site("1"), {Level: access.AccountLevel, ID: "1"}},
			"a principal has one level",
		},
		"invalid":  {access.ScopeSelector{}, []access.ScopeSelector{site("x")}, "scopes[0]: scope.id"},
		"too many": {access.ScopeSelector{}, many, ""},
	} {
		in := wire.GrantInput{
			Principal: access.PrincipalSelector{Kind: access.User, ID: "7"}, Role: access.RoleSelector{ID: "2"},
			Scope: c.scope, Scopes: c.scopes, Requester: "bob@example.com",
		}
		err := in.Validate(time.Now())
		if c.want == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, c.want, name)
		}
		if name == "too many" {
			require.ErrorContains(t, in.Limits(), "scopes lists 51: the maximum is 50")
		}
	}
}
