package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/wire"
)

// c1DecidesAll asks nobody for what conductorone has signed, for eight hours at most.
const c1DecidesAll = `
rules:
  - name: decided in ConductorOne
    when: requester == "conductorone"
    for: [grant, rotateToken]
    maxDuration: 8h
    autoApprove: true
`

// newSignedC1Env has a worker that requires signatures, and takes those of key for conductorone's.
func newSignedC1Env(t *testing.T) (e *c1Env, key sshtest.Key) {
	t.Helper()
	key = sshtest.New(t)
	allowed := filepath.Join(t.TempDir(), "allowed_signers")
	require.NoError(t, os.WriteFile(allowed, []byte("conductorone "+key.Public()+"\n"), 0o600))
	e = prepareC1Env(t, shared, c1DecidesAll)
	e.extraEnv = append(e.extraEnv, "ALLOWED_SIGNERS="+allowed)
	e.startWorker()
	e.sync()
	return e, key
}

// reconnect has another connector take the place of the one that runs.
func (e *c1Env) reconnect(env ...string) {
	e.t.Helper()
	if e.connector != nil {
		e.connector.Kill()
	}
	e.connect(env...)
}

// The connector signs extensions and ends with its own key, and the receipt names that key. Without a key, or with
// one that may not sign for conductorone, nothing happens: the worker decides that, whatever the connector knows.
func TestC1_SignedExtendAndEnd(t *testing.T) {
	t.Parallel()
	e, key := newSignedC1Env(t)
	withKey := "BATON_SIGNING_KEY=" + key.Save(t, "")
	e.reconnect(withKey)
	given := e.runAction("grant_for", e.grantFor("4h"))
	e.requireDone(given)
	id := given.Text("request")
	ends := e.endOf(id)
	more := map[string]any{"request": id, "duration": "1h"}

	const noSigners = "ALLOWED_SIGNERS=" // the connector does not know that signatures are required
	for text, env := range map[string][]string{
		"a signature is required": {noSigners},
		"is not in the file":      {noSigners, "BATON_SIGNING_KEY=" + sshtest.New(t).Save(t, "")},
	} {
		e.reconnect(env...)
		for _, name := range []string{"extend", "end"} {
			refused := e.runAction(name, more)
			require.False(t, refused.Complete(), "%v", refused.Values)
			require.Contains(t, refused.Failure(), connectorName+"cannot "+name+" "+id)
			require.Contains(t, refused.Failure(), text)
		}
		require.Equal(t, ends, e.endOf(id))
		require.True(t, e.holds(e.ana))
	}

	e.reconnect(withKey)
	e.requireDone(e.runAction("extend", more))
	require.Equal(t, ends.Add(time.Hour), e.endOf(id))
	e.requireDone(e.runAction("end", map[string]any{"request": id}))
	require.False(t, e.holds(e.ana))

	var result wire.RequestResult
	require.NoError(t, e.client.GetWorkflow(e.ctx(), id, "").Get(e.ctx(), &result))
	receipt := result.Receipt
	require.Equal(t, access.AllSigned, receipt.Signed)
	require.Equal(t, key.Fingerprint(), receipt.RequestSignature.Signed)
	require.Len(t, receipt.Extensions, 1)
	require.Equal(t, key.Fingerprint(), receipt.Extensions[0].Asked.Signed)
	require.NotNil(t, receipt.Stop)
	require.Equal(t, key.Fingerprint(), receipt.Stop.Signed)
}

// Where signatures are required, the decision on a quarantined sync counts only with the connector's own key: without
// one, it is refused, and the sync stays quarantined.
func TestC1_SignedDecideSync(t *testing.T) {
	t.Parallel()
	e, key := newSignedC1Env(t)
	for i := range 20 {
		e.world.AddUser(fmt.Sprintf("user%d@example.com", i))
	}
	e.sync()
	e.console.RemoveUsers(15)
	withKey := "BATON_SIGNING_KEY=" + key.Save(t, "")
	const noSigners = "ALLOWED_SIGNERS=" // the connector does not know that signatures are required
	reason := map[string]any{"reason": "accounts were closed"}
	for _, action := range []string{"discard_sync", "confirm_sync"} {
		run := e.startSync()
		e.untilState(run, wire.StateQuarantined)
		e.reconnect(noSigners)
		refused := e.runAction(action, reason)
		require.False(t, refused.Complete(), "%v", refused.Values)
		require.Contains(t, refused.Failure(), "a signature is required")
		require.Equal(t, wire.StateQuarantined, e.state(run.GetID()))
		e.reconnect(withKey)
		e.requireDone(e.runAction(action, reason))
		require.Equal(t, action == "confirm_sync", e.syncResult(run).State == wire.StatePromoted)
	}
}
