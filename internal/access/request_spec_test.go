package access_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

func requestSpec() access.RequestSpec {
	return access.RequestSpec{
		Op: access.OpAcquire, Principal: access.PrincipalSelector{Kind: access.User, Email: "Ana@example.com"},
		Role:  access.RoleSelector{Name: "soc"},
		Scope: access.ScopeSelector{Level: access.SiteLevel, Name: "Berlin"},
		Terms: access.Terms{
			Requester: "bob@example.com", Duration: access.Duration(4 * time.Hour),
			StartAt: time.Date(2026, 3, 3, 8, 0, 0, 0, time.UTC),
		},
	}
}

func planned() access.Plan {
	return access.Plan{
		Op: access.OpAcquire, Console: "acmeco.sentinelone.net",
		Principal: access.PrincipalRef{Kind: access.User, ID: "11", Name: "Ana", Email: "ana@example.com"},
		Role:      access.RoleRef{ID: "21", Name: "SOC"},
		Scope:     access.ScopeRef{Level: access.SiteLevel, ID: "31", Name: "Acme / Berlin"},
		Terms:     requestSpec().Terms,
	}.Seal()
}

func TestRequestSpec_Differences(t *testing.T) {
	t.Parallel()
	require.Empty(t, requestSpec().Differences(planned()))
	byID := requestSpec()
	byID.Console, byID.Role, byID.Scope = "acmeco.sentinelone.net", access.RoleSelector{ID: "21"},
		access.ScopeSelector{Level: access.SiteLevel, ID: "31"}
	require.Empty(t, byID.Differences(planned()))

	for want, change := range map[string]func(*access.Plan){
		"operation": func(p *access.Plan) { p.Op = access.OpGrant },
		"principal": func(p *access.Plan) { p.Principal.Email = "carol@example.com" },
		"role":      func(p *access.Plan) { p.Role.Name = "Admin" },
		"scope":     func(p *access.Plan) { p.Scope.Name = "Acme / West Berlin" },
		"terms":     func(p *access.Plan) { p.Terms.Duration++ },
	} {
		p := planned()
		change(&p)
		require.Equal(t, []string{want}, requestSpec().Differences(p))
	}
	other := byID
	other.Console = "other.sentinelone.net"
	require.Equal(t, []string{"console"}, other.Differences(planned()))
	require.Equal(t, []string{"operation", "principal", "role", "scope", "terms"},
		access.RequestSpec{}.Differences(planned()),
		"an empty request matches no plan")
	require.NotEqual(t, byID.Hash(), other.Hash())
	require.Len(t, other.Hash(), 64)
}

// A receipt from before there were decisions in it keeps its hash.
func TestReceipt_FieldsAboutPeopleChangeNoOldHash(t *testing.T) {
	t.Parallel()
	r := access.Receipt{Request: "grant/INC-42", Run: "r", Plan: planned(), State: "granted", Signed: access.Unsigned}
	text, err := json.Marshal(r.Seal())
	require.NoError(t, err)
	require.NotContains(t, string(text), "decisions")
	require.NotContains(t, string(text), "requestSignature")
	decision, err := json.Marshal(access.Decision{By: "carol@example.com", Action: "approve", Signed: access.Unsigned})
	require.NoError(t, err)
	require.JSONEq(t,
		`{"at":"0001-01-01T00:00:00Z","by":"carol@example.com","action":"approve","step":0,"signed":"unsigned"}`,
		string(decision))
}
