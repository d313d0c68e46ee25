// Package docs_test looks after the pages: that they hold together, and name what there is.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
)

const root = ".."

func read(t *testing.T, path string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(body)
}

// pages are all texts for people, by their path from the root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, path := range []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md"} {
		out[path] = read(t, path)
	}
	require.NoError(t, fs.WalkDir(os.DirFS(root), "docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			out[path] = read(t, path)
		}
		return err
	}))
	return out
}

var (
	code      = regexp.MustCompile("(?ms)^```.*?^```$")
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading   = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noAnchor  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	person    = regexp.MustCompile(`[\w.+-]+@example\.com`)
	household = regexp.MustCompile(`^(ana|bob|carol|ana\+soc|lead\d|soc-lead)@example\.com$`)
)

// anchors are what a link may end in, made as GitHub makes them.
func anchors(page string) map[string]bool {
	out := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(code.ReplaceAllString(page, ""), -1) {
		text := noAnchor.ReplaceAllString(strings.ToLower(h[1]), "")
		out[strings.ReplaceAll(text, " ", "-")] = true
	}
	return out
}

func TestPages_LinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	all, followed := pages(t), 0
	for path, page := range all {
		for _, l := range link.FindAllStringSubmatch(code.ReplaceAllString(page, ""), -1) {
			if strings.Contains(l[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(l[1], "#")
			target := path
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(path), file))
			}
			require.FileExists(t, filepath.Join(root, target), "%s: %s", path, l[1])
			if anchor != "" {
				require.True(t, anchors(all[target])[anchor], "%s: %s", path, l[1])
			}
			followed++
		}
	}
	require.Greater(t, followed, 50)
}

func TestPages_NoMarksOfAJoin(t *testing.T) {
	t.Parallel()
	for path, page := range pages(t) {
		require.NotRegexp(t, `(?m)^(<{7}|={7}|>{7})`, page, path)
	}
}

func TestPages_PeopleOfTheHouse(t *testing.T) {
	t.Parallel()
	for path, page := range pages(t) {
		for _, who := range person.FindAllString(page, -1) {
			require.Regexp(t, household, strings.ToLower(who), path)
		}
	}
}

func TestDecisions_AreListedOnce(t *testing.T) {
	t.Parallel()
	list := read(t, "docs/adr/README.md")
	for path := range pages(t) {
		if name := filepath.Base(path); filepath.Dir(path) == "docs/adr" && name != "README.md" {
			require.Equal(t, 1, strings.Count(list, "("+name+")"), name)
		}
	}
}

// The tables of the architecture are complete.
func TestArchitecture_NamesEverything(t *testing.T) {
	t.Parallel()
	named := []string{}
	packages, err := os.ReadDir(filepath.Join(root, "internal"))
	require.NoError(t, err)
	for _, p := range packages {
		named = append(named, "internal/"+p.Name())
	}
	migrations, err := filepath.Glob(filepath.Join(root, "internal/store/migrations/sqlite/*.sql"))
	require.NoError(t, err)
	require.NotEmpty(t, migrations)
	for _, path := range migrations {
		body, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, made := range regexp.MustCompile(`CREATE TABLE (\w+)`).FindAllStringSubmatch(string(body), -1) {
			named = append(named, made[1])
		}
	}
	page := read(t, "docs/architecture.md")
	missing := slices.DeleteFunc(named, func(name string) bool { return strings.Contains(page, "`"+name+"`") })
	require.Empty(t, missing)
}

// The README promises nothing that docs/security.md does not say the limits of, and each
// setting that holds a secret is in it.
func TestSecurity_HasEveryPromiseAndSecret(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/security.md")
	promises := regexp.MustCompile(`(?m)^- \*\*(.+?)\.?\*\*`).FindAllStringSubmatch(read(t, "README.md"), -1)
	require.NotEmpty(t, promises)
	for _, p := range promises {
		require.Contains(t, page, "\n| "+p[1]+" | ", "a row for this promise")
	}
	for _, v := range slices.Concat(config.Variables(), config.TemporalVariables()) {
		if v.Secret || strings.HasSuffix(v.Name, "_FILE") && v.Name != "TEMPORAL_CONFIG_FILE" {
			require.Contains(t, page, "`"+v.Name+"`", "say how it is protected")
		}
	}
	require.Contains(t, strings.Join(strings.Fields(read(t, "README.md")), " "),
		"names are claims: one person can be the requester, both approvers and the reviewer")
}
