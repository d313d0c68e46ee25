package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	span = regexp.MustCompile("`([^`\n]+)`")
	// ourPath is a file or folder of this repository; * stands for a part of a name.
	ourPath = regexp.MustCompile(
		`^(?:activities|deploy|docs|internal|starter|tools|worker|workflows)/[\w./*-]*$|^[\w./*-]+\.go$`)
	// goName is package.Name, Type.Method or the name of an activity.
	goName = regexp.MustCompile(`^\w+\.[A-Z]\w*$`)
)

// spans are the pieces of inline code of a page.
func spans(page string) []string {
	var out []string
	for _, s := range span.FindAllStringSubmatch(code.ReplaceAllString(page, ""), -1) {
		out = append(out, s[1])
	}
	return out
}

// declared has, of all Go code of this repository, each package, each package.Name, each
// Type.Method, and each text of the form X.Y, such as an activity's name.
func declared(t *testing.T) map[string]bool {
	t.Helper()
	out, files := map[string]bool{}, token.NewFileSet()
	for _, dir := range []string{"activities", "internal", "starter", "worker", "workflows"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") {
				return err
			}
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err == nil {
				out[file.Name.Name] = true
				ast.Inspect(file, func(n ast.Node) bool { return declare(out, file.Name.Name, n) })
			}
			return err
		})
		require.NoError(t, err)
	}
	return out
}

// declare notes what a node declares, and says whether to look into it.
func declare(out map[string]bool, pkg string, n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl:
		owner := pkg
		if n.Recv != nil {
			owner = receiver(n.Recv.List[0].Type)
		}
		out[owner+"."+n.Name.Name] = true
	case *ast.TypeSpec:
		out[pkg+"."+n.Name.Name] = true
	case *ast.ValueSpec:
		for _, name := range n.Names {
			out[pkg+"."+name.Name] = true
		}
	case *ast.BasicLit:
		if text, err := strconv.Unquote(n.Value); err == nil && goName.MatchString(text) {
			out[text] = true
		}
	}
	return true
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func TestPages_NameFilesThatExist(t *testing.T) {
	t.Parallel()
	checked, missing := 0, []string{}
	for page, text := range pages(t) {
		for _, name := range spans(text) {
			if !ourPath.MatchString(name) {
				continue
			}
			checked++
			found, err := filepath.Glob(filepath.Join(root, name))
			require.NoError(t, err, "%s: %s", page, name)
			if len(found) == 0 {
				missing = append(missing, page+": "+name)
			}
		}
	}
	require.Empty(t, missing, "name files by their path from the root of the repository")
	require.Greater(t, checked, 80)
}

func TestPages_NameGoThatExists(t *testing.T) {
	t.Parallel()
	known := declared(t)
	checked, missing := 0, []string{}
	for page, text := range pages(t) {
		for _, name := range spans(text) {
			owner, _, _ := strings.Cut(name, ".")
			lower := strings.ToLower(owner) == owner
			if !goName.MatchString(name) || lower && !known[owner] { // a package of another module
				continue
			}
			checked++
			if !known[name] {
				missing = append(missing, page+": "+name)
			}
		}
	}
	require.Empty(t, missing, "name what is declared in this repository")
	require.Greater(t, checked, 20)
}
