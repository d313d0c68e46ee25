package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
)

// Who can write the policy or the files of keys decides who gets access.
func TestWritableNotes(t *testing.T) {
	t.Parallel()
	policy, signers := filepath.Join(t.TempDir(), "policy.yaml"), filepath.Join(t.TempDir(), "signers")
	for _, path := range []string{policy, signers} {
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		require.NoError(t, os.Chmod(path, 0o664))
	}
	c := config.Config{
		Worker:  config.Worker{Policy: policy},
		Signing: config.Signing{Allowed: signers, Revoked: signers + ".none"},
	}
	require.Empty(t, c.WritableNotes())
	require.NoError(t, os.Chmod(signers, 0o666))
	require.Equal(t, []string{"ALLOWED_SIGNERS: every user of this machine may write " + signers +
		" (mode 0666), and so decide who gets access: run chmod o-w on it"}, c.WritableNotes())
	require.NoError(t, os.Chmod(policy, 0o602))
	require.Len(t, c.WritableNotes(), 2)
}
