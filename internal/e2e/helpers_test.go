package e2e

import (
	"cmp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert" //nolint:depguard // the type that EventuallyWithT hands out
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

// assertT is the argument of the conditions of EventuallyWithT.
type assertT = assert.CollectT

func requireState(c *assertT, state string, got wire.SyncStatus) {
	require.Equal(c, state, got.State, "%+v", got)
}

// runProgram runs a program to its end, with env and the variables that every program
// needs.
func runProgram(t *testing.T, env []string, program string, args ...string) commandResult {
	t.Helper()
	got, err := testbed.Run(t.Context(), t.TempDir(), env, program, args...)
	require.NoError(t, err)
	return commandResult{code: got.Code, stdout: got.Stdout, stderr: got.Stderr}
}

// sortedAssignments are users first, then service users, each by id: the order of an
// export.
func sortedAssignments(truth consoletest.Truth) []access.Assignment {
	all := truth.Assignments()
	slices.SortFunc(all, func(a, b access.Assignment) int {
		return cmp.Or(
			cmp.Compare(b.PrincipalKind, a.PrincipalKind),
			cmp.Compare(a.PrincipalID, b.PrincipalID),
			cmp.Compare(a.RoleID, b.RoleID),
			cmp.Compare(a.Level, b.Level),
			cmp.Compare(a.ScopeID, b.ScopeID),
		)
	})
	return all
}
