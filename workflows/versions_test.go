package workflows_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/workflows"
)

// before06 are changes that 0.5.0 already had.
var before06 = []string{"inputLimits", "stops-are-recorded", "quarantine-decisions-are-recorded"}

// Every change in versions*.go says with which release it came: without that, a rollback would
// find workflows that it cannot go on with.
func TestVersions_EachHasARelease(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("versions*.go")
	require.NoError(t, err)
	names := 0
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for _, value := range spec.Values {
				name, ok := value.(*ast.BasicLit)
				if !ok || name.Kind != token.STRING {
					continue
				}
				names++
				change, err := strconv.Unquote(name.Value)
				require.NoError(t, err)
				if release := workflows.ReleaseOf(change); release == "" {
					require.Contains(t, before06, change, "add it to ReleaseOf")
				} else {
					require.Regexp(t, `^\d+\.\d+\.\d+$`, release)
				}
			}
			return true
		})
	}
	require.Greater(t, names, len(before06))
}
