package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
)

func TestMain_HelpListsEveryVariable(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	require.Equal(t, exitDone, Main(t.Context(), []string{"--help"}, &out, &errOut))
	for _, v := range slices.Concat(config.Variables(), config.TemporalVariables(), config.NetworkVariables(),
		config.TracingVariables()) {
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

//nolint:paralleltest // it changes the environment
func TestMain_HTTPToAnotherMachine(t *testing.T) {
	for name, value := range map[string]string{
		"SENTINELONE_BASE_URL": "http://acmeco.example.net", "SENTINELONE_ALLOW_HTTP": "false",
		"SENTINELONE_API_TOKEN": "not-a-token", "SENTINELONE_API_TOKEN_FILE": "",
		"DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "store.db"),
	} {
		t.Setenv(name, value)
	}
	var out, errOut bytes.Buffer
	ended, end := context.WithCancel(t.Context()) // a worker that starts all the same stops at once
	end()
	require.Equal(t, exitUsage, Main(ended, nil, &out, &errOut))
	require.Contains(t, errOut.String(), "SENTINELONE_BASE_URL: the base URL has the scheme http")
	require.Contains(t, errOut.String(), "SENTINELONE_ALLOW_HTTP=true")
}

// One name of worker versioning without the other would start a worker that is not versioned.
//
//nolint:paralleltest // it changes the environment
func TestMain_DeploymentWithoutBuild(t *testing.T) {
	for name, value := range map[string]string{
		"SENTINELONE_BASE_URL": "https://acmeco.sentinelone.net", "SENTINELONE_API_TOKEN": "not-a-token",
		"SENTINELONE_API_TOKEN_FILE": "", "TEMPORAL_DEPLOYMENT_NAME": "provisioner", "TEMPORAL_WORKER_BUILD_ID": "",
		"DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "store.db"),
	} {
		t.Setenv(name, value)
	}
	var out, errOut bytes.Buffer
	ended, end := context.WithCancel(t.Context()) // a worker that starts all the same stops at once
	end()
	require.Equal(t, exitUsage, Main(ended, nil, &out, &errOut))
	require.Contains(t, errOut.String(), "TEMPORAL_WORKER_BUILD_ID is not set")
	require.Contains(t, errOut.String(), "set both, or unset both")
}

// Each fault of a configuration is printed on its own line, however they are joined.
func TestConfigError_OneLinePerFault(t *testing.T) {
	t.Parallel()
	var errOut bytes.Buffer
	err := errors.Join(errors.New("TASK_QUEUE is empty"), errors.Join(errors.New("LOG_LEVEL is wrong"), nil))
	require.Equal(t, exitUsage, configError(&errOut, "configuration", err))
	require.Equal(t, "error: configuration:\n  - TASK_QUEUE is empty\n  - LOG_LEVEL is wrong\n", errOut.String())
}
