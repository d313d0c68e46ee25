package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/telemetry"
)

// JSON unless w is a terminal: one object per line, with time, level, message and the
// fields.
func TestNewLogger_JSON(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"", telemetry.FormatJSON} {
		t.Run("format "+format, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			log := telemetry.NewLogger(&out, "info", format).With("console", "acmeco.sentinelone.net")
			log.WarnContext(t.Context(), "Page is late", "page", 3, "error", errors.New("no answer"))
			var got map[string]any
			require.NoError(t, json.Unmarshal(out.Bytes(), &got), out.String())
			at, err := time.Parse(time.RFC3339, got["ts"].(string))
			require.NoError(t, err)
			require.WithinDuration(t, time.Now(), at, time.Minute)
			delete(got, "ts")
			require.Equal(t, map[string]any{
				"level": "warn", "msg": "Page is late", "page": 3.0, "error": "no answer",
				"console": "acmeco.sentinelone.net",
			}, got)
		})
	}
}

// The console format separates time, level, message and fields by two spaces.
func TestNewLogger_Console(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	telemetry.NewLogger(&out, "info", telemetry.FormatConsole).InfoContext(t.Context(), "Worker runs", "queue", "s1")
	fields := strings.Split(strings.TrimSpace(out.String()), "  ")
	require.Equal(t, []string{"INFO", "Worker runs", `{"queue": "s1"}`}, fields[1:])
}

// A level prints itself and the levels above; an unknown level is info.
func TestNewLogger_Levels(t *testing.T) {
	t.Parallel()
	for level, want := range map[string]int{"debug": 4, "info": 3, "warn": 2, "error": 1, "loud": 3, "INFO": 3} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			log := telemetry.NewLogger(&out, level, telemetry.FormatJSON)
			log.DebugContext(t.Context(), "one")
			log.InfoContext(t.Context(), "two")
			log.WarnContext(t.Context(), "three")
			log.ErrorContext(t.Context(), "four")
			require.Equal(t, want, strings.Count(out.String(), "\n"), "no stack trace, one line each: %s", out.String())
		})
	}
}

// A record is one line that does nothing to a terminal, whatever its message and fields hold.
func TestNewLogger_ConsoleIsSafe(t *testing.T) {
	t.Parallel()
	const hostile = "x\x1b]0;owned\a\u202e\u009b2J\u200b\n2026-03-10T12:00:00Z  INFO  forged"
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, "info", telemetry.FormatConsole).With("role"+hostile, hostile)
	log.InfoContext(t.Context(), hostile, "error", errors.New(hostile))
	log.InfoContext(t.Context(), "Next")
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	require.Len(t, lines, 2)
	require.Equal(t, -1, strings.IndexFunc(lines[0], func(r rune) bool { return !unicode.IsPrint(r) }), "%q", lines[0])
	require.Contains(t, lines[0], `x\x1b]0;owned\x07\u202e\x9b2J`)
	require.Contains(t, lines[1], "Next")
}
