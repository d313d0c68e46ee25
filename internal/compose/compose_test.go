package compose

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/consoletest"
)

const root = "../.."

// load reads docker-compose.yaml as `docker compose` does with these variables.
func load(t *testing.T, environment ...string) *types.Project {
	t.Helper()
	project, err := tryLoad(t, environment...)
	require.NoError(t, err)
	return project
}

func tryLoad(t *testing.T, environment ...string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yaml")},
		cli.WithWorkingDirectory(root), cli.WithEnv(environment), cli.WithProfiles([]string{"*"}))
	require.NoError(t, err)
	return options.LoadProject(t.Context())
}

// passwords are what `make passwords` writes into .env.
func passwords() []string {
	return []string{"POSTGRES_PASSWORD=of-super", "TEMPORAL_DB_PASSWORD=of-temporal", "LEDGER_DB_PASSWORD=of-ledger"}
}

// simulatorEnv reads simulator.env, and adds the passwords.
func simulatorEnv(t *testing.T) []string {
	t.Helper()
	body, err := os.ReadFile("simulator.env")
	require.NoError(t, err)
	out := passwords()
	for line := range strings.Lines(string(body)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	require.NotEmpty(t, out)
	return out
}

func TestCompose_WorkerKnowsEveryVariable(t *testing.T) {
	t.Parallel()
	known := map[string]config.Variable{}
	for _, v := range slices.Concat(config.Variables(), config.TemporalVariables()) {
		known[v.Name] = v
	}
	worker := load(t, simulatorEnv(t)...).Services["worker"]
	require.NotEmpty(t, worker.Environment)
	for name := range worker.Environment {
		require.Contains(t, known, name, "the worker reads no such variable")
		if name != "DATABASE_URL" {
			require.False(t, known[name].Secret, "%s would show in `docker inspect`: use a secret", name)
		}
	}
	for _, name := range []string{
		"SENTINELONE_BASE_URL", "SENTINELONE_API_TOKEN_FILE", "DATABASE_URL", "TEMPORAL_ADDRESS",
	} {
		require.Contains(t, worker.Environment, name)
	}
}

// The token crosses the network in clear text to the simulated console only.
func TestCompose_HTTPForTheSimulatorOnly(t *testing.T) {
	t.Parallel()
	allowed := func(environment ...string) bool {
		set := load(t, environment...).Services["worker"].Environment["SENTINELONE_ALLOW_HTTP"]
		require.NotNil(t, set)
		allow, err := strconv.ParseBool(*set)
		require.NoError(t, err)
		return allow
	}
	require.True(t, allowed(simulatorEnv(t)...))
	require.False(t, allowed(append(simulatorEnv(t), "SENTINELONE_BASE_URL=https://acmeco.sentinelone.net",
		"SENTINELONE_ALLOW_HTTP=")...))
}

// Temporal and the ledger share a server, and no role: each gets its own password only, and
// the superuser's stays with the database.
func TestCompose_RolesOfTheDatabase(t *testing.T) {
	t.Parallel()
	services := load(t, simulatorEnv(t)...).Services
	require.Equal(t, "postgres://ledger:of-ledger@postgres:5432/sentinelone?sslmode=disable",
		*services["worker"].Environment["DATABASE_URL"])
	require.Equal(t, "temporal", *services["temporal"].Environment["POSTGRES_USER"])
	require.Equal(t, "of-temporal", *services["temporal"].Environment["POSTGRES_PWD"])
	require.Equal(t, "temporal", *services["temporal-schema"].Environment["SQL_USER"])
	require.Equal(t, "of-temporal", *services["temporal-schema"].Environment["SQL_PASSWORD"])
	knows := map[string][]string{"of-super": nil, "of-temporal": nil, "of-ledger": nil}
	for name, service := range services {
		for _, value := range service.Environment {
			for password := range knows {
				if value != nil && strings.Contains(*value, password) {
					knows[password] = append(knows[password], name)
				}
			}
		}
	}
	require.ElementsMatch(t, []string{"postgres", "database-roles"}, knows["of-super"])
	require.ElementsMatch(t, []string{"temporal", "temporal-schema", "database-roles"}, knows["of-temporal"])
	require.ElementsMatch(t, []string{"worker", "database-roles"}, knows["of-ledger"])
}

// No password has a default: a missing one is an error that says what to do.
func TestCompose_AsksForEveryPassword(t *testing.T) {
	t.Parallel()
	_, err := tryLoad(t, simulatorEnv(t)...)
	require.NoError(t, err)
	for _, password := range passwords() {
		name, _, _ := strings.Cut(password, "=")
		without := slices.DeleteFunc(simulatorEnv(t), func(v string) bool { return v == password })
		for _, environment := range [][]string{without, append(without, name+"=")} {
			_, err := tryLoad(t, environment...)
			require.ErrorContains(t, err, name)
			require.ErrorContains(t, err, "run `make passwords`")
		}
	}
}

func TestCompose_ImagesArePinned(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.-]+)?$`)
	for name, service := range load(t, simulatorEnv(t)...).Services {
		if service.Build != nil {
			require.Equal(t, "sentinelone-provisioner:local", service.Image, name)
			continue
		}
		require.Regexp(t, pinned, service.Image, name)
	}
}

// Every long-running service has a health check, except the worker: it listens on no
// port, and exits when it fails.
func TestCompose_HealthAndOrder(t *testing.T) {
	t.Parallel()
	services := load(t, simulatorEnv(t)...).Services
	for name, service := range services {
		short := strings.HasPrefix(service.Restart, "on-failure")
		if !short && name != "worker" {
			require.NotNil(t, service.HealthCheck, name)
			require.NotEmpty(t, service.HealthCheck.Test, name)
		}
		for other, dependency := range service.DependsOn {
			require.Contains(t, services, other)
			if dependency.Condition == types.ServiceConditionHealthy {
				require.NotNil(t, services[other].HealthCheck, "%s waits for the health of %s", name, other)
			}
		}
	}
	require.ElementsMatch(t, []string{"database-roles", "temporal-namespace", "console-simulator"},
		slices.Collect(maps.Keys(services["worker"].DependsOn)))
	require.False(t, services["worker"].DependsOn["console-simulator"].Required)
}

func TestCompose_ServicesRunUnprivileged(t *testing.T) {
	t.Parallel()
	services := load(t, simulatorEnv(t)...).Services
	for _, name := range []string{
		"worker", "console-simulator", "postgres", "database-roles", "prometheus", "grafana",
	} {
		s := services[name]
		require.NotEmpty(t, s.User, name)
		require.NotRegexp(t, `^(0|root)(:|$)`, s.User, name)
		require.True(t, s.ReadOnly, name)
	}
	for name, s := range services {
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		require.Equal(t, []string{"no-new-privileges:true"}, s.SecurityOpt, name)
		require.False(t, s.Privileged, name)
	}
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	require.NoError(t, err)
	require.Regexp(t, `(?m)^USER [1-9]\d*:[1-9]\d*$`, string(dockerfile))
	require.NotRegexp(t, `(?m)^FROM .*(:latest\b|golang(\s|$))`, string(dockerfile))
}

// Temporal has no authentication here, so no service may listen on other interfaces.
func TestCompose_PublishesToLoopbackOnly(t *testing.T) {
	t.Parallel()
	for name, service := range load(t, simulatorEnv(t)...).Services {
		for _, port := range service.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, name)
		}
	}
}

func TestCompose_SimulatorAndMonitoringAreOptional(t *testing.T) {
	t.Parallel()
	services := load(t, simulatorEnv(t)...).Services
	profiles := map[string][]string{
		"console-simulator": {"simulator"}, "prometheus": {"monitoring"}, "grafana": {"monitoring"},
	}
	for name, service := range services {
		require.ElementsMatch(t, profiles[name], service.Profiles, name)
	}
	token, err := os.ReadFile("simulator-token")
	require.NoError(t, err)
	require.Equal(t, consoletest.DefaultToken, strings.TrimSpace(string(token)))
}

func TestCompose_NamesMissingVariables(t *testing.T) {
	t.Parallel()
	_, err := tryLoad(t, append(passwords(), "SENTINELONE_API_TOKEN_FILE=./token")...)
	require.ErrorContains(t, err, "SENTINELONE_BASE_URL")
	_, err = tryLoad(t, append(passwords(), "SENTINELONE_BASE_URL=https://acmeco.sentinelone.net")...)
	require.ErrorContains(t, err, "SENTINELONE_API_TOKEN_FILE")
}

// Mounted files must exist: Docker would create a folder instead of a missing file.
func TestCompose_MountedFilesExist(t *testing.T) {
	t.Parallel()
	project := load(t, simulatorEnv(t)...)
	for name, service := range project.Services {
		for _, volume := range service.Volumes {
			if volume.Type == types.VolumeTypeBind {
				require.FileExists(t, volume.Source, name)
			}
		}
	}
	for name, secret := range project.Secrets {
		require.FileExists(t, secret.File, name)
	}
}
