package config_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
)

// programs are built once, when the first test needs them.
var programs = sync.OnceValues(func() (testbed.Programs, error) {
	return testbed.Build(context.Background(), programDir)
})

// programDir is removed at the end of all tests.
var programDir string

func TestMain(m *testing.M) { os.Exit(withPrograms(m)) }

func withPrograms(m *testing.M) int {
	dir, err := os.MkdirTemp("", "config-programs")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	programDir = dir
	return m.Run()
}

const (
	// password stands in URLs, and token is the API token: no output holds either.
	password = "CANARYpw7"
	token    = "CANARY-token-7f3a-in-no-output"

	// hangs is how long a program may take. It is for machines under load.
	hangs = 2 * time.Minute
	// workerRuns is what the worker logs once it has accepted its settings and tries to reach the
	// Temporal that these tests do not have.
	workerRuns = "Temporal is unreachable: retrying"
)

// place is a console and a folder for the programs of one test.
type place struct {
	console *consoletest.Server
	dir     string
}

func newPlace(t *testing.T) place {
	t.Helper()
	return place{console: consoletest.Start(t, consoletest.Options{Token: token}), dir: t.TempDir()}
}

// env is a configuration that works, with changes; a value of "-" removes a variable.
func (p place) env(changes map[string]string) []string {
	vars := map[string]string{
		"SENTINELONE_BASE_URL": p.console.URL, "SENTINELONE_API_TOKEN": token,
		"DATABASE_URL": "sqlite://" + filepath.Join(p.dir, "store.db"), "TEMPORAL_ADDRESS": "127.0.0.1:1",
		"TEMPORAL_CONFIG_FILE": filepath.Join(p.dir, "none.toml"), "USER": "ana",
	}
	maps.Copy(vars, changes)
	var out []string
	for name, value := range vars {
		if value != "-" {
			out = append(out, name+"="+value)
		}
	}
	return out
}

// inDir are the arguments of a shell that becomes the program, in the folder of the place: a default
// names a file in the working directory.
func (p place) inDir(program string, args ...string) []string {
	return append([]string{"-c", `cd "$0" && exec "$@"`, p.dir, program}, args...)
}

// outcome is what became of one run.
type outcome struct {
	code int
	out  string
	runs bool // the worker accepted its settings
}

// worker runs the real program until it accepts its settings, and then stops it, or until it ends.
func (p place) worker(t *testing.T, changes map[string]string) outcome {
	t.Helper()
	built, err := programs()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), hangs)
	defer cancel()
	var out testbed.Output
	process, err := testbed.StartProcess(&out, p.env(changes), "/bin/sh", p.inDir(built.Worker)...)
	require.NoError(t, err)
	go func() {
		<-process.Done()
		cancel() // nothing more comes
	}()
	runs := out.WaitFor(ctx, workerRuns, 1) == nil
	if !runs {
		select {
		case <-process.Done():
		default:
			process.Kill()
			require.Fail(t, "the worker hangs", "%v\n%s", changes, out.Tail())
		}
	}
	code, err := process.Stop(hangs)
	require.NoError(t, err)
	return outcome{code: code, out: out.String(), runs: runs}
}

// starter runs a command of the real program to its end.
func (p place) starter(t *testing.T, changes map[string]string, args ...string) outcome {
	t.Helper()
	built, err := programs()
	require.NoError(t, err)
	var out testbed.Output
	process, err := testbed.StartProcess(&out, p.env(changes), "/bin/sh", p.inDir(built.Starter, args...)...)
	require.NoError(t, err)
	select {
	case <-process.Done():
	case <-time.After(hangs):
		process.Kill()
		require.Fail(t, "starter hangs", "%v %v\n%s", args, changes, out.Tail())
	}
	code, err := process.Stop(hangs)
	require.NoError(t, err)
	return outcome{code: code, out: out.String()}
}

// strange are the ways in which a value comes out wrong.
func strange(v config.Variable) map[string]string {
	valid := v.Default
	if valid == "" {
		valid = "x"
	}
	return map[string]string{
		"blank": "", "spaces": "   ", "mark": "\ufeff" + valid, "around": " " + valid + "\r\n",
		"quotes": `"` + valid + `"`, "half quoted": `'` + valid,
		"another scheme": "gopher://u:" + password + "@127.0.0.1:1/x",
		"bare password":  "postgres://u:12/" + password + "@127.0.0.1:1/x",
		"a path":         "/proc/self/nowhere", "a folder": "/proc", "huge": strings.Repeat(password, 10_000),
		"long": strings.Repeat("x/", 5_000), "control": "a\x1b[31m" + password, "two lines": "x\n" + password,
		"not UTF-8": "x\xff",
	}
}

func everyVariable() []config.Variable {
	return slices.Concat(config.Variables(), config.TemporalVariables(), config.NetworkVariables(),
		config.TracingVariables())
}

// Every variable takes every strange value: it works, or it is a sentence that names the variable,
// and exit 2. Nothing hangs, nothing crashes, and nothing shows a secret.
//
//nolint:gocognit // each case is one line
func TestPrograms_StrangeValues(t *testing.T) {
	t.Parallel()
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(collector.Close) // after the tests below, which are parallel
	for _, v := range everyVariable() {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			for what, value := range strange(v) {
				changes := map[string]string{v.Name: value}
				if strings.HasPrefix(v.Name, "OTEL_") { // else nothing is traced, and nothing can be wrong
					changes = map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, v.Name: value}
				}
				if v.Name == "SENTINELONE_API_TOKEN_FILE" {
					changes["SENTINELONE_API_TOKEN"] = "-"
				}
				for program, got := range map[string]outcome{
					"worker": p.worker(t, changes), "starter check": p.starter(t, changes, "check"),
				} {
					require.NotContains(t, got.out, password, "%s, %s", program, what)
					require.NotContains(t, got.out, token, "%s, %s", program, what)
					require.NotContains(t, got.out, "goroutine ", "%s, %s", program, what)
					require.Less(t, len(got.out), 20_000, "%s, %s", program, what)
					if got.code == 2 {
						require.Contains(t, got.out, v.Name, "%s, %s", program, what)
						continue
					}
					if got.code == 1 && v.Name == "SENTINELONE_API_TOKEN" { // any word may be one: the console judges
						require.Contains(t, got.out, "401 Authentication Failed", "%s, %s", program, what)
						continue
					}
					if program == "starter check" { // it ends as with a good configuration
						require.Zero(t, got.code, "%s, %s: %s", program, what, got.out)
					} else {
						require.True(t, got.runs, "%s, %s: exit %d: %s", program, what, got.code, got.out)
						require.Zero(t, got.code, "%s, %s: %s", program, what, got.out)
					}
				}
			}
		})
	}
}

// A wrong setting of traces stops both programs before they do anything.
func TestPrograms_Tracing(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318", "OTEL_BSP_MAX_QUEUE_SIZE": "-1",
		"OTEL_EXPORTER_OTLP_HEADERS": password, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
	} {
		changes := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
		changes[name] = value
		for program, got := range map[string]outcome{
			"worker": p.worker(t, changes), "starter": p.starter(t, changes, "check"),
		} {
			require.Equal(t, 2, got.code, "%s, %s: %s", program, name, got.out)
			require.Contains(t, got.out, name)
			require.NotContains(t, got.out, password)
			require.Equal(t, 1, strings.Count(got.out, "OTEL_"), "%s: one sentence: %s", program, got.out)
		}
	}
}
