package e2e

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// attacker is somebody who reaches the namespace and nothing else: no key, no file, no
// token of the console.
type attacker struct {
	*signedEnv

	queue string // of a worker of their own
}

// forgedCall is an activity that the attacker's workflow runs on our workers.
type forgedCall struct {
	Activity string          `json:"activity"`
	Queue    string          `json:"queue"`
	Input    json.RawMessage `json:"input"`
}

const forgeType = "Forge"

// ownRun stands in an input for the run id of the attacker's own workflow.
const ownRun = "the-run-of-the-forger"

// forge is a workflow of the attacker's own. Three attempts are enough to see an answer.
func forge(ctx workflow.Context, in forgedCall) (json.RawMessage, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: in.Queue, StartToCloseTimeout: time.Minute,
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 3, InitialInterval: 10 * time.Millisecond},
	})
	input := bytes.ReplaceAll(in.Input, []byte(ownRun), []byte(workflow.GetInfo(ctx).WorkflowExecution.RunID))
	var out json.RawMessage
	err := workflow.ExecuteActivity(ctx, in.Activity, json.RawMessage(input)).Get(ctx, &out)
	return out, err
}

func newAttacker(e *signedEnv) *attacker {
	e.t.Helper()
	a := &attacker{signedEnv: e, queue: "attacker-" + e.queue}
	w := worker.New(e.client, a.queue, worker.Options{DisableRegistrationAliasing: true})
	w.RegisterWorkflowWithOptions(forge, workflow.RegisterOptions{Name: forgeType})
	require.NoError(e.t, w.Start())
	e.t.Cleanup(w.Stop)
	return a
}

// runActivity runs one of our activities from a workflow of the attacker's own, under an id
// of their choice.
func (a *attacker) runActivity(id, queue, name string, in any) (json.RawMessage, error) {
	a.t.Helper()
	run, err := a.client.ExecuteWorkflow(a.ctx(), client.StartWorkflowOptions{
		ID: id, TaskQueue: a.queue, WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING,
	}, forgeType, forgedCall{Activity: name, Queue: queue, Input: json.RawMessage(toJSON(a.t, in))})
	require.NoError(a.t, err)
	var out json.RawMessage
	err = run.Get(a.ctx(), &out)
	return out, err
}

// change sends a change to the principal's writer, which is started for it.
func (a *attacker) change(in wire.ChangeRequest) (wire.ChangeAnswer, error) {
	a.t.Helper()
	who := wire.WriterStart{Console: a.consoleKey(), Kind: a.user.Kind, ID: a.user.ID}
	handle, err := a.client.UpdateWithStartWorkflow(a.ctx(), client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: a.client.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
			ID: wire.PrincipalID(who.Console, who.Kind, who.ID), TaskQueue: a.signedEnv.queue,
			WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		}, wire.PrincipalType, who),
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateName: wire.ChangeUpdate, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	require.NoError(a.t, err)
	var out wire.ChangeAnswer
	err = handle.Get(a.ctx(), &out)
	return out, err
}

// requireNothingWritten checks the console's own record: nobody but its administrators has
// changed anything.
func (a *attacker) requireNothingWritten() {
	a.t.Helper()
	for _, c := range a.console.Changes() {
		require.NotEqual(a.t, consoletest.ByAPI, c.By, "%+v", c)
	}
	for _, q := range a.console.Requests() {
		require.False(a.t, q.Write(), "%s %s", q.Method, q.Path)
	}
}

func (a *attacker) forgedChange(request, run string, op access.Op, h access.Holding) wire.ChangeRequest {
	id := request + "#" + run
	return wire.ChangeRequest{
		Key: access.ChangeKey(id, op), Request: request,
		Change: access.Change{Op: op, Lease: access.Lease{ID: id, Holding: h}},
	}
}

// One call of update `change` on a principal's writer changes nothing: neither in the name
// of a request that never was, nor in that of one that nobody has approved.
func TestAttack_ChangeOnTheWriter(t *testing.T) {
	t.Parallel()
	a := newAttacker(newSignedEnv(t))
	run := a.startSigned("pending")
	pending := a.untilStatus(run, isAwaitingApproval)
	for name, request := range map[string][2]string{
		"no request": {"grant/never-was", "run"}, "not approved": {run.GetID(), pending.Run},
		"another run": {run.GetID(), "other"},
	} {
		for _, op := range []access.Op{
			access.OpGrant, access.OpAcquire, access.OpRevoke, access.OpReset, access.OpDelete, access.OpRelease,
		} {
			h := a.requested
			if op == access.OpRevoke {
				h = a.viewer
			}
			got, err := a.change(a.forgedChange(request[0], request[1], op, h))
			if op == access.OpRelease { // nothing is there to release, and a proof of that would end the request
				require.Error(t, err, "%s: %s", name, op)
				continue
			}
			require.NoError(t, err, "%s: %s", name, op)
			require.Equal(t, access.Unauthorized, got.Proof.Outcome, "%s: %s", name, op)
			require.NotEmpty(t, got.Message)
		}
	}
	a.requireNothingWritten()
	recorded := a.ledgerEntries(run, "unauthorized")
	require.NotEmpty(t, recorded, "what was refused is on record")
}

// The activities that write believe nothing that a workflow of the attacker's own tells
// them: neither leases and baseline, nor the rules for the last role, nor changes that are
// said to have been interrupted.
func TestAttack_WriteActivity(t *testing.T) {
	t.Parallel()
	a := newAttacker(newSignedEnv(t))
	run := a.startSigned("pending")
	pending := a.untilStatus(run, isAwaitingApproval)
	who := wire.WriterStart{Console: a.consoleKey(), Kind: a.user.Kind, ID: a.user.ID}
	admin := access.Holding{Level: a.viewer.Level, RoleID: a.world.Admin.RoleID, ScopeID: a.viewer.ScopeID}
	held := access.Holdings{Level: a.viewer.Level, Held: []access.HeldRole{
		{RoleID: a.viewer.RoleID, ScopeID: a.viewer.ScopeID},
	}}
	wanted := access.Holdings{
		Level: admin.Level, Held: []access.HeldRole{{RoleID: admin.RoleID, ScopeID: admin.ScopeID}},
	}
	forged := access.OwnershipState{
		Known: true, Baseline: wanted, Proven: held,
		Leases: []access.Lease{{ID: "grant/x#run", Holding: a.viewer}},
	}
	base := a.forgedChange("grant/x", "run", access.OpRelease, a.viewer)
	mine := a.forgedChange(run.GetID(), pending.Run, access.OpRelease, a.viewer)
	last := a.forgedChange(run.GetID(), pending.Run, access.OpRevoke, a.viewer)
	last.Change.Rules = access.Rules{LastRole: access.LastRoleDowngrade, Downgrade: &admin}
	type older struct { // as versions up to 0.5.0 took it
		wire.WriteInput

		Ownership access.OwnershipState `json:"ownership"`
	}
	for name, in := range map[string]any{
		"baseline":    older{wire.WriteInput{Writer: who, Change: base}, forged},
		"own request": older{wire.WriteInput{Writer: who, Change: mine}, forged},
		"last role":   wire.WriteInput{Writer: who, Change: last},
		"interrupted": wire.WriteInput{Writer: who, Change: mine, Preempted: []wire.ChangeRequest{base, last}},
		"other writer": wire.WriteInput{
			Writer: wire.WriterStart{Console: who.Console, Kind: who.Kind, ID: "9"}, Change: mine,
		},
	} {
		_, err := a.runActivity("forge/"+name, wire.WriteQueue(a.signedEnv.queue), wire.WriteActivity, in)
		t.Logf("%s: %v", name, err)
	}
	a.requireNothingWritten()
}

// A plan that an attacker gives in place of the activity is no plan: the writer looks into
// the ledger.
func TestAttack_PlanCompletedByHand(t *testing.T) {
	t.Parallel()
	a := newAttacker(newSignedEnv(t))
	a.console.AddFault(consoletest.Fault{Name: consoletest.ServerError, Method: "GET", Path: "/users"})
	in := a.signGrant(a.signableInput(), a.grantID("forged"), "bob@example.com", a.now())
	run := a.startGrant("forged", in)
	id := a.untilPendingActivity(run, wire.PlanActivity)
	plan := access.Plan{
		Op: access.OpGrant, Console: a.consoleKey(), Principal: a.user.Ref(),
		Role:  access.RoleRef{ID: a.requested.RoleID},
		Scope: access.ScopeRef{Level: a.requested.Level, ID: a.requested.ScopeID},
		Terms: in.Spec().Terms, Before: a.user.Holdings(), After: a.user.Holdings(),
		Approval: access.Approval{Policy: "no approval"},
	}.Seal()
	require.NoError(t, a.client.CompleteActivityByID(
		a.ctx(), "default", run.GetID(), run.GetRunID(), id, wire.PlanResult{Plan: plan}, nil))
	require.ErrorContains(t, run.Get(a.ctx(), nil), "the ledger holds no plan")
	a.requireNothingWritten()
}

// untilPendingActivity waits for an activity that is being retried and returns its id.
func (a *attacker) untilPendingActivity(run client.WorkflowRun, name string) (id string) {
	a.t.Helper()
	return a.untilActivity(run, name, 2)
}

// untilActivity waits for an attempt of an activity and returns the activity's id.
func (a *attacker) untilActivity(run client.WorkflowRun, name string, attempt int32) (id string) {
	a.t.Helper()
	require.Eventually(a.t, func() bool {
		is, err := a.client.DescribeWorkflowExecution(a.ctx(), run.GetID(), run.GetRunID())
		if err != nil {
			return false
		}
		for _, p := range is.GetPendingActivities() {
			if p.GetActivityType().GetName() == name && p.GetAttempt() >= attempt {
				id = p.GetActivityId()
			}
		}
		return id != ""
	}, limit, 20*time.Millisecond)
	return id
}
