package main

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
)

func TestMain_HelpListsEveryVariable(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	require.Equal(t, exitDone, Main(t.Context(), []string{"--help"}, &out, &errOut))
	for _, v := range append(config.Variables(), config.TemporalVariables()...) {
		require.Contains(t, out.String(), " "+v.Name+" ")
	}
	require.Empty(t, errOut.String())
}

func TestMain_UnexpectedArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"run"}, {"--help", "x"}, {""}} {
		var out, errOut bytes.Buffer
		require.Equal(t, exitUsage, Main(t.Context(), args, &out, &errOut), args)
		require.Contains(t, errOut.String(), fmt.Sprintf("error: unexpected arguments %q", args))
		require.Contains(t, errOut.String(), "worker --help")
		require.Empty(t, out.String())
	}
}

// Each fault of a configuration is printed on its own line, however they are joined.
func TestConfigError_OneLinePerFault(t *testing.T) {
	t.Parallel()
	var errOut bytes.Buffer
	err := errors.Join(errors.New("TASK_QUEUE is empty"), errors.Join(errors.New("LOG_LEVEL is wrong"), nil))
	require.Equal(t, exitUsage, configError(&errOut, "configuration", err))
	require.Equal(t, "error: configuration:\n  - TASK_QUEUE is empty\n  - LOG_LEVEL is wrong\n", errOut.String())
}
