package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// decoy is a workflow of the attacker's that answers as a request would.
func decoy(ctx workflow.Context, shown wire.RequestStatus) error {
	err := workflow.SetQueryHandler(ctx, wire.StatusQuery, func() (wire.RequestStatus, error) { return shown, nil })
	if err != nil {
		return err
	}
	return workflow.Sleep(ctx, time.Hour)
}

// Approvers sign what they are shown. A workflow of the attacker's shows them a harmless plan with the hash of another
// request's: nothing is signed.
func TestAttack_ApproversAreShownAnotherPlan(t *testing.T) {
	t.Parallel()
	a := newAttacker(newSignedEnv(t))
	run := a.startSigned("1")
	status := a.untilStatus(run, isAwaitingApproval)
	w := worker.New(a.client, a.queue+"-decoy", worker.Options{DisableRegistrationAliasing: true})
	w.RegisterWorkflowWithOptions(decoy, workflow.RegisterOptions{Name: wire.GrantType})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	shown := status
	shown.Plan = new(*status.Plan)
	shown.Plan.Role = access.RoleRef{ID: a.viewer.RoleID, Name: "Viewer"}
	shown.Plan.Effect = nil
	shown.Plan.Terms.Reason = "to read the dashboards"
	_, err := a.client.ExecuteWorkflow(a.ctx(), client.StartWorkflowOptions{
		ID: a.grantID("harmless"), TaskQueue: a.queue + "-decoy",
	}, wire.GrantType, shown)
	require.NoError(t, err)
	for _, by := range []string{"carol@example.com", "dave@example.com"} {
		got := a.signedStarter("approve", by, a.grantID("harmless"), "--yes")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "is forged: it is that of "+run.GetID()+": nothing was signed")
	}
	a.requireNothingWritten()
	require.Zero(t, a.untilStatus(run, isAwaitingApproval).Approval.Given)
}
