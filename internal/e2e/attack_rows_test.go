package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// resetBefore resets a workflow to the workflow task before an event, and returns the new
// run. Updates are not applied again: the adversary leaves out what they do not like.
func (s *stack) resetBefore(run client.WorkflowRun, kind enums.EventType) client.WorkflowRun {
	s.t.Helper()
	var task int64
	events := s.client.GetWorkflowHistory(s.ctx(), run.GetID(), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(s.t, err)
		if e.GetEventType() == kind {
			break
		}
		if e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			task = e.GetEventId()
		}
	}
	_, err := s.client.ResetWorkflowExecution(s.ctx(), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: "default", WorkflowExecution: &common.WorkflowExecution{WorkflowId: run.GetID()},
		WorkflowTaskFinishEventId: task, RequestId: s.t.Name() + time.Now().String(), Reason: "the adversary",
		ResetReapplyExcludeTypes: []enums.ResetReapplyExcludeType{
			enums.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL, enums.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE,
		},
	})
	require.NoError(s.t, err)
	return s.client.GetWorkflow(s.ctx(), run.GetID(), "")
}

const updateAccepted = enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED

// Row 2 of issue 10: a signed no stands, whatever is reset, and whoever approves after that.
func TestAttack_DenialStandsAfterReset(t *testing.T) {
	t.Parallel()
	a := newAttacker(newSignedEnv(t))
	run := a.startSigned("1")
	status := a.untilStatus(run, isAwaitingApproval)
	deny := wire.DecisionInput{By: "carol@example.com", SignedAt: a.now()}
	deny.Signature = a.sign(deny.By, signing.OfDecision(run.GetID(), status.Run, status.Plan.Hash, access.Decision{
		Action: signing.KindDeny, By: deny.By, SignedAt: deny.SignedAt,
	}))
	_, err := a.tryUpdate(run, wire.DenyUpdate, deny)
	require.NoError(t, err)
	require.Equal(t, wire.StateDenied, a.result(run).State)

	again := a.resetBefore(run, updateAccepted)
	a.untilStatus(again, isAwaitingApproval)
	for _, by := range []string{"carol@example.com", "dave@example.com"} {
		require.ErrorContains(t, a.tryApprove(again, wire.DecisionInput{By: by}), "a signature is required")
	}
	for _, op := range []access.Op{access.OpGrant, access.OpAcquire} {
		got, err := a.change(a.forgedChange(run.GetID(), status.Run, op, a.requested))
		require.NoError(t, err)
		require.Equal(t, access.Unauthorized, got.Proof.Outcome)
	}
	a.approveSigned(again, "dave@example.com") // who do not know of the no
	a.approveSigned(again, "gus@example.com")
	got := a.result(again)
	require.NotEqual(t, wire.StateGranted, got.State, got.Message)
	a.requireNothingWritten()
}

// Row 2 of issue 10: one person who approves once more after a reset is one of two.
func TestAttack_OnePersonAfterReset(t *testing.T) {
	t.Parallel()
	a := newAttacker(newSignedEnv(t))
	run := a.startSigned("1")
	status := a.untilStatus(run, isAwaitingApproval)
	for range 2 {
		a.approveSigned(run, "carol@example.com")
		run = a.resetBefore(run, updateAccepted)
		a.untilStatus(run, isAwaitingApproval)
	}
	a.approveSigned(run, "carol@example.com")
	require.Len(t, a.ledgerEntries(run, ledger.KindDecision), 3)
	require.Equal(t, 1, a.untilStatus(run, isAwaitingApproval).Approval.Given)
	got, err := a.change(a.forgedChange(run.GetID(), status.Run, access.OpGrant, a.requested))
	require.NoError(t, err)
	require.Equal(t, access.Unauthorized, got.Proof.Outcome, got.Message)
	a.requireNothingWritten()
}

// Row 7 of issue 10: a key that is revoked between its approval and the start gives nothing.
func TestAttack_KeyRevokedAfterApproval(t *testing.T) {
	t.Parallel()
	a := newAttacker(newSignedEnv(t))
	in := a.signableInput()
	in.StartAt = new(time.Now().Add(45 * time.Second).UTC())
	run := a.startGrant("1", a.signGrant(in, a.grantID("1"), "bob@example.com", a.now()))
	a.approveSigned(run, "carol@example.com")
	a.approveSigned(run, "dave@example.com")
	a.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateScheduled })
	revoked, err := os.OpenFile(a.revoked, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = revoked.WriteString(a.keys["carol@example.com"].Public() + "\n")
	require.NoError(t, err)
	require.NoError(t, revoked.Close())
	got := a.result(run)
	require.Equal(t, wire.StateRefused, got.State, got.Message)
	require.Equal(t, access.Unauthorized, got.Outcome)
	require.Contains(t, got.Message, "is revoked")
	require.NotEmpty(t, a.ledgerEntries(run, ledger.KindUnauthorized))
	a.requireNothingWritten()
}

// Row 1 of issue 10: a receipt is what the ledger bears out, whoever asks for it, also under
// the id of the request.
func TestAttack_ForgedReceipt(t *testing.T) {
	t.Parallel()
	a := newAttacker(newSignedEnv(t))
	run := a.startSigned("1")
	status := a.untilStatus(run, isAwaitingApproval)
	forged := wire.CloseInput{
		Request: wire.RequestInfo{ID: run.GetID(), Run: status.Run, StartedAt: status.StartedAt}, Plan: *status.Plan,
		Proofs: []access.Proof{{
			Op: access.OpGrant, Outcome: access.Applied,
			Key: access.ChangeKey(run.GetID()+"#"+status.Run, access.OpGrant),
		}},
	}
	for _, state := range []string{wire.StateGranted, wire.StateDenied, wire.StateExpired} {
		for _, of := range []string{status.Run, ownRun} {
			forged.State, forged.Request.Run = state, of
			for _, id := range []string{run.GetID(), "forge/" + t.Name()} {
				_, err := a.runActivity(id, a.signedEnv.queue, wire.CloseActivity, forged)
				require.Error(t, err, "%s of %s as %s", state, of, id)
			}
		}
	}
	require.Empty(t, a.ledgerEntries(run, ledger.KindReceipt))
	a.requireNothingWritten()
}

// Row 19 of issue 10: a plan that is said to be a later one needs a first plan, and follows
// the policy of that one, not the one that its input names.
func TestAttack_LaterPlan(t *testing.T) {
	t.Parallel()
	a := newAttacker(newSignedEnv(t))
	run := a.startSigned("1")
	status := a.untilStatus(run, isAwaitingApproval)
	in := a.signableInput()
	id := "grant/" + t.Name()
	out, err := a.runActivity(id, a.signedEnv.queue, wire.PlanActivity, wire.PlanInput{
		Request: wire.RequestInfo{ID: id, Run: ownRun, StartedAt: status.StartedAt}, Console: in.Console,
		Op: access.OpGrant, Principal: in.Principal, Role: in.Role, Scope: in.Scope, Terms: in.Spec().Terms,
		Round: 1, Policy: status.Plan.Approval.Hash,
	})
	require.NoError(t, err)
	require.Contains(t, string(out), "the ledger has no first plan of this request")
	a.requireNothingWritten()
}

// Row 1 of issue 10: accounts are made for requests that were approved, whatever the input of
// the activity says, and under whose id it runs.
func TestAttack_AccountActivities(t *testing.T) {
	t.Parallel()
	a := newAttacker(newSignedEnv(t))
	life := access.Duration(time.Hour)
	in := wire.ProvisionServiceUserInput{
		Name: "nightly", Role: access.RoleSelector{ID: a.requested.RoleID},
		Scope:     access.ScopeSelector{Level: a.requested.Level, ID: a.requested.ScopeID},
		TokenLife: &life, Requester: "bob@example.com", Console: a.consoleKey(),
	}
	id, at := wire.ProvisionID(t.Name()), a.now()
	in.Sign(a.sign(in.Requester, signing.OfRequest(id, access.RequestSignature{Request: in.Spec(), SignedAt: at})), at)
	run := a.start(id, wire.ProvisionServiceUserType, in)
	status := a.untilStatus(run, isAwaitingApproval)
	create := wire.CreateInput{Request: wire.RequestInfo{ID: id, StartedAt: at}, Plan: *status.Plan}
	for _, of := range []string{status.Run, ownRun} {
		for _, as := range []string{"forge/" + t.Name(), id} { // the last one takes the request's place
			for _, activity := range []string{wire.UserCreateActivity, wire.ServiceUserCreateActivity} {
				create.Request.Run, create.Key = of, access.ChangeKey(id+"#"+of, access.OpCreate)
				_, err := a.runActivity(as, a.signedEnv.queue, activity, create)
				require.Error(t, err, "%s of %s as %s", activity, of, as)
			}
		}
	}
	a.requireNothingWritten()
}
