package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
)

// sealedFixture is a sealed ledger, the file of its key and that of the public key.
func sealedFixture(t *testing.T) (f *fixture, key, public string) {
	t.Helper()
	f = newFixture(t)
	t.Setenv("SENTINELONE_BASE_URL", baseURL)
	key = filepath.Join(t.TempDir(), "ledger")
	made, err := signing.CreateLedgerKey(key)
	require.NoError(t, err)
	public = key + ".pub"
	require.NoError(t, os.WriteFile(public, []byte(made.Public().String()+" worker\n"), 0o600))
	require.NoError(t, f.db.SealWith(t.Context(), host, store.SealOptions{Key: made}))
	_, err = f.db.Append(t.Context(), host, ledger.NewEntry{
		Request: "grant/1", Key: "grant/1#run/request", Body: ledger.Request{Plan: access.Plan{Op: access.OpGrant}},
	})
	require.NoError(t, err)
	return f, key, public
}

// A sealed ledger is verified by the worker's public key, and by ssh-keygen alone. What Temporal knows
// of it is said to be missing.
func TestLedgerVerify_Sealed(t *testing.T) {
	_, key, public := sealedFixture(t)
	got := run(t, "ledger", "verify")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.errOut, "error: not verified: whether key SHA256:")
	head := decode[verifyAnswer](t, run(t, "ledger", "verify", "-o", "json")).Head.Hash
	for _, known := range [][]string{{"--key", public}, {"--key", key}} {
		got = run(t, append([]string{"ledger", "verify"}, known...)...)
		require.Equal(t, exitUsage, got.code)
		require.Contains(t, got.errOut,
			"error: not verified: whether the newest entries were removed: the heads in Temporal")
		require.NotContains(t, got.errOut, "whether key")
		got = run(t, append([]string{"ledger", "verify", "--head", "2:" + head}, known...)...)
		require.Equal(t, exitDone, got.code, got.errOut)
		require.Regexp(t, `(?m)^seals +2, from entry 1 on, by ssh-ed25519 `, got.out)
		require.Regexp(t, `(?m)^result +intact$`, got.out)
	}
	t.Setenv("LEDGER_KEY_FILE", key)
	got = run(t, "ledger", "verify", "--head", "2:"+head)
	require.Equal(t, exitDone, got.code, got.errOut)

	printed := run(t, "ledger", "verify", "--seal")
	require.Equal(t, exitDone, printed.code, printed.errOut)
	out, err := exec.CommandContext(t.Context(), "bash", "-c", printed.out).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), `Good "sentinelone-ledger" signature for ledger`)
}

// An emptied ledger is not whole: the worker's key says that it was sealed.
func TestLedgerVerify_Emptied(t *testing.T) {
	newFixture(t)
	t.Setenv("SENTINELONE_BASE_URL", baseURL)
	got := run(t, "ledger", "verify")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.errOut, "error: not verified: the ledger is empty")
	key := filepath.Join(t.TempDir(), "ledger")
	_, err := signing.CreateLedgerKey(key)
	require.NoError(t, err)
	got = run(t, "ledger", "verify", "--key", key)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "error: the ledger records no key, and it should be sealed with key SHA256:")
	got = run(t, "ledger", "verify", "--key", filepath.Join(t.TempDir(), "none"))
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.errOut, "error: --key: ")
}

// A signature of a person that is not what its entry says is a fault.
func TestLedgerVerify_SignatureInside(t *testing.T) { //nolint:paralleltest // sets the environment
	f, key, _ := sealedFixture(t)
	d := access.Decision{
		By: "carol@example.com", Action: "approve", PlanHash: "1", Signed: "SHA256:abc", Signature: "x",
	}
	run1 := ledger.Run{Request: "grant/1", ID: "run"}
	_, err := f.db.Append(t.Context(), host, ledger.NewEntry{
		Request: run1.Request, Key: ledger.DecisionEntryKey(run1.DecisionKey(d, ""), 0),
		Body: ledger.Decision{Decision: d},
	})
	require.NoError(t, err)
	got := run(t, "ledger", "verify", "--key", key)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, `error: entry 3: it is recorded as signed by "carol@example.com"`)
	require.Contains(t, got.errOut, "not verified: whether the newest entries were removed")
}
