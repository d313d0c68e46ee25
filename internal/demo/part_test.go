package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startScript starts a shell script and waits until it has printed "ready".
func startScript(t *testing.T, logFile, script string) *part {
	t.Helper()
	p, err := startPart("script", logFile, nil, "/bin/sh", "-c", script)
	require.NoError(t, err)
	t.Cleanup(p.process.Kill)
	require.NoError(t, p.output.WaitFor(t.Context(), "ready", 1))
	return p
}

func TestPart_StopsOnRequest(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	p := startScript(t, log, `trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done`)
	require.NoError(t, p.stop(time.Minute))
	body, err := os.ReadFile(log)
	require.NoError(t, err)
	require.Equal(t, "ready\nbye\n", string(body))
}

func TestPart_EndedNamesTheExitCode(t *testing.T) {
	t.Parallel()
	p := startScript(t, filepath.Join(t.TempDir(), "log"), `echo ready; echo no such table >&2; exit 3`)
	<-p.process.Done()
	var got *failure
	require.ErrorAs(t, p.ended(), &got)
	require.Equal(t, "the script ended unexpectedly, with exit code 3", got.Error())
	require.Equal(t, "ready\nno such table", got.logOf.tail())
}

func TestPart_TailHasTheLastLines(t *testing.T) {
	t.Parallel()
	p := startScript(t, filepath.Join(t.TempDir(), "log"), `seq 1 100; echo ready`)
	<-p.process.Done()
	require.Regexp(t, `^82\n(.*\n){18}ready$`, p.tail())
}

func TestPart_MissingProgram(t *testing.T) {
	t.Parallel()
	_, err := startPart("worker", filepath.Join(t.TempDir(), "log"), nil, "/no/such/program")
	require.ErrorContains(t, err, "/no/such/program")
}
