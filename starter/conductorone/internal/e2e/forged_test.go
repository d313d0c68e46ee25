package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// forgedSignal has the workflow of a person who reaches the namespace end, with a result of that person's.
const forgedSignal = "end"

// forge runs a workflow under the id of a request on a task queue of its own. It ends with the result, once somebody
// has asked for its status and the test lets it.
func (e *provisionEnv) forge(id string, result wire.RequestResult) (end func()) {
	e.t.Helper()
	queue, asked := "forged-"+e.t.Name(), make(chan struct{}, 1)
	w := worker.New(e.client, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context) (wire.RequestResult, error) {
		err := workflow.SetQueryHandler(ctx, wire.StatusQuery, func() (wire.RequestStatus, error) {
			select {
			case asked <- struct{}{}:
			default:
			}
			return wire.RequestStatus{State: wire.StateApplying}, nil
		})
		workflow.GetSignalChannel(ctx, forgedSignal).Receive(ctx, nil)
		return result, err
	}, workflow.RegisterOptions{Name: wire.GrantType})
	require.NoError(e.t, w.Start())
	e.t.Cleanup(w.Stop)
	run, err := e.client.ExecuteWorkflow(e.ctx(), client.StartWorkflowOptions{ID: id, TaskQueue: queue}, wire.GrantType)
	require.NoError(e.t, err)
	return func() {
		e.t.Helper()
		select {
		case <-asked:
		case <-e.ctx().Done():
			e.t.Fatal("nobody has joined the forged request")
		}
		require.NoError(e.t, e.client.SignalWorkflow(e.ctx(), id, run.GetRunID(), forgedSignal, nil))
	}
}

// A person who reaches Temporal can have any result under the id of a request: ConductorOne is told what the ledger
// proves. The same request, asked for again, is carried out.
func TestProvision_ForgedResult(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, c1Decides)
	e.sync()
	c := e.connect()
	e.requireGranted(e.grant(c, e.ana, e.soc), e.ana, e.soc)
	id := e.request()
	require.NoError(t, e.revoke(c, e.ana, e.soc).err)

	// What was true once is told again.
	var result wire.RequestResult
	require.NoError(t, e.client.GetWorkflow(e.ctx(), id, "").Get(e.ctx(), &result))
	require.Equal(t, wire.StateGranted, result.State)
	end := e.forge(id, result)
	wait := e.background(e.ctx(), c, e.ana, e.soc)
	end()
	requireFailed(t, wait(), "Temporal says that "+id+" is granted, and the ledger has no proof of it")
	require.False(t, e.holds(e.ana, e.soc))
	e.requireGranted(e.grant(c, e.ana, e.soc), e.ana, e.soc)
}

// A user who is deleted by hand has no role any more: the revoke is done, once a sync proves it.
func TestProvision_RevokeOfWhoIsGone(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, c1Decides)
	bob := e.world.AddUser("bob@example.com", e.soc, e.world.AtSite("Viewer", 3))
	e.sync()
	c := e.connect()
	require.True(t, e.console.RemoveUser(bob.ID))
	requireFailed(t, e.revoke(c, bob, e.soc), bob.ID, "`starter sync --wait`", "press Retry failed provisioning")
	e.sync()
	got := e.revoke(c, bob, e.soc)
	require.NoError(t, got.err)
	require.Equal(t, []string{"GrantAlreadyRevoked"}, got.annotations)
}

// A role that a time-bound request of another person gives ends with that. ConductorOne's grant stays.
func TestProvision_HeldByALease(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, `
rules:
  - {name: all, permanent: true, maxDuration: 8h, autoApprove: true}
`)
	e.sync()
	c := e.connect()
	granted := e.starter("grant", "--user", "ana@example.com", "--role", e.soc.RoleID, "--scope", e.soc.ScopeID,
		"--level", string(access.SiteLevel), "--for", "1h", "--reason", "INC-42", "--id", "INC-42",
		"--requester", "bob@example.com")
	require.Zero(t, granted.code, granted.stderr)
	e.until("grant/INC-42", wire.StateActive)
	e.requireGranted(e.grant(c, e.ana, e.soc), e.ana, e.soc, "GrantAlreadyExists")
	id := e.request()
	e.until(id, wire.StateGranted)

	ended := e.starter("end", "INC-42", "--by", "bob@example.com")
	require.Zero(t, ended.code, ended.stderr)
	require.True(t, e.holds(e.ana, e.soc), "the lease is over, and the role stays")
	require.Equal(t, grantworld.Holdings(e.world.Viewer, e.soc), e.world.HoldingsOf(e.ana.Kind, e.ana.ID))
}
