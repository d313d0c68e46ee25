package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// builtPrograms returns options that name the programs built by `make test`; without them it
// skips the test, or fails it in CI.
func builtPrograms(t *testing.T) options {
	t.Helper()
	bin, err := filepath.Abs("../../bin")
	require.NoError(t, err)
	o := options{bin: bin, temporal: os.Getenv("TEMPORAL_CLI")}
	missing := ""
	for _, program := range []string{"worker", "starter", "console-simulator"} {
		if _, err := os.Stat(filepath.Join(bin, program)); err != nil {
			missing = "bin/" + program
		}
	}
	if o.temporal == "" {
		missing = "TEMPORAL_CLI"
	}
	if missing != "" && os.Getenv("CI") != "" {
		t.Fatalf("%s is missing: run `make test`", missing)
	}
	if missing != "" {
		t.Skipf("%s is missing: `make test` builds it", missing)
	}
	o.temp = t.TempDir()
	return o
}

// requireEmpty checks that the demo left no file.
func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestDemo_ShowsWhoHasAccessAndChangesIt(t *testing.T) {
	t.Parallel()
	o := builtPrograms(t)
	var output bytes.Buffer
	code := run(t.Context(), o, &screen{w: &output})
	require.Equal(t, exitDone, code, output.String())
	for _, want := range []string{
		"$ starter check", "$ starter sync --wait", "ana@example.com", "SOC", "Admin", "--inherited", "make dev",
		"--for 5s --id INC-42", "--dry-run", "requested: grant/INC-42\n", "1 approval from anyone, within 72h",
		"awaitingApproval", "$ starter approve INC-42 --by carol@example.com",
		"grant/INC-42: approve by carol@example.com",
		"$ starter show INC-42", ", intact\n",
		"expired, role removed and verified (2 reads)", "$ starter ledger verify", "result   intact\n",
	} {
		require.Contains(t, output.String(), want)
	}
	require.NotContains(t, output.String(), "\x1b[1m", "no colours but on a terminal")
	requireEmpty(t, o.temp)
}

func TestDemo_FailureShowsTheLogOfThePart(t *testing.T) {
	t.Parallel()
	o := builtPrograms(t)
	o.temporal = filepath.Join(t.TempDir(), "temporal")
	script := "#!/bin/sh\necho 'the database is of a newer version' >&2\nexit 7\n"
	require.NoError(t, os.WriteFile(o.temporal, []byte(script), 0o700))
	var output bytes.Buffer
	require.Equal(t, exitFailed, run(t.Context(), o, &screen{w: &output}), output.String())
	require.Contains(t, output.String(), "the Temporal server ended unexpectedly, with exit code 7")
	require.Contains(t, output.String(), "   the database is of a newer version")
	requireEmpty(t, o.temp)
}

func TestDemo_StopsEverythingWhenInterrupted(t *testing.T) {
	t.Parallel()
	o := builtPrograms(t)
	ctx, interrupt := context.WithCancel(t.Context())
	out := &watchedWriter{word: "$ starter check", found: interrupt}
	require.Equal(t, exitInterrupted, run(ctx, o, &screen{w: out}), out.text.String())
	require.Contains(t, out.text.String(), "Interrupted")
	requireEmpty(t, o.temp)
}

func TestParse(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"--keep", "--temporal", "/usr/bin/temporal"})
	require.NoError(t, err)
	require.True(t, o.keep)
	require.Equal(t, "/usr/bin/temporal", o.temporal)
	require.True(t, filepath.IsAbs(o.bin))
	_, err = parse([]string{"dev"})
	require.ErrorContains(t, err, `"dev"`)
}

// Two stacks in one folder would write the same .demo/env.
func TestClaim_FailsWhileHeld(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "demo")
	release, err := claim(dir)
	require.NoError(t, err)
	_, err = claim(dir)
	require.ErrorContains(t, err, "already")
	release()
	require.NoDirExists(t, dir)
	again, err := claim(dir)
	require.NoError(t, err)
	again()
}

// watchedWriter calls found once what was written holds the word.
type watchedWriter struct {
	mu    sync.Mutex
	text  strings.Builder
	word  string
	found func()
}

func (w *watchedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(b)
	if strings.Contains(w.text.String(), w.word) {
		w.found()
	}
	return len(b), nil
}
