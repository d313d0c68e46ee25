package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// A grant at another level removes all roles at the present one: that is up to the policy, and ConductorOne is told
// which grants are gone.
func TestProvision_LevelChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ rule, refusal string }{
		"not said": {"", "have a rule of the policy say levelChange: allow"},
		"forbid":   {", levelChange: forbid", "forbids moving a principal to another level"},
		"allow":    {", levelChange: allow", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newProvisionEnv(t, "rules:\n  - {name: all, permanent: true, autoApprove: true"+c.rule+"}\n")
			second := e.world.AtSite("SOC", 3)
			bob := e.world.AddUser("bob@example.com", second)
			at := access.Holding{
				Level: access.AccountLevel, RoleID: e.world.RoleID("SOC"), ScopeID: e.console.Truth().Accounts[0].ID,
			}
			got := e.grant(e.connect(), bob, at)
			if c.refusal != "" {
				requireDeclined(t, got, "grant/c1-", c.refusal)
				require.False(t, e.holds(bob, at))
				return
			}
			e.requireGranted(answer{grants: got.grants, err: got.err}, bob, at)
			require.ElementsMatch(t, []string{
				"GrantReplaced " + grantID(bob, e.world.Viewer), "GrantReplaced " + grantID(bob, second),
			}, got.annotations)
		})
	}
}

// Another role at the same scope takes the place of the first one.
func TestProvision_ReplacesAtTheScope(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, c1Decides)
	c := e.connect()
	e.requireGranted(e.grant(c, e.ana, e.soc), e.ana, e.soc)
	e.requireGranted(e.grant(c, e.ana, e.world.Admin), e.ana, e.world.Admin, "GrantReplaced "+grantID(e.ana, e.soc))
}

// The last role goes as the policy says, and the rule is named where it stays.
func TestProvision_LastRole(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, c1Decides)
	requireFailed(t, e.revoke(e.connect(), e.ana, e.world.Viewer), "revoke/c1-",
		"it is the principal's last role", "(lastRole stop, since no rule of the policy says otherwise)")
	require.True(t, e.holds(e.ana, e.world.Viewer))

	e.restart("rules:\n  - {name: keep, for: [revoke], autoApprove: true, lastRole: stop}\n")
	requireFailed(t, e.revoke(e.connect(), e.ana, e.world.Viewer), `(rule "keep" of the policy: lastRole stop)`)
	require.True(t, e.holds(e.ana, e.world.Viewer))

	least := e.world.AtSite("Viewer", 5)
	e.restart("rules:\n  - name: leavers\n    for: [revoke]\n    autoApprove: true\n" +
		"    lastRole: {downgrade: {role: \"" + least.RoleID + "\", level: site, scope: \"" + least.ScopeID + "\"}}\n")
	require.NoError(t, e.revoke(e.connect(), e.ana, e.world.Viewer).err)
	require.Equal(t, grantworld.Holdings(least), e.world.HoldingsOf(e.ana.Kind, e.ana.ID))
}

// With allowed signers, requests count if the connector's own key has signed them: then a rule about its name decides.
func TestProvision_Signed(t *testing.T) {
	t.Parallel()
	key := sshtest.New(t)
	allowed := filepath.Join(t.TempDir(), "allowed_signers")
	require.NoError(t, os.WriteFile(allowed, []byte("conductorone "+key.Public()+"\n"), 0o600))
	e := newProvisionEnv(t, c1Decides, "ALLOWED_SIGNERS="+allowed)
	requireFailed(t, e.grant(e.connect(), e.ana, e.soc), "is required: have --signing-key",
		"press Retry failed provisioning")
	require.False(t, e.holds(e.ana, e.soc))

	e.connectorSettings.SigningKey = sshtest.New(t).Save(t, "")
	requireFailed(t, e.grant(e.connect(), e.ana, e.soc), "grant/c1-", " is refused: ")

	e.connectorSettings.SigningKey = key.Save(t, "")
	c := e.connect()
	e.requireGranted(e.grant(c, e.ana, e.soc), e.ana, e.soc)
	var result wire.RequestResult
	require.NoError(t, e.client.GetWorkflow(e.ctx(), e.request(), "").Get(e.ctx(), &result))
	require.Equal(t, access.AllSigned, result.Receipt.Signed)
	require.Equal(t, key.Fingerprint(), result.Receipt.RequestSignature.Signed)
	require.NoError(t, e.revoke(c, e.ana, e.soc).err)
	require.False(t, e.holds(e.ana, e.soc))
}

// Where a worker may not write, a sentence says so: it is no decline.
func TestProvision_ReadOnlyWorker(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, testbed.AutoApprove, "SENTINELONE_READ_ONLY=true")
	c := e.connect()
	requireFailed(t, e.grant(c, e.ana, e.soc), "the worker is read-only (SENTINELONE_READ_ONLY)")
	requireFailed(t, e.revoke(c, e.ana, e.world.Viewer), "the worker is read-only (SENTINELONE_READ_ONLY)")
}

// While giving is frozen, nothing is given, the answer says who can end that, and what ends goes on.
func TestProvision_Frozen(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, testbed.AutoApprove)
	frozen := e.starter("freeze", "--by", "bob@example.com", "--reason", "INC-7")
	require.Zero(t, frozen.code, frozen.stdout+frozen.stderr)
	c := e.connect()
	requireFailed(t, e.grant(c, e.ana, e.soc), "grant/c1-", " is not applied: giving access is frozen since ",
		"`starter unfreeze`", "then press Retry failed provisioning")
	require.False(t, e.holds(e.ana, e.soc))
	bob := e.world.AddUser("bob@example.com", e.soc)
	require.NoError(t, e.revoke(c, bob, e.soc).err)
	require.False(t, e.holds(bob, e.soc))
}

// Without a worker nothing is asked for, but an end is: it begins as soon as a worker does. Without Temporal a sentence
// says what to start.
func TestProvision_NobodyThere(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, "")
	c := e.connect()
	requireFailed(t, e.grant(c, e.ana, e.soc), "no worker polls task queue", "start `worker` there")
	require.Empty(t, e.requestIDs())
	requireFailed(t, e.revoke(c, e.ana, e.world.Viewer), "revoke/c1-", "no worker answers on task queue",
		"press Retry failed provisioning")
	require.Len(t, e.requestIDs(), 1)

	e.connectorSettings.TemporalAddress = "127.0.0.1:1"
	requireFailed(t, e.grant(e.connect(), e.ana, e.soc), "temporal does not answer at 127.0.0.1:1")
}

// Ten grants that wait for approval hold up neither a revoke nor each other's answers: as many wait as have a place,
// and the others are told at once.
func TestProvision_Places(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, leadsDecide)
	e.connectorSettings.TaskConcurrency = 4
	c := e.connect()
	var waiting []func() answer
	for _, who := range []string{"erin@example.com", "frank@example.com"} {
		p := e.world.AddUser(who)
		waiting = append(waiting, e.background(e.ctx(), c, p, e.soc))
	}
	require.Eventually(t, func() bool { return len(e.requestIDs()) == 2 }, limit, pause)
	for _, id := range e.requestIDs() {
		e.until(id, wire.StateAwaitingApproval)
	}
	for range 2 {
		requireFailed(t, e.grant(c, e.ana, e.soc), "waits for 1 of 1 from soc-leads")
	}
	gus := e.world.AddUser("gus@example.com", e.soc)
	require.NoError(t, e.revoke(c, gus, e.soc).err)
	require.False(t, e.holds(gus, e.soc))

	for _, id := range e.requestIDs() {
		if id[:6] == "grant/" {
			e.decide(id, wire.ApproveUpdate, wire.DecisionInput{})
		}
	}
	for _, wait := range waiting {
		require.NoError(t, wait().err)
	}
}
