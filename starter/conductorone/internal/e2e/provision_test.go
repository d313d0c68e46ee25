package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// Grant, again, revoke, again, and again from the start: each answer is what the console shows now, nobody is asked
// for what is so already, and the receipt says who decided.
func TestProvision_GrantAndRevoke(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, c1Decides)
	e.sync() // as before any grant of ConductorOne: it proves what a dry run says
	c := e.connect()
	e.requireGranted(e.grant(c, e.ana, e.world.Viewer), e.ana, e.world.Viewer, "GrantAlreadyExists")
	require.Equal(t, []string{"GrantAlreadyRevoked"}, e.revoke(c, e.ana, e.soc).annotations)
	require.Empty(t, e.requestIDs())

	e.requireGranted(e.grant(c, e.ana, e.soc), e.ana, e.soc)
	id := e.request()
	shown := e.starter("show", id)
	require.Zero(t, shown.code, shown.stderr)
	require.Contains(t, shown.stdout, "by conductorone")
	require.Contains(t, shown.stdout, "decided in ConductorOne; by whom was not told")
	require.Contains(t, shown.stdout, "granted, applied and verified")
	e.requireGranted(e.grant(c, e.ana, e.soc), e.ana, e.soc, "GrantAlreadyExists")

	got := e.revoke(c, e.ana, e.soc)
	require.NoError(t, got.err)
	require.Empty(t, got.annotations)
	require.False(t, e.holds(e.ana, e.soc))
	require.Equal(t, []string{"GrantAlreadyRevoked"}, e.revoke(c, e.ana, e.soc).annotations)

	e.requireGranted(e.grant(c, e.ana, e.soc), e.ana, e.soc)
	require.ElementsMatch(t, []string{id, id, "revoke/" + id[len("grant/"):]}, e.requestIDs())
}

// A task that gives up says what the request waits for. The request goes on, and what is sent again finds the role.
func TestProvision_WaitsForApproval(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, leadsDecide)
	e.connectorSettings.Wait = "30s"
	got := e.grant(e.connect(), e.ana, e.soc)
	id := e.request()
	requireFailed(t, got, "request "+id+" waits for 1 of 1 from soc-leads until ",
		"; decide with `starter approve "+id+"` or `starter deny "+id+"`, then press Retry failed provisioning")
	require.False(t, e.holds(e.ana, e.soc))

	e.decide(id, wire.ApproveUpdate, wire.DecisionInput{})
	e.until(id, wire.StateGranted)
	e.connectorSettings.Wait = "4m"
	e.requireGranted(e.grant(e.connect(), e.ana, e.soc), e.ana, e.soc, "GrantAlreadyExists")
	require.Equal(t, []string{id}, e.requestIDs())
}

// What is sent twice, also by another process, joins one request. A connector that is killed meanwhile changes nothing.
func TestProvision_Joins(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, leadsDecide)
	killed, kill := context.WithCancel(e.ctx())
	first := e.background(killed, e.connect(), e.ana, e.soc)
	id := e.request()
	e.until(id, wire.StateAwaitingApproval)
	kill()
	require.Error(t, first().err)

	again := e.background(e.ctx(), e.connect(), e.ana, e.soc)
	other := e.background(e.ctx(), e.connect(), e.ana, e.soc)
	e.decide(id, wire.ApproveUpdate, wire.DecisionInput{})
	for _, wait := range []func() answer{again, other} {
		got := wait()
		require.NoError(t, got.err)
		require.Equal(t, []string{grantID(e.ana, e.soc)}, got.grants)
	}
	require.Equal(t, []string{id}, e.requestIDs())
}

// A denial is a decline, and ends that run only: what is requested anew begins anew.
func TestProvision_Denied(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, leadsDecide)
	c := e.connect()
	wait := e.background(e.ctx(), c, e.ana, e.soc)
	id := e.request()
	e.decide(id, wire.DenyUpdate, wire.DecisionInput{Comment: "not on call"})
	requireDeclined(t, wait(), id+": denied by carol@example.com: not on call")

	wait = e.background(e.ctx(), c, e.ana, e.soc)
	e.decide(id, wire.ApproveUpdate, wire.DecisionInput{})
	e.requireGranted(wait(), e.ana, e.soc)
	require.Equal(t, []string{id, id}, e.requestIDs())
}

// An approver may shorten a grant: the role is there, and the request stays open until its end.
func TestProvision_Shortened(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, leadsDecide)
	c := e.connect()
	wait := e.background(e.ctx(), c, e.ana, e.soc)
	id := e.request()
	e.decide(id, wire.ApproveUpdate, wire.DecisionInput{Duration: access.Duration(time.Hour)})
	e.requireGranted(wait(), e.ana, e.soc)
	e.requireGranted(e.grant(c, e.ana, e.soc), e.ana, e.soc, "GrantAlreadyExists")

	// Not what was before: that may be a console that is slow to show the grant.
	byHand := grantworld.Holdings(e.world.Viewer, e.world.AtSite("Viewer", 2))
	require.NoError(t, e.console.SetUserRoles(e.ana.ID, byHand.Level, byHand.Held))
	requireFailed(t, e.grant(c, e.ana, e.soc), id+" has given the role", "`starter end "+id+"`")
}

// What nobody decides in time, what somebody cancels, and what the policy refuses are declines.
func TestProvision_NotGranted(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, `
groups: {soc-leads: [carol@example.com]}
rules:
  - {name: no-admins, when: role.name == "Admin", deny: administrators are made by hand}
  - name: conductorone
    permanent: true
    decideWithin: 1s
    approvals: [{need: 1, from: [soc-leads]}]
`)
	c := e.connect()
	requireDeclined(t, e.grant(c, e.ana, e.soc), "grant/c1-", " is timedOut: not decided in time")
	requireDeclined(t, e.grant(c, e.ana, e.world.Admin), "grant/c1-", " is refused: rule \"no-admins\" denies it: "+
		"administrators are made by hand")
	require.False(t, e.holds(e.ana, e.soc))
}

// A revoke is no less than the last word: a grant that still waits for approval does not bring the role back.
func TestProvision_RevokeCancelsGrant(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, leadsDecide)
	c := e.connect()
	wait := e.background(e.ctx(), c, e.ana, e.soc)
	id := e.request()
	e.until(id, wire.StateAwaitingApproval)
	got := e.revoke(c, e.ana, e.soc)
	require.NoError(t, got.err)
	require.Equal(t, []string{"GrantAlreadyRevoked"}, got.annotations)
	requireDeclined(t, wait(), id+" is cancelled: cancelled by conductorone")
}
