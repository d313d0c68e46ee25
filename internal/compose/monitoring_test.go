package compose

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const monitoring = root + "/deploy/monitoring/"

// decodeStrictly decodes a file of deploy/monitoring, and fails for what the target does not know.
func decodeStrictly(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.Open(monitoring + file)
	require.NoError(t, err)
	defer func() { require.NoError(t, text.Close()) }()
	decoder := yaml.NewDecoder(text)
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(into))
}

// target returns where a service mounts a file of deploy/monitoring.
func target(t *testing.T, service, file string) string {
	t.Helper()
	for _, v := range load(t, simulatorEnv(t)...).Services[service].Volumes {
		if filepath.Base(v.Source) == file {
			require.True(t, v.ReadOnly, file)
			return v.Target
		}
	}
	require.Fail(t, "not mounted", "%s: %s", service, file)
	return ""
}

// Prometheus' own tool accepts the configuration, which scrapes the worker where it serves metrics.
func TestMonitoring_Prometheus(t *testing.T) {
	t.Parallel()
	services := load(t, simulatorEnv(t)...).Services
	require.Contains(t, services["prometheus"].Command, "--config.file="+target(t, "prometheus", "prometheus.yaml"))
	text, err := os.ReadFile(monitoring + "prometheus.yaml")
	require.NoError(t, err)
	rules, err := filepath.Abs(monitoring + "alerts.yaml")
	require.NoError(t, err)
	mounted := target(t, "prometheus", "alerts.yaml")
	require.Contains(t, string(text), mounted)
	here := filepath.Join(t.TempDir(), "prometheus.yaml")
	require.NoError(t, os.WriteFile(here, []byte(strings.ReplaceAll(string(text), mounted, rules)), 0o600))
	output, err := exec.CommandContext(t.Context(), "promtool", "check", "config", here).CombinedOutput()
	require.NoError(t, err, "%s", output)

	require.Equal(t, "0.0.0.0:9464", *services["worker"].Environment["METRICS_ADDRESS"])
	require.Contains(t, string(text), "names: [worker]")
	require.Contains(t, string(text), "port: 9464")
}

// Grafana finds Prometheus and the dashboard, and gives nobody an account.
func TestMonitoring_Grafana(t *testing.T) {
	t.Parallel()
	services := load(t, simulatorEnv(t)...).Services
	var sources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name, Type, Access, URL string
			IsDefault               bool `yaml:"isDefault"`
		}
	}
	decodeStrictly(t, "grafana-datasource.yaml", &sources)
	require.Len(t, sources.Datasources, 1)
	require.Equal(t, "prometheus", sources.Datasources[0].Type)
	require.Equal(t, "http://prometheus:9090", sources.Datasources[0].URL)
	var boards struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Type     string
			AllowUIUpdates bool `yaml:"allowUiUpdates"`
			Options        struct{ Path string }
		}
	}
	decodeStrictly(t, "grafana-dashboards.yaml", &boards)
	require.Equal(t, boards.Providers[0].Options.Path, filepath.Dir(target(t, "grafana", "dashboard.json")))
	for file, dir := range map[string]string{
		"grafana-datasource.yaml": "datasources", "grafana-dashboards.yaml": "dashboards",
	} {
		require.Equal(t, "/etc/grafana/provisioning/"+dir, filepath.Dir(target(t, "grafana", file)))
	}
	for name, want := range map[string]string{
		"GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer", "GF_AUTH_BASIC_ENABLED": "false",
		"GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
	} {
		require.Equal(t, want, *services["grafana"].Environment[name])
	}
}
