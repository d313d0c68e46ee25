package oneshot

import (
	"errors"
	"fmt"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/logging"
	"github.com/spf13/cobra"
	"github.com/spf13/viper"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// codesOf logs what the SDK logs of a failed task, among other things, and returns the codes with which the run ends.
func codesOf(format string, err error) (ended []int) {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	if format == logging.LogFormatConsole {
		encoder = zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig())
	}
	end := ender{exit: func(code int) { ended = append(ended, code) }}
	log := zap.New(zapcore.NewCore(encoder, end, zap.DebugLevel), zap.AddCaller())
	other := fmt.Errorf("%s {}: %w", failedTask, err)
	log.Error("ratelimit: error running client request", zap.Error(err))
	log.Error("something about it", zap.Error(other), zap.String("msg", "else"))
	log.Info("no fields")
	log.Error(failedTask, zap.Error(err), zap.String("task_id", ""), zap.String("task_type", "grant"))
	return ended
}

// A failed task ends the run once, with the code of its error in both formats of the log.
func TestEnder(t *testing.T) {
	t.Parallel()
	wrapped := fmt.Errorf("runner: error processing task: %w", status.Error(codes.FailedPrecondition, `no {"x"}`))
	for code, err := range map[codes.Code]error{
		codes.FailedPrecondition: wrapped,
		codes.Canceled:           status.Error(codes.Canceled, "rpc error: code = Internal desc = inner"),
		codes.Unauthenticated:    status.Error(codes.Unauthenticated, "x"),
		codes.Unknown:            errors.New("read /tmp: is a directory"),
	} {
		for _, format := range []string{logging.LogFormatJSON, logging.LogFormatConsole} {
			require.Equal(t, []int{int(code)}, codesOf(format, err), "%s %v", format, err)
		}
	}
	require.Equal(t, int(codes.Unknown), codeOf("rpc error: code = OK desc = never 0"))
}

// Entries come here beside where people want them, and errors do in any case. A service's do not.
func TestFollow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags, paths []string
		level        string
	}{
		"nothing said": {nil, []string{"stderr", "oneshot:"}, "info"},
		"a file":       {[]string{"--log-path=x.log"}, []string{"x.log", "oneshot:"}, "info"},
		"silent":       {[]string{"--log-level=fatal"}, []string{"stderr", "oneshot:"}, "error"},
		"loud":         {[]string{"--log-level=debug"}, []string{"stderr", "oneshot:"}, "debug"},
		"a service":    {[]string{"--client-id=x", "--log-level=fatal"}, []string{}, "fatal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command, values := &cobra.Command{}, viper.New()
			command.Flags().StringSlice(logPathSetting, nil, "")
			command.Flags().String(logLevelSetting, "info", "")
			command.Flags().String(clientIDSetting, "", "")
			require.NoError(t, command.ParseFlags(c.flags))
			require.NoError(t, follow(values, command))
			require.Equal(t, c.paths, values.GetStringSlice(logPathSetting))
			require.Equal(t, c.level, values.GetString(logLevelSetting))
		})
	}
}
