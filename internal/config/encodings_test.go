package config_test

import (
	"crypto/ed25519"
	"encoding/binary"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

// utf16File is a text as an editor on Windows saves it as "Unicode".
func utf16File(text string) string {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return string(out)
}

// sshKeys makes a private key and the line of its public half.
func sshKeys(t *testing.T) (private, public string) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(key, "")
	require.NoError(t, err)
	line, err := ssh.NewPublicKey(pub)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(block)), string(ssh.MarshalAuthorizedKey(line))
}

// Every file of the settings may begin with a byte order mark and have the line ends of Windows. In
// UTF-16 it is refused, with its variable and what to save it as.
func TestPrograms_EncodingsOfFiles(t *testing.T) {
	t.Parallel()
	private, public := sshKeys(t)
	_, other := sshKeys(t)
	p := newPlace(t)
	signers := filepath.Join(p.dir, "signers")
	require.NoError(t, os.WriteFile(signers, []byte("carol@example.com "+public), 0o600))
	for name, text := range map[string]string{
		"SENTINELONE_API_TOKEN_FILE": token + "\n",
		"PAYLOAD_KEYS_FILE":          "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n",
		"LEDGER_KEY_FILE":            private,
		"ALLOWED_SIGNERS":            "carol@example.com " + public,
		"ALLOWED_SIGNERS_REVOKED":    other,
		"POLICY_FILE":                "rules:\n  - {name: all, autoApprove: true}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			run := func(text string) outcome {
				path := filepath.Join(p.dir, "file")
				require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
				changes := map[string]string{
					name: path, "DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "store.db"),
				}
				switch name {
				case "SENTINELONE_API_TOKEN_FILE":
					changes["SENTINELONE_API_TOKEN"] = "-"
				case "ALLOWED_SIGNERS_REVOKED":
					changes["ALLOWED_SIGNERS"] = signers
				}
				return p.worker(t, changes)
			}
			windows := strings.ReplaceAll(text, "\n", "\r\n")
			for _, same := range []string{text, "\ufeff" + text, windows, "\ufeff" + windows} {
				got := run(same)
				require.True(t, got.runs, "%q: %s", same[:10], got.out)
			}
			got := run(utf16File(windows))
			require.Equal(t, 2, got.code, got.out)
			require.Contains(t, got.out, name)
			require.Contains(t, got.out, "save it as UTF-8")
			require.NotContains(t, got.out, token)
		})
	}
}

// The token of a file with a mark is the one that the console accepts, and a file of changes may
// have one too.
func TestPrograms_MarksAreNoPartOfValues(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	path := filepath.Join(p.dir, "token")
	require.NoError(t, os.WriteFile(path, []byte("\ufeff"+token+"\r\n"), 0o600))
	got := p.starter(t, map[string]string{"SENTINELONE_API_TOKEN": "-", "SENTINELONE_API_TOKEN_FILE": path}, "check")
	require.Equal(t, 0, got.code, got.out)

	list := filepath.Join(p.dir, "changes.csv")
	require.NoError(t, os.WriteFile(list, []byte("\ufeffaction,principal,role,scope\r\nfoo,a,b,c\r\n"), 0o600))
	got = p.starter(t, nil, "apply", "-f", list, "--dry-run")
	require.Contains(t, got.out, "line 2", got.out)
	require.NotContains(t, got.out, "unknown column", got.out)
}
