// Package telemetry sets up structured logs (log/slog, written by zap) and Prometheus
// metrics.
package telemetry

import (
	"io"
	"log/slog"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"sentinelone-provisioner/internal/describe"
)

// Values of LOG_FORMAT.
const (
	FormatConsole = "console"
	FormatJSON    = "json"
)

// NewLogger returns a logger that writes one line per record to w. level is debug,
// info, warn or error; any other is info (internal/config rejects it earlier). format
// is [FormatConsole], [FormatJSON], or "" for console on a terminal and JSON otherwise.
func NewLogger(w io.Writer, level, format string) *slog.Logger {
	lvl := zapcore.InfoLevel
	_ = lvl.UnmarshalText([]byte(level))
	people := format == FormatConsole || format == "" && isTerminal(w)
	if people {
		w = terminalSafe{w}
	}
	core := zapcore.NewCore(encoder(people), zapcore.Lock(zapcore.AddSync(w)), lvl)
	return slog.New(zapslog.NewHandler(core, zapslog.WithCaller(false), zapslog.AddStacktraceAt(slog.LevelError+4)))
}

// terminalSafe writes each record as one line that does nothing to a terminal: texts of
// others are in messages and fields, and the console encoder escapes only some of them.
type terminalSafe struct{ io.Writer }

// Write takes one record, as zap gives it.
func (w terminalSafe) Write(record []byte) (int, error) {
	if _, err := io.WriteString(w.Writer, describe.Text(strings.TrimSuffix(string(record), "\n"))+"\n"); err != nil {
		return 0, err
	}
	return len(record), nil
}

func encoder(forPeople bool) zapcore.Encoder {
	cfg := zap.NewProductionEncoderConfig()
	cfg.EncodeTime = zapcore.RFC3339TimeEncoder
	if forPeople {
		cfg.EncodeLevel = zapcore.CapitalLevelEncoder
		cfg.ConsoleSeparator = "  "
		return zapcore.NewConsoleEncoder(cfg)
	}
	return zapcore.NewJSONEncoder(cfg)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}
