package signing

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/sshtest"
)

const carol = "carol@example.com"

// noon is the time of the statements in these tests.
var noon = time.Date(2026, 3, 3, 14, 5, 0, 0, time.UTC)

// anApproval is the statement in testdata/statement.
func anApproval() Statement {
	return Statement{
		Kind: KindApprove, Request: "grant/INC-42", Run: "0198d2c4-6f0e-7c11-9d53-4a5c0c7b1e2f",
		PlanHash: "5d41402abc4b2a76b9719d911017c592ae1f7c3b5d2e8f90a1b2c3d4e5f60718",
		By:       carol, Comment: "checked with ana\nfine for two hours",
		Duration: access.Duration(2 * time.Hour), At: noon,
	}
}

func keysOfEachType(t *testing.T) map[string]sshtest.Key {
	t.Helper()
	return map[string]sshtest.Key{"ed25519": sshtest.New(t), "ecdsa": sshtest.NewECDSA(t), "rsa": sshtest.RSA(t)}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func load(t *testing.T, allowed string, revoked ...string) *AllowedSigners {
	t.Helper()
	list := ""
	if len(revoked) > 0 {
		list = write(t, "revoked", strings.Join(revoked, "\n"))
	}
	a, err := LoadAllowedSigners(write(t, "allowed_signers", allowed), list)
	require.NoError(t, err)
	return a
}

func signed(t *testing.T, key ssh.AlgorithmSigner, s Statement) string {
	t.Helper()
	armored, err := Sign(t.Context(), key, s)
	require.NoError(t, err)
	return armored
}

// keygen runs OpenSSH's own ssh-keygen, which must be installed.
func keygen(t *testing.T, input []byte, args ...string) (stdout string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ssh-keygen", args...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	require.NotErrorIs(t, err, exec.ErrNotFound, "install OpenSSH's client")
	return string(out), err
}

// opensshVerifies says whether ssh-keygen accepts the signature.
func opensshVerifies(t *testing.T, s Statement, armored, allowed string, more ...string) bool {
	t.Helper()
	_, err := keygen(t, s.Canonical(), append([]string{
		"-Y", "verify", "-f", allowed, "-I", s.By, "-n", Namespace, "-s", write(t, "sig", armored),
	}, more...)...)
	return err == nil
}
