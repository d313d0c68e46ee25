package docs_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"sentinelone-provisioner/internal/telemetry"
)

const monitoring = "deploy/monitoring"

// alertRule is a rule of Prometheus, with the fields that ours have.
type alertRule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func alertRules(t *testing.T) []alertRule {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string      `yaml:"name"`
			Rules []alertRule `yaml:"rules"`
		} `yaml:"groups"`
	}
	in := yaml.NewDecoder(strings.NewReader(read(t, monitoring+"/alerts.yaml")))
	in.KnownFields(true)
	require.NoError(t, in.Decode(&file))
	require.Len(t, file.Groups, 1)
	return file.Groups[0].Rules
}

// dashboardExprs are the queries of the dashboard.
func dashboardExprs(t *testing.T) (out []string) {
	t.Helper()
	var file struct {
		Panels []struct {
			ID      int    `json:"id"`
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, monitoring+"/dashboard.json")), &file))
	var ids []int
	for _, p := range file.Panels {
		require.NotContains(t, ids, p.ID, p.Title)
		ids = append(ids, p.ID)
		for _, q := range p.Targets {
			require.Contains(t, q.Expr, `{console=~"$console"}`, p.Title)
			out = append(out, q.Expr)
		}
	}
	require.Greater(t, len(out), 20)
	return out
}

// promtool runs Prometheus' tool in the folder of the rules.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	require.NoError(t, err, "install Prometheus (Debian: apt-get install prometheus)")
	command := exec.CommandContext(t.Context(), tool, args...)
	command.Dir = filepath.Join(root, monitoring)
	said, err := command.CombinedOutput()
	require.NoError(t, err, string(said))
}

// Prometheus takes the rules, and each fires for what it is about and is silent for what only resembles it.
func TestAlerts_Promtool(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", "alerts.yaml")
	promtool(t, "test", "rules", "alerts_test.yaml")
	tests := read(t, monitoring+"/alerts_test.yaml")
	for _, r := range alertRules(t) {
		require.Contains(t, tests, "name: "+r.Alert+" fires\n")
		require.Contains(t, tests, "name: "+r.Alert+" is silent\n")
	}
}

// Each alert names a section of the runbook, and the section names the alert.
func TestAlerts_HaveARunbook(t *testing.T) {
	t.Parallel()
	runbook, named := read(t, "docs/runbook.md"), 0
	sections := map[string]string{}
	for section := range strings.SplitSeq(runbook, "\n## ") {
		title, _, _ := strings.Cut(section, "\n")
		for anchor := range anchors("# " + title) {
			sections[anchor] = section
		}
	}
	for _, r := range alertRules(t) {
		page, anchor, _ := strings.Cut(r.Annotations["runbook"], "#")
		require.Equal(t, "docs/runbook.md", page, r.Alert)
		require.Contains(t, sections[anchor], "`"+r.Alert+"`", r.Alert)
		require.NotEmpty(t, r.Annotations["summary"], r.Alert)
		require.NotEmpty(t, r.Annotations["description"], r.Alert)
		require.Contains(t, []string{"critical", "warning"}, r.Labels["severity"], r.Alert)
		named++
	}
	require.Len(t, regexp.MustCompile("`SentinelOne[A-Z]\\w+`").FindAllString(runbook, -1), named,
		"the runbook names each alert once, and none that does not exist")
}

// The dashboard's queries are right, and rules and dashboard are about metrics that exist: ours are in the catalog, and
// internal/e2e/metrics_test.go compares all of them with what a worker prints.
func TestDashboard_Queries(t *testing.T) {
	t.Parallel()
	rules := []string{"groups: [{name: dashboard, rules: ["}
	for _, e := range dashboardExprs(t) {
		e = strings.NewReplacer("$__rate_interval", "5m", "$console", ".*").Replace(e)
		rules = append(rules, "  {record: x, expr: '"+e+"'},")
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(append(rules, "]}]"), "\n")), 0o600))
	promtool(t, "check", "rules", "--lint=none", file)

	var known []string
	for _, m := range telemetry.Catalog() {
		known = append(known, m.Name)
	}
	shown := map[string]bool{}
	for _, text := range []string{read(t, monitoring+"/alerts.yaml"), read(t, monitoring+"/dashboard.json")} {
		for _, name := range regexp.MustCompile(`\bsentinelone_\w+`).FindAllString(text, -1) {
			name = strings.TrimSuffix(name, "_bucket")
			require.Contains(t, known, name)
			shown[name] = true
		}
	}
	for _, name := range known {
		require.True(t, shown[name], "no panel and no alert shows %s", name)
	}
	require.True(t, slices.IsSorted(known))
}
