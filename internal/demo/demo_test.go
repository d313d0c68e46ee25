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

// built returns options with the programs that `make test` has built.
func built(t *testing.T) options {
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
		t.Fatalf("%s is missing: run this by `make test`", missing)
	}
	if missing != "" {
		t.Skipf("%s is missing: `make test` runs this too", missing)
	}
	o.temp = t.TempDir()
	return o
}

// requireEmpty proves that no file of the demo is left.
func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestDemo_ShowsWhoHasAccessAndChangesIt(t *testing.T) {
	t.Parallel()
	o := built(t)
	var said bytes.Buffer
	code := run(t.Context(), o, &screen{w: &said})
	require.Equal(t, exitDone, code, said.String())
	for _, want := range []string{
		"$ starter check", "$ starter sync --wait", "ana@example.com", "SOC", "Admin", "--inherited", "make dev",
		"--for 5s --id INC-42", "--dry-run", "asked: grant/INC-42\n", "approved by 1 of anyone, within 72h",
		"awaitingApproval", "$ starter approve INC-42 --by carol@example.com",
		"grant/INC-42: approve by carol@example.com",
		"$ starter show INC-42", ", intact\n",
		"expired, role removed and verified (2 reads)", "$ starter ledger verify", "result   whole\n",
	} {
		require.Contains(t, said.String(), want)
	}
	require.NotContains(t, said.String(), "\x1b[1m", "no colours but on a terminal")
	requireEmpty(t, o.temp)
}

func TestDemo_FailsWithTheLogThatExplains(t *testing.T) {
	t.Parallel()
	o := built(t)
	o.temporal = filepath.Join(t.TempDir(), "temporal")
	script := "#!/bin/sh\necho 'the database is of a newer version' >&2\nexit 7\n"
	require.NoError(t, os.WriteFile(o.temporal, []byte(script), 0o700))
	var said bytes.Buffer
	require.Equal(t, exitFailed, run(t.Context(), o, &screen{w: &said}), said.String())
	require.Contains(t, said.String(), "the Temporal server ended by itself, with exit code 7")
	require.Contains(t, said.String(), "   the database is of a newer version")
	requireEmpty(t, o.temp)
}

func TestDemo_StopsEverythingWhenInterrupted(t *testing.T) {
	t.Parallel()
	o := built(t)
	ctx, interrupt := context.WithCancel(t.Context())
	out := &watched{word: "$ starter check", seen: interrupt}
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
func TestClaim_OneAtATime(t *testing.T) {
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

// watched calls seen when the text has a word in it.
type watched struct {
	mu   sync.Mutex
	text strings.Builder
	word string
	seen func()
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(b)
	if strings.Contains(w.text.String(), w.word) {
		w.seen()
	}
	return len(b), nil
}
