package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/starter/conductorone/internal/settings"
)

// ended is how the connector has ended as a program.
type ended struct {
	code codes.Code
	text string // standard output and standard error
}

// runOneShot runs the connector for one task, in an empty folder, with these variables alone.
func runOneShot(t *testing.T, env []string, args ...string) ended {
	t.Helper()
	bin := os.Getenv("BIN")
	require.NotEmpty(t, bin, "BIN is the folder of the built programs: run `make conductorone`, or use make")
	command := exec.CommandContext(t.Context(), filepath.Join(bin, settings.Name), args...)
	command.Dir = t.TempDir()
	command.Env = append([]string{"HOME=" + command.Dir, "TMPDIR=" + command.Dir}, env...)
	out, err := command.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); !failed {
		require.NoError(t, err)
	}
	return ended{codes.Code(command.ProcessState.ExitCode()), string(out)}
}

// A settings file that is not there is a fault of the settings: the SDK would go on without it.
func TestProgram_SettingsFile(t *testing.T) {
	t.Parallel()
	got := runOneShot(t, []string{"BATON_CONFIG_PATH=missing.yaml"}, "--standalone", "--api-token", "x",
		"--management-console-url", "https://acmeco.sentinelone.net")
	require.Equal(t, codes.InvalidArgument, got.code, got.text)
	require.Contains(t, got.text, `there is no settings file "missing.yaml"`)
}

// A run that failed ends with the gRPC code of its error, and its last line is the error, whatever the SDK's processes
// do meanwhile, and whatever is logged.
func TestProgram_ExitCode(t *testing.T) {
	t.Parallel()
	const sentence = settings.Name + `: there is no database file "sentinelone.db": start the worker and run a sync`
	for name, args := range map[string][]string{
		"json": {"--log-level=error"}, "console": {"--log-format=console"}, "silent": {"--log-level=fatal"},
		"elsewhere": {"--log-path", filepath.Join(t.TempDir(), "log")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 8 {
				got := runOneShot(t, nil, append(args,
					"--management-console-url", "https://acmeco.sentinelone.net", "--file", "sync.c1z")...)
				require.Equal(t, codes.FailedPrecondition, got.code, got.text)
				lines := strings.Split(strings.TrimSpace(got.text), "\n")
				require.Contains(t, lines[len(lines)-1], sentence)
			}
		})
	}
}
