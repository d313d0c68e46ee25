// Package telemetry sets up structured logs (log/slog, written by zap) and Prometheus
// metrics.
package telemetry

import (
	"io"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"
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
	core := zapcore.NewCore(encoder(w, format), zapcore.Lock(zapcore.AddSync(w)), lvl)
	return slog.New(zapslog.NewHandler(core, zapslog.WithCaller(false), zapslog.AddStacktraceAt(slog.LevelError+4)))
}

func encoder(w io.Writer, format string) zapcore.Encoder {
	cfg := zap.NewProductionEncoderConfig()
	cfg.EncodeTime = zapcore.RFC3339TimeEncoder
	if format == FormatConsole || format == "" && isTerminal(w) {
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
