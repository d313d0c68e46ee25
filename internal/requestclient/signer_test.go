package requestclient

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/wire"
)

func open(t *testing.T, o signing.KeyOptions) Signer {
	t.Helper()
	s, err := OpenSigner(t.Context(), SignerOptions{KeyOptions: o, Now: clock})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// Without a key, and unless one is required, the signer signs nothing and says why.
func TestOpenSigner_WithoutAKey(t *testing.T) {
	t.Parallel()
	s := open(t, signing.KeyOptions{By: carol})
	require.Contains(t, s.NoKey(), "no ssh-agent found")
	signed, signature, err := s.Sign(t.Context(), statement())
	require.NoError(t, err)
	require.Empty(t, signature)
	require.Equal(t, clock().Truncate(time.Second), signed.At)

	_, err = OpenSigner(t.Context(), SignerOptions{Required: true, Now: clock})
	var none *signing.NoKeyError
	require.ErrorAs(t, err, &none)
	missing := signing.KeyOptions{Path: "/nonexistent/key"}
	_, err = OpenSigner(t.Context(), SignerOptions{KeyOptions: missing, Now: clock})
	require.EqualError(t, err, "key /nonexistent/key: cannot be read: no such file or directory")
}

// A signer reads its key once and signs any number of statements; it fails, and leaves
// nothing unsigned, once the agent has stopped.
func TestSigner_SignsAgain(t *testing.T) {
	t.Parallel()
	path := sshtest.New(t).Save(t, "")
	s := open(t, signing.KeyOptions{Path: path, By: carol})
	require.Empty(t, s.NoKey())
	require.NoError(t, os.Remove(path))
	for range 2 {
		_, signature, err := s.Sign(t.Context(), statement())
		require.NoError(t, err)
		require.Contains(t, signature, "BEGIN SSH SIGNATURE")
	}

	socket, stop := sshtest.StoppableAgent(t, map[string]sshtest.Key{carol: sshtest.New(t)})
	held := open(t, signing.KeyOptions{Socket: socket, By: carol})
	stop()
	_, signature, err := held.Sign(t.Context(), statement())
	require.Error(t, err)
	require.Empty(t, signature)
}

// A request is signed for its console. If signing fails it stays unsigned, unless a key is
// required.
func TestSignRequest(t *testing.T) {
	t.Parallel()
	file := sshtest.New(t).Save(t, "")
	named := open(t, signing.KeyOptions{Path: file, By: carol}) // a named key is required
	in := wire.RevokeInput{Requester: carol, Console: "acmeco.example.net", Role: access.RoleSelector{ID: "2"}}
	skipped, err := named.SignRequest(t.Context(), "revoke/X", &in)
	require.NoError(t, err)
	require.NoError(t, skipped)
	require.Contains(t, in.Signature, "BEGIN SSH SIGNATURE")

	in = wire.RevokeInput{Requester: carol}
	_, err = named.SignRequest(t.Context(), "revoke/X", &in)
	require.ErrorIs(t, err, ErrNoConsole)

	chosen := open(t, signing.KeyOptions{
		Socket: sshtest.Agent(t, map[string]sshtest.Key{carol: sshtest.New(t)}), By: carol,
	})
	skipped, err = chosen.SignRequest(t.Context(), "revoke/X", &in)
	require.NoError(t, err)
	require.ErrorIs(t, skipped, ErrNoConsole)
	require.Empty(t, in.Signature)
}
