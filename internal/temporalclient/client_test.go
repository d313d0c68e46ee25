package temporalclient_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/testbed"
)

// isolate hides the machine's own Temporal configuration from a test.
func isolate(t *testing.T) {
	t.Helper()
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "none.toml"))
	for _, name := range []string{"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_PROFILE", "TEMPORAL_API_KEY"} {
		t.Setenv(name, "")
		require.NoError(t, os.Unsetenv(name))
	}
}

//nolint:paralleltest // the environment is the process's
func TestOptions_Defaults(t *testing.T) {
	isolate(t)
	opts, err := temporalclient.Options(slog.New(slog.DiscardHandler), "")
	require.NoError(t, err)
	require.Equal(t, "localhost:7233", opts.HostPort)
	require.Equal(t, "default", opts.Namespace)
	require.NotNil(t, opts.DataConverter)
	require.NotNil(t, opts.FailureConverter)
	require.NotNil(t, opts.Logger)
}

func TestOptions_ReadsTemporalVariables(t *testing.T) {
	isolate(t)
	t.Setenv("TEMPORAL_ADDRESS", "temporal.example.com:7233")
	t.Setenv("TEMPORAL_NAMESPACE", "security")
	opts, err := temporalclient.Options(slog.New(slog.DiscardHandler), "")
	require.NoError(t, err)
	require.Equal(t, "temporal.example.com:7233", opts.HostPort)
	require.Equal(t, "security", opts.Namespace)
}

func TestOptions_BadConfiguration(t *testing.T) {
	isolate(t)
	t.Setenv("TEMPORAL_PROFILE", "nowhere")
	_, err := temporalclient.Options(slog.New(slog.DiscardHandler), "")
	require.ErrorContains(t, err, "TEMPORAL_")

	isolate(t)
	_, err = temporalclient.Options(slog.New(slog.DiscardHandler), filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, err, "PAYLOAD_KEYS_FILE")
}

func TestDial_Unreachable(t *testing.T) {
	t.Parallel()
	addr, err := testbed.FreeAddress()
	require.NoError(t, err)

	_, err = temporalclient.Dial(t.Context(), client.Options{HostPort: addr, Namespace: "default"})
	require.ErrorContains(t, err, "temporal does not answer at "+addr)
	require.ErrorContains(t, err, "TEMPORAL_ADDRESS")
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"nothing", nil, false},
		{"down", serviceerror.NewUnavailable("down"), true},
		{"down, wrapped", fmt.Errorf("describe: %w", serviceerror.NewUnavailable("down")), true},
		{"slow", serviceerror.NewDeadlineExceeded("slow"), true},
		{"our own deadline", context.DeadlineExceeded, true},
		{"not there", serviceerror.NewNotFound("no"), false},
		{"stopped by us", context.Canceled, false},
		{"something else", errors.New("x"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, temporalclient.Unreachable(tt.err))
		})
	}
}
