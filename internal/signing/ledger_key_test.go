package signing

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/ledger"
)

// The key is made once, only its owner can read it, and ssh-keygen reads it.
func TestCreateLedgerKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	var all sync.WaitGroup
	made := make([]*ledger.SealKey, 4) // four workers start at once
	for i := range made {
		all.Go(func() {
			key, err := CreateLedgerKey(path)
			if err == nil {
				made[i] = key
			}
		})
	}
	all.Wait()
	for _, key := range made {
		require.NotNil(t, key)
		require.Equal(t, made[0].Public(), key.Public())
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	left, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Equal(t, []string{path}, left)
	out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-l", "-f", path).Output()
	require.NoError(t, err)
	require.Contains(t, string(out), made[0].Public().Fingerprint())
	_, err = CreateLedgerKey(filepath.Join(t.TempDir(), "none", "ledger"))
	require.ErrorContains(t, err, "set LEDGER_KEY_FILE to a file that can be written")
}

// A key of ssh-keygen is read; one that others can read, is encrypted or of another type is refused in words.
func TestLoadLedgerKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, locked := filepath.Join(dir, "ledger"), filepath.Join(dir, "locked")
	for file, passphrase := range map[string]string{path: "", locked: "secret"} {
		out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", file).
			CombinedOutput()
		require.NoError(t, err, string(out))
	}
	keys, err := LoadLedgerKeys(path)
	require.NoError(t, err)
	public, err := os.ReadFile(path + ".pub")
	require.NoError(t, err)
	parsed, err := ledger.ParseSealPublic(string(public))
	require.NoError(t, err)
	require.Equal(t, parsed, keys.Key.Public())
	require.Nil(t, keys.Previous)
	require.Nil(t, keys.Lost)

	require.NoError(t, os.WriteFile(path+OldKey, public, 0o600))
	keys, err = LoadLedgerKeys(path)
	require.NoError(t, err)
	require.Equal(t, &parsed, keys.Lost)
	private, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path+OldKey, private, 0o600))
	keys, err = LoadLedgerKeys(path)
	require.NoError(t, err)
	require.Equal(t, parsed, keys.Previous.Public())
	require.NoError(t, os.Chmod(path+OldKey, 0o640))
	_, err = LoadLedgerKeys(path)
	require.ErrorContains(t, err, "other users can read it (mode 0640)")

	none, err := LoadLedgerKeys(filepath.Join(dir, "none"))
	require.NoError(t, err)
	require.Equal(t, LedgerKeys{}, none)
	_, err = LoadLedgerKey(locked)
	require.ErrorContains(t, err, "is encrypted, and a worker has nobody to ask for the passphrase")
	require.NoError(t, os.Chmod(locked, 0o644))
	_, err = LoadLedgerKey(locked)
	require.ErrorContains(t, err, "other users can read it (mode 0644)")
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(other, "")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ecdsa"), pem.EncodeToMemory(block), 0o600))
	_, err = LoadLedgerKey(filepath.Join(dir, "ecdsa"))
	require.ErrorContains(t, err, "the ledger needs ed25519")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "text"), []byte("text"), 0o600))
	_, err = LoadLedgerKey(filepath.Join(dir, "text"))
	require.ErrorContains(t, err, "make one with `ssh-keygen -t ed25519")
}
