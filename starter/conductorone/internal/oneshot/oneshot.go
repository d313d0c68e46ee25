// Package oneshot ends runs of one task, such as those with --grant-entitlement, with the exit code of their error.
//
// The SDK stops the process that serves its one task, and takes the end of that process for a reason to exit with code
// 0, while the task's error is on its way to the exit code. So one failed run of ten or so would end with code 0. The
// SDK has no other hook before that than its log: the entry about the failed task is written first, and this package
// ends the run there.
package oneshot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"regexp"

	"github.com/conductorone/baton-sdk/pkg/logging"
	"github.com/spf13/cobra"
	"github.com/spf13/viper"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/describe"
)

const (
	// failedTask is the message of the SDK's log entry about the failed task; the entry has the error.
	failedTask = "runner: error processing on-demand task"
	// scheme is that of the log's path by which entries come here.
	scheme = "oneshot"

	clientIDSetting, logPathSetting, logLevelSetting = "client-id", "log-path", "log-level"
)

// EndWithCode has a command of the SDK, with its settings, end a failed run of one task with the gRPC code of its
// error. It changes nothing of a connector that runs as a service.
func EndWithCode(settings *viper.Viper, command *cobra.Command) error {
	open := func(*url.URL) (zap.Sink, error) { return ender{exit: os.Exit}, nil }
	if err := zap.RegisterSink(scheme, open); err != nil {
		return fmt.Errorf("follow the log of the SDK: %w", err)
	}
	command.PreRunE = func(command *cobra.Command, _ []string) error { return follow(settings, command) }
	return nil
}

// follow adds to where the SDK logs, and has it log errors at least.
func follow(settings *viper.Viper, command *cobra.Command) error {
	if err := settings.BindPFlags(command.Flags()); err != nil {
		return fmt.Errorf("read the flags: %w", err)
	}
	if settings.GetString(clientIDSetting) != "" {
		return nil
	}
	paths := settings.GetStringSlice(logPathSetting)
	if len(paths) == 0 {
		paths = []string{"stderr"}
	}
	settings.Set(logPathSetting, append(paths, scheme+":"))
	level, err := logging.ParseLogLevel(settings.GetString(logLevelSetting))
	if err == nil && level > zapcore.ErrorLevel {
		settings.Set(logLevelSetting, zapcore.ErrorLevel.String())
	}
	return nil
}

// ender is a place where the SDK logs.
type ender struct{ exit func(code int) }

var _ zap.Sink = ender{}

// Write ends the process if the entry is about a failed task. The error goes to standard error, as the SDK's last words
// do.
func (e ender) Write(entry []byte) (int, error) {
	if text, failed := failure(entry); failed {
		fmt.Fprintln(os.Stderr, describe.Lines(text))
		e.exit(codeOf(text))
	}
	return len(entry), nil
}

// Sync implements zap.Sink.
func (ender) Sync() error { return nil }

// Close implements zap.Sink.
func (ender) Close() error { return nil }

// failure is the error of a failed task, if the entry is about one. The entry is JSON, or text that ends with JSON.
func failure(entry []byte) (text string, is bool) {
	before, _, _ := bytes.Cut(entry, []byte("{"))
	var fields struct {
		Message string `json:"msg"`
		Error   string `json:"error"`
	}
	if json.Unmarshal(entry[len(before):], &fields) != nil {
		return "", false
	}
	is = fields.Message == failedTask || bytes.HasSuffix(before, []byte("\t"+failedTask+"\t"))
	return fields.Error, is
}

// grpcCode is how gRPC writes the code of an error.
var grpcCode = regexp.MustCompile(`rpc error: code = (\w+) desc = `)

// codeOf is the number of the error's gRPC code, which is never 0.
func codeOf(text string) int {
	if found := grpcCode.FindStringSubmatch(text); found != nil {
		for c := codes.Canceled; c <= codes.Unauthenticated; c++ {
			if c.String() == found[1] {
				return int(c)
			}
		}
	}
	return int(codes.Unknown)
}
