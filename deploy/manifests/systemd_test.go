package manifests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// units are the services that this repository ships, and the program that each runs.
var units = map[string]string{
	"deploy/systemd/sentinelone-provisioner.service":                        "worker",
	"starter/conductorone/deploy/baton-sentinelone-provisioner.service":     "baton-sentinelone-provisioner",
	"starter/conductorone/deploy/baton-sentinelone-provisioner.service sig": "baton-sentinelone-provisioner",
}

// unit is a service as it is installed, with a program that is there; " sig" behind the name takes in what is commented
// out for a key that signs.
func unit(t *testing.T, name string) string {
	t.Helper()
	path, signing := strings.CutSuffix(name, " sig")
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	program := units[name]
	require.Contains(t, string(text), "\nExecStart=/usr/local/bin/"+program+"\n")
	body := strings.ReplaceAll(string(text), "/usr/local/bin/"+program, "/bin/true")
	if signing {
		optional := regexp.MustCompile(`(?m)^#(LoadCredential=signing-key|Environment=BATON_SIGNING_KEY)`)
		require.Len(t, optional.FindAllString(body, -1), 2)
		body = optional.ReplaceAllString(body, "$1")
	}
	installed := filepath.Join(t.TempDir(), filepath.Base(path))
	require.NoError(t, os.WriteFile(installed, []byte(body), 0o600))
	return installed
}

// systemd finds nothing to say about the units, and rates what they may do as little.
func TestSystemd_Verify(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("systemd-analyze")
	require.NoError(t, err, "install systemd, which has systemd-analyze")
	for name := range units {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			path := unit(t, name)
			output, err := exec.CommandContext(t.Context(), tool, "verify", "--man=no", path).CombinedOutput()
			require.NoError(t, err, "%s", output)
			require.Empty(t, string(output))
			// Of 100; a service without settings has 96.
			output, err = exec.CommandContext(t.Context(), tool, "security", "--no-pager", "--offline=yes",
				"--threshold=20", path).CombinedOutput()
			require.NoError(t, err, "%s", output)
		})
	}
}

// The worker's unit stops as the worker does, does not start again with wrong settings, and names settings that there
// are; secrets are no settings.
func TestSystemd_Worker(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "deploy/systemd/sentinelone-provisioner.service"))
	require.NoError(t, err)
	for _, line := range []string{
		"TimeoutStopSec=90", "RestartPreventExitStatus=2", "DynamicUser=yes",
		"EnvironmentFile=/etc/sentinelone-provisioner/worker.env",
		"LoadCredential=api-token:/etc/sentinelone-provisioner/api-token",
		"Environment=SENTINELONE_API_TOKEN_FILE=%d/api-token",
	} {
		require.Contains(t, string(text), "\n"+line+"\n")
	}
	settings, err := os.ReadFile(filepath.Join(root, "deploy/systemd/worker.env"))
	require.NoError(t, err)
	known, set := knownVariables(t), 0
	for line := range strings.Lines(string(settings) + strings.ReplaceAll(string(text), "\nEnvironment=", "\n=")) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "=")
		name, _, found := strings.Cut(line, "=")
		if !found || strings.ToUpper(name) != name || strings.HasPrefix(line, "#") {
			continue
		}
		require.True(t, known[name], "the worker reads no variable %q", name)
		require.NotEqual(t, "SENTINELONE_API_TOKEN", name)
		set++
	}
	require.Greater(t, set, 8)
}
