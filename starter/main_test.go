//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const baseURL = "https://acmeco.example.net"

func TestMain_AskedWrongly(t *testing.T) {
	tests := []struct {
		name string
		args string
		env  map[string]string
		want string
	}{
		{"unknown command", "acess", nil, `unknown command "acess": did you mean access?`},
		{"unknown command of a group", "ledger check", nil, "unknown command \"check\": see `starter ledger --help`"},
		{"unknown flag", "sync --colections users", nil, "unknown flag: --colections: see `starter sync --help`"},
		{"unknown output", "version -o yaml", nil, "use table or json"},
		{"argument too many", "status now", nil, "unexpected argument \"now\": see `starter status --help`"},
		{"delta of some collections", "sync --delta --collections users", nil, "--delta covers all collections"},
		{"unknown collection", "sync --collections users,groups", nil, `unknown collection "groups"`},
		{"unknown format", "export --format xml", nil, "use json or csv"},
		{"no time", "access --as-of yesterday", nil, "2026-03-03"},
		{"no time in changes", "changes --since tomorrow", nil, "--since"},
		{"the future", "changes --since 2199-01-01", nil, "--since: 2199-01-01 00:00 UTC is in the future"},
		{"times in the wrong order", "changes --since 1d --until 2d", nil, "is not before"},
		{"two principals", "access --user a --service-user b", nil, "--service-user and --user exclude each other"},
		{"no interval", "schedule --every often", nil, "--every"},
		{"too short an interval", "schedule --every 5s", nil, "too short"},
		{"two wishes", "schedule --every 1h --delete", nil, "--delete and --every exclude each other"},
		{"nothing configured", "check", nil, "SENTINELONE_BASE_URL is not set"},
		{"no scheme", "check", map[string]string{"SENTINELONE_BASE_URL": "acmeco.example.net"}, "no scheme"},
		{
			"http to another machine", "check",
			map[string]string{"SENTINELONE_BASE_URL": "http://acmeco.example.net", "SENTINELONE_API_TOKEN": canary},
			"SENTINELONE_ALLOW_HTTP=true",
		},
		{"a path", "sync", map[string]string{"SENTINELONE_BASE_URL": baseURL + "/web"}, "a path"},
		{
			"blank token", "check",
			map[string]string{"SENTINELONE_BASE_URL": baseURL, "SENTINELONE_API_TOKEN": "  "},
			"SENTINELONE_API_TOKEN is empty",
		},
		{
			"nobody to grant to", "grant --role SOC --scope tenant", nil,
			"missing --user or --service-user: see `starter grant --help`",
		},
		{
			"two to grant to", "grant --user a --service-user b --role SOC --scope tenant", nil,
			"--service-user and --user exclude each other",
		},
		{"no role", "revoke --user a --scope tenant", nil, "missing --role: see `starter revoke --help`"},
		{"no scope", "grant --user a --role SOC", nil, "scope missing"},
		{"a scope nobody knows", "grant --user a --role SOC --scope Berlin", nil, "pass --level account or"},
		{"zero long", "grant --user a --role SOC --scope tenant --for 0h", nil, "must be positive"},
		{
			"two ends", "grant --user a --role SOC --scope tenant --for 1h --until 2h", nil,
			"--for and --until exclude each other: pass one of them",
		},
		{"far ahead", "grant --user a --role SOC --scope tenant --start 400d", nil, "more than 366 days ahead"},
		{"a bad id", "grant --user a --role SOC --scope tenant --id a@b", nil, "no e-mail addresses"},
		{
			"a writer's id for a sync", "sync --id principal/acmeco.sentinelone.net/user/7", nil,
			"ids of workflows of kind principal begin so, and a sync under one would be taken for such a workflow",
		},
		{"a grant's id for a schedule", "schedule --every 1h --id grant/INC-1", nil, "of kind grant begin so"},
		{
			"a writer's id for a grant", "grant --user a --role SOC --scope tenant --id principal/x/user/7", nil,
			"of kind principal begin so",
		},
		{"a grant's id for a revoke", "revoke --user a --role SOC --scope tenant --id grant/1", nil, "of kind grant"},
		{"a sync's id for an offboarding", "offboard --user a --delete --id sync/x", nil, "of kind sync begin so"},
		{"nobody asks", "grant --user a --role SOC --scope tenant --requester= ", nil, "--requester bob@example.com"},
		{"nobody ends", "end INC-1 --by= ", nil, "--by ana@example.com"},
		{"nothing to end", "end", nil, "wrong number of arguments (0): write `starter end ID`"},
		{"extended by nothing", "extend INC-1 --for 0s", nil, "must be positive"},
		{"extended by what", "extend INC-1", nil, "missing --for: "},
		{"below no requests", "requests --limit -1", nil, "--limit: -1 is below 0"},
		{"no head", "ledger verify --head 12", nil, "write SEQ:HASH"},
		{"no file", "apply", nil, "missing --file: "},
		{"a file that is not there", "apply -f /nowhere/access.csv", nil, "no such file"},
		{"nothing at once", "apply -f x --parallel 0", nil, "--parallel: 0 is below 1"},
		{"which console", "sync", nil, "--id"},
		{"no number", "status", map[string]string{"SYNC_MAX_LOSS_PERCENT": "many"}, "SYNC_MAX_LOSS_PERCENT"},
		{"no database address", "access", map[string]string{"DATABASE_URL": "sentinelone.db"}, "DATABASE_URL must be"},
		{
			"unknown profile", "status --id x", map[string]string{"TEMPORAL_PROFILE": "nowhere"}, "TEMPORAL_",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("USER", "ana")
			environ(t, tt.env)
			got := run(t, strings.Fields(tt.args)...)
			require.Equal(t, exitUsage, got.code, got.errOut)
			require.Contains(t, got.errOut, tt.want)
			require.True(t, strings.HasPrefix(got.errOut, "error: "), got.errOut)
			require.Empty(t, got.out)
		})
	}
}

func TestMain_EveryFaultOfTheConfigurationOnItsOwnLine(t *testing.T) {
	environ(t, nil)
	got := run(t, "check")
	require.Equal(t, 2, strings.Count(got.errOut, "error: "), got.errOut)
	require.Contains(t, got.errOut, "error: SENTINELONE_API_TOKEN is not set")
}

// A word that does not disable OpenTelemetry stops no command. Where traces are sent all the same, that is said.
func TestMain_OpenTelemetryIsNotDisabled(t *testing.T) {
	const note = `note: OTEL_SDK_DISABLED is "1": traces are sent`
	for _, traced := range []bool{true, false} {
		vars := map[string]string{"OTEL_SDK_DISABLED": "1", "DATABASE_URL": "sqlite://" + t.TempDir() + "/none.db"}
		if traced {
			vars["OTEL_EXPORTER_OTLP_ENDPOINT"], vars["OTEL_TRACES_SAMPLER"] = "http://localhost:4318", "always_off"
		}
		environ(t, vars)
		got := run(t, "access", "--console", "acmeco.sentinelone.net")
		require.Contains(t, got.errOut, "error: there is no database file", "the command runs")
		require.Equal(t, traced, strings.HasPrefix(got.errOut, note), got.errOut)
	}
}

func TestMain_NobodyDecides(t *testing.T) {
	environ(t, nil)
	got := run(t, "confirm", "--id", "x", "--by", " ")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.errOut, "--by ana@example.com")
}

func TestMain_HelpNamesEveryVariable(t *testing.T) {
	environ(t, nil)
	got := run(t, "--help")
	require.Equal(t, exitDone, got.code)
	for _, v := range everyVariable() {
		require.Contains(t, got.out, "  "+v.Name+" ")
	}
	commands := []string{
		"check", "sync", "status", "access", "changes", "export", "schedule", "completion",
		"grant", "revoke", "end", "extend", "cancel", "apply", "user", "service-user", "offboard",
		"requests", "show", "ledger",
	}
	for _, command := range commands {
		require.Contains(t, got.out, "  "+command+" ")
	}
}

func TestMain_EveryCommandHasAnExample(t *testing.T) {
	t.Parallel()
	for _, cmd := range (&app{}).root().Commands() {
		if cmd.Name() == "version" {
			continue
		}
		require.NotEmpty(t, cmd.Example, cmd.Name())
		require.NotEmpty(t, cmd.Long, cmd.Name())
	}
}

func TestMain_Version(t *testing.T) {
	environ(t, map[string]string{"SYNC_MAX_LOSS_PERCENT": "many"})
	got := run(t, "version")
	require.Equal(t, exitDone, got.code, "an unusable environment is no reason not to answer")
	require.True(t, strings.HasPrefix(got.out, "starter "), got.out)

	b := decode[build](t, run(t, "version", "-o", "json"))
	require.NotEmpty(t, b.Version)
}

func TestMain_Completion(t *testing.T) {
	environ(t, nil)
	got := run(t, "completion", "bash")
	require.Equal(t, exitDone, got.code)
	require.Contains(t, got.out, "starter")

	got = run(t, "__complete", "sync", "--collections", "")
	require.Contains(t, got.out, "serviceUsers")
}

func TestMain_NothingListensWhereTemporalShouldBe(t *testing.T) {
	for _, args := range [][]string{
		{"sync"},
		{"status"},
		{"confirm", "--by", "ana@example.com"},
		{"schedule"},
		{"grant", "--user", "ana@example.com", "--role", "SOC", "--scope", "tenant", "--requester", "bob@example.com"},
		{"end", "INC-1", "--by", "bob@example.com"},
	} {
		environ(t, map[string]string{"SENTINELONE_BASE_URL": baseURL})
		got := run(t, args...)
		require.Equal(t, exitFailed, got.code, args)
		require.Contains(t, got.errOut, "error: temporal does not answer at 127.0.0.1:1")
		require.Contains(t, got.errOut, "TEMPORAL_ADDRESS")
	}
}

func TestMain_NothingSyncedYet(t *testing.T) {
	for _, args := range [][]string{{"access"}, {"changes"}, {"export"}} {
		file := filepath.Join(t.TempDir(), "none.db")
		environ(t, map[string]string{"SENTINELONE_BASE_URL": baseURL, "DATABASE_URL": "sqlite://" + file})
		got := run(t, args...)
		require.Equal(t, exitFailed, got.code, args)
		require.Contains(t, got.errOut, "error: ")
		require.Empty(t, got.out)
		_, err := os.Stat(file)
		require.ErrorIs(t, err, os.ErrNotExist, "a question creates no database")
	}
}
