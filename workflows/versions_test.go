package workflows_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
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

// Every change that a workflow asks about is one of versions*.go, spelled once; extensions number
// theirs.
func TestVersions_StandInOnePlace(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	declared, asked := map[string]bool{}, map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.ValueSpec:
				declared[x.Names[0].Name] = declared[x.Names[0].Name] || strings.HasPrefix(file, "versions")
			case *ast.CallExpr:
				if calledName(x) == "since" {
					asked[nameOf(x.Args[1])] = true
				}
			}
			return true
		})
	}
	delete(asked, "extensionsAreApproved")
	delete(asked, "change") // what a writer passes on
	require.NotEmpty(t, asked)
	for name := range asked {
		require.True(t, declared[name], "%s: declare it in versions.go", name)
	}
}

// calledName is the name of the function or method that is called.
func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// nameOf is the name of a constant or function that an expression uses; "" for anything else.
func nameOf(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.CallExpr:
		return nameOf(x.Fun)
	}
	return ""
}
