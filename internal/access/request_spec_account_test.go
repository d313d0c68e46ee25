package access_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// A plan to make an account is held against who was to be made.
func TestRequestSpec_OfAnAccount(t *testing.T) {
	t.Parallel()
	ends := time.Date(2027, 3, 3, 0, 0, 0, 0, time.UTC)
	account := access.NewAccount{Kind: access.ServiceUser, Name: "ci", Description: "builds", TokenExpiresAt: ends}
	want := requestSpec()
	want.Op, want.Principal, want.Account = access.OpCreate, access.PrincipalSelector{}, &account
	plan := func(change func(*access.Plan, *access.NewAccount)) access.Plan {
		p, a := planned(), account
		p.Op, p.Account, p.Principal = access.OpCreate, &a, a.Ref()
		change(&p, &a)
		return p
	}
	require.Empty(t, want.Differences(plan(func(*access.Plan, *access.NewAccount) {})))
	for name, change := range map[string]func(*access.Plan, *access.NewAccount){
		"name":        func(_ *access.Plan, a *access.NewAccount) { a.Name = "root" },
		"description": func(_ *access.Plan, a *access.NewAccount) { a.Description = "" },
		"token":       func(_ *access.Plan, a *access.NewAccount) { a.TokenExpiresAt = ends.Add(time.Second) },
		"none":        func(p *access.Plan, _ *access.NewAccount) { p.Account = nil },
		"other":       func(p *access.Plan, _ *access.NewAccount) { p.Principal.Name = "root" },
	} {
		require.Equal(t, []string{"account"}, want.Differences(plan(change)), name)
	}
	require.Equal(t, []string{"operation", "account"},
		requestSpec().Differences(plan(func(*access.Plan, *access.NewAccount) {})))

	life, other := want, account
	other.TokenExpiresAt = time.Time{}
	life.Account, life.TokenLife = &other, access.Duration(time.Hour)
	require.Empty(t, life.Differences(plan(func(*access.Plan, *access.NewAccount) {})))
	require.NotEqual(t, want.Hash(), life.Hash())
}

// A request to delete names a principal, and neither role nor scope.
func TestRequestSpec_ToDelete(t *testing.T) {
	t.Parallel()
	want := access.RequestSpec{Op: access.OpDelete, Principal: requestSpec().Principal, Terms: requestSpec().Terms}
	p := planned()
	p.Op = access.OpDelete
	require.Equal(t, []string{"role", "scope"}, want.Differences(p))
	p.Role, p.Scope = access.RoleRef{}, access.ScopeRef{}
	require.Empty(t, want.Differences(p))
}
