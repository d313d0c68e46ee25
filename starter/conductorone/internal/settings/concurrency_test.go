package settings_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/cli"
	sdkconfig "github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/starter/conductorone/internal/settings"
)

// services are both ends of the standard input of each connector's service. They are open as long as the process: the
// SDK ends the process when they close.
var services []*os.File

// The connector knows how many tasks the SDK runs at once: one place less is for requests that wait.
//
//nolint:paralleltest // the environment and standard input are the process's
func TestSettings_TaskConcurrency(t *testing.T) {
	bare(t)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	_, err = w.WriteString("oAYB\n") // the service's own configuration, with nothing that it knows
	require.NoError(t, err)
	services, os.Stdin = append(services, r, w), r

	errSeen := errors.New("seen")
	var got settings.Settings
	values, cmd, err := sdkconfig.DefineConfigurationV2(t.Context(), settings.Name,
		func(_ context.Context, s *settings.Settings, _ cli.RunTimeOpts) (types.ConnectorServer, error) {
			got = *s
			return nil, errSeen
		}, settings.Schema)
	require.NoError(t, err)
	settings.SetDefaults(values)
	cmd.SetArgs([]string{"_connector-service"})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	require.ErrorIs(t, cmd.Execute(), errSeen)
	require.Equal(t, 10, got.TaskConcurrency)
}

// A number of tasks with which nothing could wait is a fault. The SDK takes 0 and would then wait for ever, so that the
// fault must come before it runs.
//
//nolint:paralleltest // the environment is the process's
func TestSettings_TaskConcurrencyBounds(t *testing.T) {
	bare(t)
	s := given()
	for n, good := range map[int]bool{-1: false, 0: false, 1: false, 2: true, 100: true, 101: false} {
		s.TaskConcurrency = n
		_, err := s.Resolve()
		if good {
			require.NoError(t, err, n)
			continue
		}
		require.ErrorContains(t, err, fmt.Sprintf("--task-concurrency is %d: set it from 2 to 100", n))
	}

	errRuns := errors.New("the SDK would run now")
	_, cmd, err := sdkconfig.DefineConfigurationV2(t.Context(), settings.Name,
		func(_ context.Context, s *settings.Settings, _ cli.RunTimeOpts) (types.ConnectorServer, error) {
			_, err := s.Resolve()
			return nil, cmp.Or(err, errRuns)
		}, settings.Schema)
	require.NoError(t, err)
	cmd.SetArgs([]string{
		"--management-console-url", "https://acmeco.sentinelone.net", "--task-concurrency=0",
		"--file", filepath.Join(t.TempDir(), "sync.c1z"),
	})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err = cmd.Execute()
	require.NotErrorIs(t, err, errRuns)
	require.ErrorContains(t, err, "--task-concurrency is 0: set it from 2 to 100")
}
