package tokensink

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/config"
)

const (
	canary = "CANARY-eyJhbGciOiJIUzI1NiJ9.made-up.by-a-test"
	host   = "acmeco.sentinelone.net"
)

type secret string

func (s secret) Reveal() string { return string(s) }

var expires = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)

func token(text string) Token {
	return Token{Console: host, ID: "1843820828304888119", Name: "ci builds", ExpiresAt: expires, Secret: secret(text)}
}

// A folder has one file per service user, readable by its owner only; a new token
// replaces the old one.
func TestFolder(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "tokens")
	sink := New(root, "")
	require.NoError(t, sink.Check(host))
	for _, text := range []string{canary, canary + "-2"} {
		place, err := sink.Put(t.Context(), token(text))
		require.NoError(t, err)
		require.Equal(t, access.TokenPlace{
			Sink: "file", Path: host + "/1843820828304888119.token", ExpiresAt: expires,
		}, place)
		kept, err := os.ReadFile(filepath.Join(root, place.Path))
		require.NoError(t, err)
		require.Equal(t, text, string(kept))
	}
	requireMode(t, filepath.Join(root, host), 0o700)
	requireMode(t, filepath.Join(root, host, "1843820828304888119.token"), 0o600)
	files, err := os.ReadDir(filepath.Join(root, host))
	require.NoError(t, err)
	require.Len(t, files, 1, "no temporary file is left")

	require.NoError(t, sink.Drop(host, "1843820828304888119"))
	require.NoError(t, sink.Drop(host, "1843820828304888119"), "dropping a missing token is no error")
	require.NoFileExists(t, filepath.Join(root, host, "1843820828304888119.token"))
}

// Check takes access to an existing folder away from others.
func TestFolder_RestrictsMode(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, host), 0o755))
	require.NoError(t, New(root, "").Check(host))
	requireMode(t, filepath.Join(root, host), 0o700)
}

func TestFolder_Faults(t *testing.T) {
	t.Parallel()
	blocked := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	require.ErrorContains(t, New(blocked, "").Check(host), "SERVICE_USER_TOKEN_DIR")
	_, err := New(blocked, "").Put(t.Context(), token(canary))
	require.ErrorContains(t, err, "SERVICE_USER_TOKEN_DIR")
	require.NotContains(t, err.Error(), canary)

	root := t.TempDir()
	for _, bad := range []Token{
		{Console: "../elsewhere", ID: "1", Secret: secret(canary)},
		{Console: "..", ID: "1", Secret: secret(canary)},
		{Console: host, ID: "../1", Secret: secret(canary)},
		{Console: host, ID: "", Secret: secret(canary)},
		{Console: host, ID: "1", Secret: secret("")},
	} {
		_, err := New(root, "").Put(t.Context(), bad)
		require.Error(t, err)
	}
	left, err := os.ReadDir(root)
	require.NoError(t, err)
	require.Empty(t, left)
}

// The program reads the token from standard input and the rest from its environment, which
// holds nothing of the worker's but what every program needs and what the operator names.
func TestCommand(t *testing.T) {
	for _, v := range append(config.Variables(), config.TemporalVariables()...) {
		t.Setenv(v.Name, "the-worker's-own")
	}
	for _, name := range []string{
		"PGPASSWORD", "PGPASSFILE", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "LEDGER_KEY_FILE",
	} {
		t.Setenv(name, "the-worker's-own")
	}
	t.Setenv("VAULT_ADDR", "https://vault.example.com")
	t.Setenv("VAULT_TOKEN", "the-worker's-own")
	t.Setenv("LC_ALL", "C.UTF-8")
	out := filepath.Join(t.TempDir(), "out")
	sink := New("", script(t, `{ cat; echo; env; } >'`+out+`'`), "VAULT_ADDR", "VAULT_NAMESPACE")
	require.NoError(t, sink.Check(host))
	place, err := sink.Put(t.Context(), token(canary))
	require.NoError(t, err)
	require.Equal(t, access.TokenPlace{Sink: "command", ExpiresAt: expires}, place)
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	first, environment, _ := strings.Cut(string(text), "\n")
	require.Equal(t, canary, first)
	for _, want := range []string{
		"SERVICE_USER_CONSOLE=" + host, "SERVICE_USER_ID=1843820828304888119", "SERVICE_USER_NAME=ci builds",
		"SERVICE_USER_TOKEN_EXPIRES_AT=2027-03-01T09:00:00Z", "VAULT_ADDR=https://vault.example.com",
		"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8",
	} {
		require.Contains(t, environment, want+"\n")
	}
	require.NotContains(t, environment, "the-worker's-own")
	require.NotContains(t, environment, canary)
}

// An error contains the program's own output, but nothing that may be part of the token.
//
//nolint:paralleltest // a program that was just written cannot run while another one is being started
func TestCommand_Failures(t *testing.T) {
	cases := map[string]struct{ body, want string }{
		"no reason":     {"exit 3", "exit status 3"},
		"a reason":      {"echo 'vault is sealed' >&2; exit 1", "exit status 1: vault is sealed"},
		"the token":     {"echo \"cannot keep $(cat)\" >&2; exit 1", "cannot keep [redacted]"},
		"a part of it":  {"echo \"cannot keep $(head -c 12)\" >&2; exit 1", "exit status 1"},
		"it encoded":    {"echo \"cannot keep $(base64 -w0)\" >&2; exit 1", "cannot keep [redacted]"},
		"many words":    {"yes 'no way' | head -c 100000 >&2; exit 1", "no way no"},
		"never reading": {"exit 1", "exit status 1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := New("", script(t, c.body)).Put(t.Context(), token(canary))
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "SERVICE_USER_TOKEN_COMMAND")
			require.NotContains(t, err.Error(), canary[:minFragment])
			require.Less(t, len(err.Error()), 500)
		})
	}
}

//nolint:paralleltest // see above
func TestCommand_Timeout(t *testing.T) {
	sink := command{program: script(t, "exec sleep 600"), timeout: 50 * time.Millisecond}
	_, err := sink.Put(t.Context(), token(canary))
	require.ErrorContains(t, err, "longer than 50ms")
}

func TestNew_NoSink(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, New("", "").Check(host), "SERVICE_USER_TOKEN_DIR")
	require.Empty(t, New("", "").Kind())
	_, err := New("", "").Put(t.Context(), token(canary))
	require.Error(t, err)
	require.ErrorContains(t, New("", "/nowhere/at-all").Check(host), "SERVICE_USER_TOKEN_COMMAND")
}

func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700))
	return path
}

func requireMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, want, info.Mode().Perm())
}
