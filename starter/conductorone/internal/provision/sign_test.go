package provision

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/wire"
)

// The connector says at its start that its requests would be refused, and what to do.
func TestKey_Check(t *testing.T) {
	t.Parallel()
	key, other := sshtest.New(t), sshtest.New(t)
	allowed := filepath.Join(t.TempDir(), "allowed_signers")
	require.NoError(t, os.WriteFile(allowed, []byte("conductorone "+key.Public()+"\n"), 0o600))
	required := config.Signing{Allowed: allowed, Mode: "optional"}

	require.NoError(t, Key{Requester: "conductorone"}.Check(t.Context()), "no signatures")
	none := Key{Requester: "conductorone", Signing: required}
	const want = "requests must be signed, and the connector has no key"
	require.ErrorContains(t, none.Check(t.Context()), want)
	_, err := none.Open(t.Context())
	require.ErrorContains(t, err, want)

	own := Key{Path: key.Save(t, ""), Requester: "conductorone", Signing: required}
	require.NoError(t, own.Check(t.Context()))
	own.Requester = "bob@example.com"
	require.ErrorContains(t, own.Check(t.Context()), "may not sign for bob@example.com: allow it with "+
		"`starter signers add --by bob@example.com")
	foreign := Key{Path: other.Save(t, ""), Requester: "conductorone", Signing: required}
	require.ErrorContains(t, foreign.Check(t.Context()), "may not sign for conductorone")
	foreign.Path += ".none"
	require.ErrorContains(t, foreign.Check(t.Context()), "--signing-key: key ")
}

// A request with a key is signed, also if nothing says that it must be.
func TestKey_Open(t *testing.T) {
	t.Parallel()
	signer, err := Key{Path: sshtest.New(t).Save(t, ""), Requester: "conductorone"}.Open(t.Context())
	require.NoError(t, err)
	defer signer.Close()
	of := target{principal: dani, holding: soc}
	r := provisioner(&fakeRequests{}).grantRequest(of, false)
	skipped, err := signer.SignRequest(t.Context(), r.ID, r.Input)
	require.NoError(t, err)
	require.NoError(t, skipped)
	require.NotEmpty(t, r.Input.(*wire.GrantInput).Signature)
}
