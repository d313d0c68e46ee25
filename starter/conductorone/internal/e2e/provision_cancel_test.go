package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/wire"
)

// Where signatures are required, a revoke cancels the grant that waits with the connector's own key only: without one,
// or with the key of another person, the revoke fails with why, and the grant waits on. The receipt names the key.
func TestProvision_SignedRevokeCancelsGrant(t *testing.T) {
	t.Parallel()
	own, bobs := sshtest.New(t), sshtest.New(t)
	allowed := filepath.Join(t.TempDir(), "allowed_signers")
	require.NoError(t, os.WriteFile(allowed,
		[]byte("conductorone "+own.Public()+"\nbob@example.com "+bobs.Public()+"\n"), 0o600))
	e := newProvisionEnv(t, leadsDecide, "ALLOWED_SIGNERS="+allowed)
	e.sync()
	e.connectorSettings.SigningKey = own.Save(t, "")
	wait := e.background(e.ctx(), e.connect(), e.ana, e.soc)
	id := e.request()
	e.until(id, wire.StateAwaitingApproval)

	for _, c := range []struct{ key, says string }{
		{"", "a signature is required"},
		{bobs.Save(t, ""), `may not sign for "conductorone"`},
		{sshtest.New(t).Save(t, ""), "is not in the file"},
	} {
		e.connectorSettings.SigningKey = c.key
		requireFailed(t, e.revokeAnswered(e.ana, e.soc), c.says)
		e.until(id, wire.StateAwaitingApproval)
	}

	e.connectorSettings.SigningKey = own.Save(t, "")
	got := e.revokeAnswered(e.ana, e.soc)
	require.NoError(t, got.err)
	require.Equal(t, []string{"GrantAlreadyRevoked"}, got.annotations)
	requireDeclined(t, wait(), id+" is cancelled: cancelled by conductorone")
	var result wire.RequestResult
	require.NoError(t, e.client.GetWorkflow(e.ctx(), id, "").Get(e.ctx(), &result))
	require.Equal(t, access.AllSigned, result.Receipt.Signed)
	require.NotNil(t, result.Receipt.Stop)
	require.Equal(t, wire.CancelUpdate, result.Receipt.Stop.Action)
	require.Equal(t, "conductorone", result.Receipt.Stop.By)
	require.Equal(t, own.Fingerprint(), result.Receipt.Stop.Signed)
}

// revokeAnswered revokes a role, and again while the worker is too busy to answer for the grant that waits.
func (e *provisionEnv) revokeAnswered(p access.Principal, h access.Holding) (got answer) {
	for range 10 {
		got = e.revoke(e.connect(), p, h)
		if got.err == nil || !strings.Contains(got.err.Error(), "no worker answers on task queue") {
			return got
		}
		e.t.Logf("revoked again: %v", got.err)
	}
	return got
}
