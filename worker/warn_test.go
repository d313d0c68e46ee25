package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
)

// At its start the worker says what it means that names are not verified, and which files
// other users may open.
func TestWarnOperator(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "")
	path := filepath.Join(t.TempDir(), "open.db")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	warned := func(cfg config.Config) string {
		var out bytes.Buffer
		warnOperator(slog.New(slog.NewTextHandler(&out, nil)), cfg)
		return out.String()
	}
	cfg := config.Config{Store: config.Store{URL: "sqlite://" + path}, Signing: config.Signing{Allowed: "signers"}}
	require.Empty(t, warned(cfg))

	require.NoError(t, os.Chmod(path, 0o644))
	require.Contains(t, warned(cfg), "level=WARN msg=\"The database is not closed to other users\"")
	require.Contains(t, warned(cfg), path)

	cfg = config.Config{Worker: config.Worker{Policy: path}, Signing: config.Signing{Allowed: "signers"}}
	require.Empty(t, warned(cfg))
	require.NoError(t, os.Chmod(path, 0o646))
	require.Contains(t, warned(cfg), "POLICY_FILE: every user of this machine may write "+path)

	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318")
	t.Setenv("OTEL_SDK_DISABLED", "1")
	require.Contains(t, warned(cfg), "OTEL_SDK_DISABLED is \\\"1\\\": traces are sent")

	text := warned(config.Config{Store: config.Store{URL: "postgres://localhost/x"}})
	require.Contains(t, text, "level=WARN msg=\"Signatures are not required\"")
	require.Contains(t, text, "one person can be the requester, both approvers and the reviewer")
}
