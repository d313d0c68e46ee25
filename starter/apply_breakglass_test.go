package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// A line may ask to start at once. One that does not is the same request as it was when
// there was no such column.
func TestCompile_BreakGlass(t *testing.T) {
	t.Parallel()
	const head, line = "action,principal,role,level,scope,reason", "grant,ana@example.com,SOC,tenant,tenant,INC-1"
	plain, err := compileText(t, head+"\n"+line)
	require.NoError(t, err)
	for text, want := range map[string]bool{
		head + ",breakGlass\n" + line + ",yes": true, head + ",BREAKGLASS\n" + line + ", True": true,
		head + ",breakglass\n" + line + ",no": false, head + ",breakGlass\n" + line + ",": false,
		inLine(`"breakGlass":true`): true, inLine(`"breakGlass":"yes"`): true, inLine(`"breakGlass":false`): false,
	} {
		got, err := compileText(t, text)
		require.NoError(t, err, text)
		in, ok := got[0].input.(*wire.GrantInput)
		require.True(t, ok)
		require.Equal(t, want, in.BreakGlass, text)
		require.Equal(t, want, got[0].id != plain[0].id, text)
	}
	_, err = compileText(t, strings.Join([]string{
		head + ",breakGlass", line + ",perhaps", strings.Replace(line, "grant", "revoke", 1) + ",yes",
		strings.Replace(line, "INC-1", " ", 1) + ",yes",
	}, "\n"))
	require.EqualError(t, err, `line 2: breakGlass: it is "perhaps": write yes or no`+"\n"+
		"line 3: breakGlass is given for a revoke, which only a grant can have: leave it out\n"+
		"line 4: breakGlass needs a reason: say what cannot wait")
	_, err = compileText(t, inLine(`"breakGlass":1`))
	require.ErrorContains(t, err, "line 1:")
}

// A request of the same id that asked to wait for consent is not the one of the line.
func TestMeans_BreakGlass(t *testing.T) {
	t.Parallel()
	got, err := compileText(t, inLine(`"breakGlass":true`))
	require.NoError(t, err)
	plan := access.Plan{
		Op: access.OpGrant, Principal: access.PrincipalRef{Kind: access.User, Email: "ana@example.com"},
		Role: access.RoleRef{Name: "SOC"}, Scope: access.ScopeRef{Level: access.Tenant},
	}
	require.False(t, got[0].means(plan))
	plan.Terms.BreakGlass = true
	require.True(t, got[0].means(plan))
}

func inLine(field string) string {
	return `{"action":"grant","principal":"ana@example.com","role":"SOC","level":"tenant","scope":"tenant",` +
		`"reason":"INC-1",` + field + `}`
}
