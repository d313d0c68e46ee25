package settings_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/cli"
	sdkconfig "github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/starter/conductorone/internal/settings"
)

// service is the standard input of the connector's service, open as long as the process: the SDK ends it then.
var service *os.File

// The connector knows how many tasks the SDK runs at once: one place less is for requests that wait.
//
//nolint:paralleltest // SetDefaults changes the environment
func TestSettings_TaskConcurrency(t *testing.T) {
	bare(t)
	require.NoError(t, settings.SetDefaults())
	r, w, err := os.Pipe()
	require.NoError(t, err)
	_, err = w.WriteString("oAYB\n") // the service's own configuration, with nothing that it knows
	require.NoError(t, err)
	service, os.Stdin = w, r

	errSeen := errors.New("seen")
	var got settings.Settings
	_, cmd, err := sdkconfig.DefineConfigurationV2(t.Context(), settings.Name,
		func(_ context.Context, s *settings.Settings, _ cli.RunTimeOpts) (types.ConnectorServer, error) {
			got = *s
			return nil, errSeen
		}, settings.Schema)
	require.NoError(t, err)
	cmd.SetArgs([]string{"_connector-service"})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	require.ErrorIs(t, cmd.Execute(), errSeen)
	require.Equal(t, 10, got.TaskConcurrency)
}
