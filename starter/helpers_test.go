package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ran is what one run of the whole program came to.
type ran struct {
	code        int
	out, errOut string
}

// run runs the whole program in this process. A worker on a busy machine may answer a query later than the program
// waits: it has changed nothing then, and is run again, thrice at most.
func run(t *testing.T, args ...string) ran {
	t.Helper()
	for again := 0; ; again++ {
		got := runOnce(t, args...)
		if !workerIsUp.Load() || !unanswered.MatchString(got.errOut) || again == 3 {
			return got
		}
	}
}

// runOnce is run for those who expect no answer in time. The log of a failed test has what failed.
func runOnce(t *testing.T, args ...string) ran {
	t.Helper()
	var out, errOut bytes.Buffer
	began := time.Now()
	code := Main(t.Context(), args, &out, &errOut)
	if code != exitDone && t.Context().Err() == nil {
		t.Logf("%v: exit code %d after %s: %s", args, code, time.Since(began), errOut.String())
	}
	return ran{code: code, out: out.String(), errOut: errOut.String()}
}

// workerIsUp says that a worker of the running test answers queries. Tests with one do not run side by side.
var workerIsUp atomic.Bool

// unanswered is the error of a program that has waited for Temporal or a worker in vain.
var unanswered = regexp.MustCompile(`(?m)^error: .*(no worker answers on task queue|` +
	`did not answer in time: try again|waiting for a worker to start|temporal does not answer at)`)

// decode reads what a run printed for programs.
func decode[T any](t *testing.T, r ran) T {
	t.Helper()
	var v T
	dec := json.NewDecoder(strings.NewReader(r.out))
	require.NoError(t, dec.Decode(&v), "output: %s\nerrors: %s", r.out, r.errOut)
	return v
}

// environ sets exactly these variables of ours and of Temporal, so that the
// machine's own configuration does not matter. A Temporal that is asked for by
// mistake is not there.
func environ(t *testing.T, values map[string]string) {
	t.Helper()
	ours := []string{
		"SENTINELONE_", "TEMPORAL_", "DATABASE_URL", "TASK_QUEUE", "SYNC_", "LOG_", "PAYLOAD_",
		"POLICY_", "ALLOWED_", "SSH_AUTH_SOCK", "OTEL_",
	}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		for _, prefix := range ours {
			if strings.HasPrefix(name, prefix) && name != "TEMPORAL_CLI" {
				t.Setenv(name, "") // restored after the test
				require.NoError(t, os.Unsetenv(name))
			}
		}
	}
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "none.toml"))
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	for name, value := range values {
		t.Setenv(name, value)
	}
}
