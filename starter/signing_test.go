//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/sshtest"
)

const carol = "carol@example.com"

func tempFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func statement() signing.Statement {
	return signing.Statement{
		Kind: signing.KindApprove, Request: "grant/INC-42", Run: "run-1", PlanHash: strings.Repeat("a", 64), By: carol,
	}
}

func newTestSigner(said *bytes.Buffer) *app {
	now := time.Date(2026, 3, 3, 14, 5, 0, 250, time.UTC)
	return &app{out: said, err: said, now: func() time.Time { return now }}
}

func TestSign_WithAgentOrFile(t *testing.T) {
	mine, other := sshtest.New(t), sshtest.New(t)
	signers, err := signing.LoadAllowedSigners(tempFile(t, carol+" "+mine.Public()), "")
	require.NoError(t, err)
	for name, c := range map[string]struct{ socket, key string }{
		"its comment":    {socket: sshtest.Agent(t, map[string]sshtest.Key{carol: mine, "other": other})},
		"the only one":   {socket: sshtest.Agent(t, map[string]sshtest.Key{"laptop": mine})},
		"its public key": {sshtest.Agent(t, map[string]sshtest.Key{"a": mine, "b": other}), tempFile(t, mine.Public())},
		"a file":         {key: mine.Save(t, "")},
		"a file first":   {sshtest.Agent(t, map[string]sshtest.Key{carol: other}), mine.Save(t, "")},
	} {
		environ(t, map[string]string{"SSH_AUTH_SOCK": c.socket})
		var said bytes.Buffer
		s, signature, err := newTestSigner(&said).sign(t.Context(), signOptions{key: c.key}, statement())
		require.NoError(t, err, name)
		require.Empty(t, said.String())
		require.Equal(t, time.Date(2026, 3, 3, 14, 5, 0, 0, time.UTC), s.At)
		_, err = signers.Verify(s, signature, s.At)
		require.NoError(t, err, name)
	}
}

// noKey is the remark of a command that could have signed.
const noKey = "not signed: no ssh-agent found (SSH_AUTH_SOCK is not set); pass --key FILE to sign\n"

// Without required signatures a request may be unsigned; a remark says so.
func TestSign_WithoutAKey(t *testing.T) {
	environ(t, nil)
	var said bytes.Buffer
	p := newTestSigner(&said)
	_, signature, err := p.sign(t.Context(), signOptions{}, statement())
	require.NoError(t, err)
	require.Empty(t, signature)
	require.Equal(t, noKey, said.String())

	p.cfg = config.Config{Signing: config.Signing{Allowed: "somewhere"}}
	_, _, err = p.sign(t.Context(), signOptions{}, statement())
	require.ErrorContains(t, err, "a signature is required: no ssh-agent found")
	require.Equal(t, exitUsage, exitCode(marked(err)))

	environ(t, map[string]string{
		"SSH_AUTH_SOCK": sshtest.Agent(t, map[string]sshtest.Key{"a": sshtest.New(t), "b": sshtest.New(t)}),
	})
	_, _, err = p.sign(t.Context(), signOptions{}, statement())
	require.ErrorContains(t, err, "ssh-agent holds 2 keys, and none has the comment "+carol)
}

func TestSign_TheKeyThatIsNamedMustSign(t *testing.T) {
	environ(t, nil)
	var o signOptions
	cmd := &cobra.Command{}
	o.flags(cmd)
	require.NoError(t, cmd.ParseFlags([]string{"--key", "/nonexistent/key"}))
	_, _, err := newTestSigner(&bytes.Buffer{}).sign(t.Context(), o, statement())
	require.EqualError(t, err, "key /nonexistent/key: cannot be read: no such file or directory")
	o.key = tempFile(t, sshtest.New(t).Public())
	_, _, err = newTestSigner(&bytes.Buffer{}).sign(t.Context(), o, statement())
	require.ErrorContains(t, err, "is a public key: no ssh-agent found")
}
