package workflows_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// dependencies lists all packages that a package of this module links.
func dependencies(t *testing.T, path string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "sentinelone-provisioner/"+path).Output()
	require.NoError(t, err)
	return strings.Fields(string(out))
}

// Workflow code links nothing that touches the world: no SQL driver, no policy engine, no
// program that it could start.
func TestImports_WorkflowsLinkNoWorld(t *testing.T) {
	t.Parallel()
	forbidden := []string{
		"modernc.org/sqlite", "github.com/jackc/pgx", "github.com/pressly/goose", "cel.dev", "github.com/google/cel-go",
		"os/exec",
	}
	for _, pkg := range dependencies(t, "workflows") {
		for _, f := range forbidden {
			require.False(t, pkg == f || strings.HasPrefix(pkg, f+"/"), "workflows link %s", pkg)
		}
	}
}

// What crosses Temporal depends on the domain types alone, of ours.
func TestImports_WireKnowsAccessOnly(t *testing.T) {
	t.Parallel()
	var ours []string
	for _, pkg := range dependencies(t, "internal/wire") {
		if strings.HasPrefix(pkg, "sentinelone-provisioner/") {
			ours = append(ours, pkg)
		}
	}
	require.ElementsMatch(t, []string{
		"sentinelone-provisioner/internal/wire", "sentinelone-provisioner/internal/access",
	}, ours)
}
