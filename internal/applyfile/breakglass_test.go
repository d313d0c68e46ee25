package applyfile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// A line may request break-glass access. One that does not is the same request as without
// the column.
func TestRead_BreakGlass(t *testing.T) {
	t.Parallel()
	const head, line = "action,principal,role,level,scope,reason", "grant,ana@example.com,SOC,tenant,tenant,INC-1"
	plain, err := readText(t, head+"\n"+line)
	require.NoError(t, err)
	for text, want := range map[string]bool{
		head + ",breakGlass\n" + line + ",yes": true, head + ",BREAKGLASS\n" + line + ", True": true,
		head + ",breakglass\n" + line + ",no": false, head + ",breakGlass\n" + line + ",": false,
		inLine(`"breakGlass":true`): true, inLine(`"breakGlass":"yes"`): true, inLine(`"breakGlass":false`): false,
	} {
		got, err := readText(t, text)
		require.NoError(t, err, text)
		require.Equal(t, want, got[0].Want.BreakGlass, text)
		require.Equal(t, want, got[0].ID != plain[0].ID, text)
	}
	_, err = readText(t, strings.Join([]string{
		head + ",breakGlass", line + ",perhaps", strings.Replace(line, "grant", "revoke", 1) + ",yes",
		strings.Replace(line, "INC-1", " ", 1) + ",yes",
	}, "\n"))
	require.EqualError(t, err, `line 2: breakGlass: invalid value "perhaps": write yes or no`+"\n"+
		"line 3: breakGlass does not apply to a revoke: leave it empty\n"+
		"line 4: breakGlass needs a reason: state the emergency")
	_, err = readText(t, inLine(`"breakGlass":1`))
	require.ErrorContains(t, err, "line 1:")
}

// A request of the same id that waits for approvals is not the one of the line.
func TestMatches_BreakGlass(t *testing.T) {
	t.Parallel()
	got, err := readText(t, inLine(`"breakGlass":true`))
	require.NoError(t, err)
	plan := access.Plan{
		Op: access.OpGrant, Principal: access.PrincipalRef{Kind: access.User, Email: "ana@example.com"},
		Role: access.RoleRef{Name: "SOC"}, Scope: access.ScopeRef{Level: access.Tenant},
	}
	require.False(t, got[0].matches(plan))
	plan.Terms.BreakGlass = true
	require.True(t, got[0].matches(plan))
}

func inLine(field string) string {
	return `{"action":"grant","principal":"ana@example.com","role":"SOC","level":"tenant","scope":"tenant",` +
		`"reason":"INC-1",` + field + `}`
}
