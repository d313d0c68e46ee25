package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/policy"
)

const (
	address = "https://acmeco.sentinelone.net"
	canary  = "CANARY-token-7f3a"
)

// setEnv removes all variables of this project from the environment and sets vars.
func setEnv(t *testing.T, vars map[string]string) {
	t.Helper()
	for _, v := range config.Variables() {
		t.Setenv(v.Name, "") // so that the test's end restores it
		require.NoError(t, os.Unsetenv(v.Name))
	}
	for name, value := range vars {
		t.Setenv(name, value)
	}
}

func minimal() map[string]string {
	return map[string]string{"SENTINELONE_BASE_URL": address, "SENTINELONE_API_TOKEN": canary}
}

func with(name, value string) map[string]string {
	vars := minimal()
	vars[name] = value
	return vars
}

func without(name string) map[string]string {
	vars := minimal()
	delete(vars, name)
	return vars
}

func tokenFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// A console's address and a token are enough; all other settings have defaults.
//
//nolint:paralleltest // setEnv changes the environment
func TestLoad_Defaults(t *testing.T) {
	setEnv(t, minimal())
	c, err := config.Load()
	require.NoError(t, err)
	require.Equal(t, address, c.Console.BaseURL)
	require.False(t, c.Console.ReadOnly)
	require.Equal(t, "sqlite://sentinelone.db", c.Store.URL)
	require.Equal(t, config.Worker{
		TaskQueue: "sentinelone", MaxLoss: 25, MinLoss: 10, CheckEvery: 5 * time.Minute,
	}, c.Worker)
	require.Equal(t, config.Capacity{
		Cache: 1000, WorkflowSlots: 100, ActivitySlots: 1000, Pollers: 2, MemoryMiB: 150,
	}, c.Capacity)
	require.Equal(t, config.Telemetry{Level: "info"}, c.Telemetry)
	signers, err := c.Signing.Signers()
	require.NoError(t, err)
	require.Nil(t, signers)
}

//nolint:paralleltest // setEnv changes the environment
func TestLoad_ReadsEveryVariable(t *testing.T) {
	setEnv(t, map[string]string{
		"SENTINELONE_BASE_URL": address + "/", "SENTINELONE_API_TOKEN_FILE": tokenFile(t, canary+"\n"),
		"SENTINELONE_READ_ONLY": "true", "DATABASE_URL": "postgres://localhost/s", "TASK_QUEUE": "mine",
		"SYNC_MAX_LOSS_PERCENT": "50", "SYNC_MAX_LOSS_ROWS": "0", "PAYLOAD_KEYS_FILE": "keys",
		"CONNECTION_CHECK_EVERY": "1m", "SYNC_FULL_EVERY": " 1d ",
		"LOG_LEVEL": "debug", "LOG_FORMAT": "json",
		"ALLOWED_SIGNERS":         "../signing/testdata/allowed_signers",
		"ALLOWED_SIGNERS_REVOKED": "../signing/testdata/revoked",
	})
	c, err := config.Load()
	require.NoError(t, err)
	signers, err := c.Signing.Signers()
	require.NoError(t, err)
	require.NotNil(t, signers)
	require.True(t, c.Console.ReadOnly)
	require.Equal(t, "postgres://localhost/s", c.Store.URL)
	require.Equal(t, config.Worker{
		TaskQueue: "mine", MaxLoss: 50, KeysFile: "keys", CheckEvery: time.Minute, FullEvery: c.Worker.FullEvery,
	}, c.Worker)
	every, err := c.Worker.FullInterval()
	require.NoError(t, err)
	require.Equal(t, 24*time.Hour, every)
	require.Equal(t, config.Telemetry{Level: "debug", Format: "json"}, c.Telemetry)
	source, err := c.Console.TokenSource()
	require.NoError(t, err)
	token, err := source.Token()
	require.NoError(t, err)
	require.Equal(t, canary, token)
	client, err := c.Console.Client("test/1")
	require.NoError(t, err)
	require.Equal(t, "acmeco.sentinelone.net", client.Console())
}

// A simulator on another machine is reached over http where the operator says so.
//
//nolint:paralleltest // setEnv changes the environment
func TestLoad_AllowHTTP(t *testing.T) {
	setEnv(t, map[string]string{
		"SENTINELONE_BASE_URL": "http://console.example.com:8080", "SENTINELONE_API_TOKEN": canary,
		"SENTINELONE_ALLOW_HTTP": "true",
	})
	c, err := config.Load()
	require.NoError(t, err)
	client, err := c.Console.Client("test/1")
	require.NoError(t, err)
	require.Equal(t, "console.example.com:8080", client.Console())
}

// Both names make the worker a version of a deployment; blank ones are unset.
//
//nolint:paralleltest // setEnv changes the environment
func TestLoad_Deployment(t *testing.T) {
	for _, c := range []struct {
		vars                  map[string]string
		versioned             bool
		deployment, wantBuild string
	}{
		{minimal(), false, "", ""},
		{versioned(" ", ""), false, "", ""},
		{versioned("default/provisioner", " 0.6.0-a1b2 "), true, "default/provisioner", "0.6.0-a1b2"},
	} {
		setEnv(t, c.vars)
		got, err := config.Load()
		require.NoError(t, err)
		require.Equal(t, c.versioned, got.Deployment.Versioned())
		name, build := got.Deployment.Version()
		require.Equal(t, c.deployment, name)
		require.Equal(t, c.wantBuild, build)
	}
}

// Workflows take what the release knows that the worker may be rolled back to, and no more.
func TestDeployment_Takes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		to, change string
		want       bool
	}{
		{"", "99.0.0", true},
		{" ", "99.0.0", true},
		{"0.6.0", "", true},
		{"0.6.0", "0.5.0", true},
		{"0.6.0", "0.6.0", true},
		{"0.6.0", "0.6.1", false},
		{"0.9.0", "0.10.0", false},
		{"0.10.0", "0.9.0", true},
		{"0.6.0", "1.0.0", false},
	} {
		require.Equal(t, c.want, config.Deployment{RollbackTo: c.to}.Takes(c.change), "%+v", c)
	}
}

// Each fault names its variable and says what to do; none contains the token.
//
//nolint:paralleltest // setEnv changes the environment
func TestLoad_Faults(t *testing.T) {
	cases := map[string]struct {
		vars map[string]string
		want []string
	}{
		"no address": {without("SENTINELONE_BASE_URL"), []string{"SENTINELONE_BASE_URL is not set", "https://"}},
		"no scheme":  {with("SENTINELONE_BASE_URL", "acmeco.sentinelone.net"), []string{"SENTINELONE_BASE_URL: "}},
		"path": {
			with("SENTINELONE_BASE_URL", address+"/web/api/v2.1"),
			[]string{"SENTINELONE_BASE_URL: ", "has a path", "write only " + address},
		},
		"credentials in address": {
			with("SENTINELONE_BASE_URL", "https://u:"+canary+"@acmeco.sentinelone.net"),
			[]string{"SENTINELONE_BASE_URL: "},
		},
		"http to another machine": {
			with("SENTINELONE_BASE_URL", "http://console.example.com"),
			[]string{"SENTINELONE_BASE_URL: ", "in clear text", "SENTINELONE_ALLOW_HTTP=true"},
		},
		"no token":         {without("SENTINELONE_API_TOKEN"), []string{"SENTINELONE_API_TOKEN is not set", "_FILE"}},
		"empty token":      {with("SENTINELONE_API_TOKEN", ""), []string{"SENTINELONE_API_TOKEN is empty"}},
		"whitespace token": {with("SENTINELONE_API_TOKEN", " \t\n"), []string{"SENTINELONE_API_TOKEN is empty"}},
		"two sinks": {
			map[string]string{
				"SENTINELONE_BASE_URL": address, "SENTINELONE_API_TOKEN": canary,
				"SERVICE_USER_TOKEN_DIR": "tokens", "SERVICE_USER_TOKEN_COMMAND": "/bin/keep",
			},
			[]string{"SERVICE_USER_TOKEN_DIR and SERVICE_USER_TOKEN_COMMAND are both set"},
		},
		"a secret for the token command": {
			with("SERVICE_USER_TOKEN_COMMAND_ENV", "VAULT_ADDR, PGPASSWORD"),
			[]string{"SERVICE_USER_TOKEN_COMMAND_ENV names PGPASSWORD, which is the worker's own"},
		},
		"the keys of payloads for the token command": {
			with("SERVICE_USER_TOKEN_COMMAND_ENV", "PAYLOAD_KEYS_FILE"),
			[]string{"SERVICE_USER_TOKEN_COMMAND_ENV names PAYLOAD_KEYS_FILE"},
		},
		"the key of the collector for the token command": {
			with("SERVICE_USER_TOKEN_COMMAND_ENV", "OTEL_EXPORTER_OTLP_HEADERS"),
			[]string{"SERVICE_USER_TOKEN_COMMAND_ENV names OTEL_EXPORTER_OTLP_HEADERS"},
		},
		"two tokens": {with("SENTINELONE_API_TOKEN_FILE", "/etc/token"), []string{"both set"}},
		"no boolean": {
			with("SENTINELONE_READ_ONLY", "perhaps"),
			[]string{`SENTINELONE_READ_ONLY: "perhaps" is not a boolean (true or false)`},
		},
		"no number": {
			with("SYNC_MAX_LOSS_PERCENT", "25%"), []string{`SYNC_MAX_LOSS_PERCENT: "25%" is not a whole number`},
		},
		"no duration": {
			with("CONNECTION_CHECK_EVERY", "often"),
			[]string{`CONNECTION_CHECK_EVERY: "often" is not a duration, such as 5m`},
		},
		"checks too often": {
			with("CONNECTION_CHECK_EVERY", "59s"),
			[]string{"CONNECTION_CHECK_EVERY is 59s: set it to a pause from 1m to 10m, or to 0"},
		},
		"checks too rare": {
			with("CONNECTION_CHECK_EVERY", "11m"), []string{"CONNECTION_CHECK_EVERY is 11m0s: set it to a pause"},
		},
		"share of 0":     {with("SYNC_MAX_LOSS_PERCENT", "0"), []string{"SYNC_MAX_LOSS_PERCENT is 0", "1 to 100"}},
		"share of 101":   {with("SYNC_MAX_LOSS_PERCENT", "101"), []string{"SYNC_MAX_LOSS_PERCENT is 101"}},
		"negative rows":  {with("SYNC_MAX_LOSS_ROWS", "-1"), []string{"SYNC_MAX_LOSS_ROWS is -1", "0 or more"}},
		"short interval": {with("SYNC_FULL_EVERY", "59s"), []string{"SYNC_FULL_EVERY: 59s is too short: use 1m0s"}},
		"short delta":    {with("SYNC_DELTA_EVERY", "59s"), []string{"SYNC_DELTA_EVERY: 59s is too short: use 1m0s"}},
		"no interval":    {with("SYNC_FULL_EVERY", "daily"), []string{"SYNC_FULL_EVERY: invalid duration"}},
		"blank queue":    {with("TASK_QUEUE", "  "), []string{"TASK_QUEUE is empty"}},
		"other database": {with("DATABASE_URL", "mysql://localhost/s"), []string{"must be sqlite://FILE"}},
		"no file":        {with("DATABASE_URL", "sqlite://"), []string{"DATABASE_URL must be"}},
		"unknown level":  {with("LOG_LEVEL", "loud"), []string{`LOG_LEVEL is "loud"`, "debug, info, warn or error"}},
		"unknown format": {with("LOG_FORMAT", "xml"), []string{`LOG_FORMAT is "xml"`, "console or json"}},
		"missing file":   {fileOnly("/nonexistent/it"), []string{"SENTINELONE_API_TOKEN_FILE: ", "/nonexistent/it"}},
		"no signers' file": {
			with("ALLOWED_SIGNERS", "/nonexistent/signers"),
			[]string{"ALLOWED_SIGNERS: /nonexistent/signers: cannot be read"},
		},
		"other mode of signatures": {
			with("SIGNATURES", "yes"), []string{`SIGNATURES is "yes": set it to optional or required`},
		},
		"required without signers": {
			with("SIGNATURES", "required"),
			[]string{"SIGNATURES is required, but ALLOWED_SIGNERS is not set: set it to a file"},
		},
		"revoked alone": {
			with("ALLOWED_SIGNERS_REVOKED", "../signing/testdata/revoked"), []string{"but ALLOWED_SIGNERS is not"},
		},
		"deployment without a build": {
			with("TEMPORAL_DEPLOYMENT_NAME", "provisioner"),
			[]string{"TEMPORAL_WORKER_BUILD_ID is not set", "set both, or unset both"},
		},
		"build without a deployment": {
			with("TEMPORAL_WORKER_BUILD_ID", "0.6.0"),
			[]string{"TEMPORAL_DEPLOYMENT_NAME is not set", "set both, or unset both"},
		},
		"deployment with a dot":   {versioned("acme.provisioner", "0.6.0"), []string{"contains a dot or a colon"}},
		"deployment with a colon": {versioned("acme:provisioner", "0.6.0"), []string{"contains a dot or a colon"}},
		"build of Temporal's own": {versioned("provisioner", "__unversioned__"), []string{"BUILD_ID begins with __"}},
		"build without an end":    {versioned("provisioner", strings.Repeat("x", 481)), []string{"is 481 bytes long"}},
		"deployment without an end": {
			versioned(strings.Repeat("x", 481), "0.6.0"), []string{"TEMPORAL_DEPLOYMENT_NAME is 481 bytes long"},
		},
		"rollback to no release": {with("ROLLBACK_TO", "v0.6"), []string{`ROLLBACK_TO is "v0.6"`, "such as 0.6.0"}},
		"rollback too far":       {with("ROLLBACK_TO", "0.4.9"), []string{`ROLLBACK_TO is "0.4.9"`, "from 0.5.0 on"}},
		"file of nothing":        {fileOnly(tokenFile(t, " \n")), []string{"SENTINELONE_API_TOKEN_FILE: ", "empty"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			setEnv(t, c.vars)
			requireOneFault(t, c.want)
		})
	}
}

// requireOneFault requires that the environment has a fault, in one line with these texts and without the token.
func requireOneFault(t *testing.T, texts []string) {
	t.Helper()
	_, err := config.Load()
	require.Error(t, err)
	for _, want := range texts {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), canary)
	require.Len(t, strings.Split(err.Error(), "\n"), 1, "one fault, one line: %v", err)
}

func versioned(name, build string) map[string]string {
	vars := with("TEMPORAL_DEPLOYMENT_NAME", name)
	vars["TEMPORAL_WORKER_BUILD_ID"] = build
	return vars
}

func fileOnly(path string) map[string]string {
	vars := without("SENTINELONE_API_TOKEN")
	vars["SENTINELONE_API_TOKEN_FILE"] = path
	return vars
}

// Load reports all faults at once.
//
//nolint:paralleltest // setEnv changes the environment
func TestLoad_AllFaultsInOneError(t *testing.T) {
	setEnv(t, map[string]string{
		"SENTINELONE_READ_ONLY": "perhaps", "DATABASE_URL": "x", "TASK_QUEUE": " ",
		"SYNC_MAX_LOSS_PERCENT": "-3", "SYNC_MAX_LOSS_ROWS": "many", "LOG_LEVEL": "loud", "LOG_FORMAT": "xml",
	})
	_, err := config.Load()
	for _, name := range []string{
		"SENTINELONE_BASE_URL", "SENTINELONE_API_TOKEN", "SENTINELONE_READ_ONLY", "DATABASE_URL", "TASK_QUEUE",
		"SYNC_MAX_LOSS_PERCENT", "SYNC_MAX_LOSS_ROWS", "LOG_LEVEL", "LOG_FORMAT",
	} {
		require.ErrorContains(t, err, name)
	}
}

// Without allowed signers names are claims, and the settings say so; SIGNATURES=required is
// content once there are signers.
//
//nolint:paralleltest // setEnv changes the environment
func TestLoad_Signatures(t *testing.T) {
	setEnv(t, minimal())
	c, err := config.Load()
	require.NoError(t, err)
	require.False(t, c.Signing.Required())
	require.Contains(t, c.Signing.Unverified(), "ALLOWED_SIGNERS is not set: names are claims")
	require.Contains(t, c.Signing.Unverified(), "one person can be the requester, both approvers and the reviewer")

	vars := with("ALLOWED_SIGNERS", "../signing/testdata/allowed_signers")
	vars["SIGNATURES"] = "required"
	setEnv(t, vars)
	c, err = config.Load()
	require.NoError(t, err)
	require.True(t, c.Signing.Required())
	require.Empty(t, c.Signing.Unverified())

	setEnv(t, with("SIGNATURES", "required"))
	c, err = config.LoadUnchecked()
	require.NoError(t, err)
	require.True(t, c.Signing.Required(), "a command insists on a key though it has no file of signers")
}

// Load reports every fault of the policy file, with its line.
//
//nolint:paralleltest // setEnv changes the environment
func TestLoad_Policy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(path, []byte("rules:\n  - {name: all, autoApprove: true}\n"), 0o600))
	setEnv(t, with("POLICY_FILE", path))
	c, err := config.Load()
	require.NoError(t, err)
	p, err := c.Worker.LoadPolicy()
	require.NoError(t, err)
	require.Equal(t, path, p.Name())

	require.NoError(t, os.WriteFile(path, []byte("rule: []\nrules:\n  - {name: all}\n"), 0o600))
	_, err = config.Load()
	require.EqualError(t, err, "POLICY_FILE: "+path+`:1: unknown key "rule" in the policy: `+
		"the keys are timezone, groups, rules, separationOfDuties, drift\nPOLICY_FILE: "+path+
		`:3: rule "all" decides nothing: add deny, autoApprove or approvals`)

	setEnv(t, with("POLICY_FILE", path+".none"))
	_, err = config.Load()
	require.ErrorContains(t, err, "POLICY_FILE: cannot read the policy: ")
	require.ErrorIs(t, err, os.ErrNotExist)

	setEnv(t, minimal())
	c, err = config.Load()
	require.NoError(t, err)
	p, err = c.Worker.LoadPolicy()
	require.NoError(t, err)
	require.Equal(t, policy.BuiltIn().Hash(), p.Hash())
}

// Load reports every fault of the key files, with its line.
//
//nolint:paralleltest // setEnv changes the environment
func TestLoad_SignerFaults(t *testing.T) {
	allowed := tokenFile(t, "carol@example.com\n# fine\ndave@example.com cert-authority x y\n")
	revoked := tokenFile(t, "z")
	vars := with("ALLOWED_SIGNERS", allowed)
	vars["ALLOWED_SIGNERS_REVOKED"] = revoked
	setEnv(t, vars)
	_, err := config.Load()
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 3)
	require.Contains(t, lines[0], "ALLOWED_SIGNERS: "+allowed+": line 1: it has no key")
	require.Contains(t, lines[1], "ALLOWED_SIGNERS: "+allowed+": line 3: cert-authority is not supported")
	require.Contains(t, lines[2], "ALLOWED_SIGNERS_REVOKED: "+revoked+": line 1: it has no key")
}

// A deployment may pass an empty token along with the file.
//
//nolint:paralleltest // setEnv changes the environment
func TestLoad_EmptyTokenBesideTokenFile(t *testing.T) {
	vars := fileOnly(tokenFile(t, canary))
	vars["SENTINELONE_API_TOKEN"] = ""
	setEnv(t, vars)
	_, err := config.Load()
	require.NoError(t, err)
}

// A command that needs the database only does not fail for a missing token.
func TestLoadUnchecked_ChecksTypesOnly(t *testing.T) {
	setEnv(t, map[string]string{"DATABASE_URL": "sqlite://x.db"})
	c, err := config.LoadUnchecked()
	require.NoError(t, err)
	require.NoError(t, c.Store.Validate())
	require.Error(t, c.Console.Validate())
	_, err = c.Console.Client("test/1")
	require.ErrorContains(t, err, "SENTINELONE_BASE_URL is not set")

	t.Setenv("SYNC_MAX_LOSS_ROWS", "many")
	_, err = config.LoadUnchecked()
	require.EqualError(t, err, `SYNC_MAX_LOSS_ROWS: "many" is not a whole number`)
}

// No way of printing the settings prints the token.
//
//nolint:paralleltest // setEnv changes the environment
func TestSecret_NeverPrints(t *testing.T) {
	setEnv(t, minimal())
	c, err := config.Load()
	require.NoError(t, err)
	var text strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{c, &c, c.Console, c.Console.Token, &c.Console.Token, struct{ c config.Config }{c}} {
			fmt.Fprintf(&text, verb+"\n", value)
		}
	}
	asJSON, err := json.Marshal([]any{c})
	require.NoError(t, err)
	text.Write(asJSON)
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&text, nil), slog.NewTextHandler(&text, nil)} {
		slog.New(handler).InfoContext(t.Context(), "settings", "token", c.Console.Token, "all", c)
	}
	require.NotContains(t, text.String(), canary)
	require.NotContains(t, text.String(), fmt.Sprintf("%x", canary))
	require.Contains(t, text.String(), "[redacted]")
}

// --help, the README and the compose check come from this list, so each field must be
// in it with a meaning.
func TestVariables_CompleteAndUnique(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	var secrets []string
	for _, v := range slices.Concat(config.Variables(), config.TemporalVariables(), config.NetworkVariables(),
		config.TracingVariables()) {
		require.NotEmpty(t, v.Help, v.Name)
		require.Equal(t, strings.ToUpper(v.Name), v.Name)
		require.False(t, seen[v.Name], v.Name)
		seen[v.Name] = true
		if v.Secret {
			secrets = append(secrets, v.Name)
			require.Empty(t, v.Default, v.Name)
		}
	}
	for _, name := range []string{
		"SENTINELONE_BASE_URL", "SENTINELONE_API_TOKEN", "SENTINELONE_API_TOKEN_FILE", "SENTINELONE_READ_ONLY",
		"DATABASE_URL", "TASK_QUEUE", "LOG_LEVEL", "LOG_FORMAT", "TEMPORAL_ADDRESS",
	} {
		require.True(t, seen[name], name)
	}
	require.Equal(t, []string{
		"SENTINELONE_API_TOKEN", "NOTIFY_WEBHOOK_URL", "NOTIFY_WEBHOOK_SECRET", "NOTIFY_SLACK_URL", "NOTIFY_SMTP_URL",
		"TEMPORAL_API_KEY", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
	}, secrets)
}
