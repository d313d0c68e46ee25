package e2e

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// newApprovalEnv has a worker that asks for the approval of two leads.
func newApprovalEnv(t *testing.T, extraEnv ...string) *grantEnv {
	t.Helper()
	return newGrantEnvWithPolicy(t, twoOfThreeLeadsPolicy, extraEnv...)
}

func isAwaitingApproval(got wire.RequestStatus) bool { return got.State == wire.StateAwaitingApproval }

// isPlannedAgain says that a request needs approval of a plan that sees the edit of its
// user's roles.
func isPlannedAgain(got wire.RequestStatus) bool {
	return isAwaitingApproval(got) && len(got.Plan.Before.Held) == 2
}

// decide sends a decision and returns it as recorded, or the error that says why it does
// not count.
func (r *grantEnv) decide(run client.WorkflowRun, action, by string) (access.Decision, error) {
	var out access.Decision
	handle, err := r.client.UpdateWorkflow(r.ctx(), client.UpdateWorkflowOptions{
		WorkflowID: run.GetID(), UpdateName: action, WaitForStage: client.WorkflowUpdateStageCompleted,
		Args: []any{wire.DecisionInput{By: by}},
	})
	if err == nil {
		err = handle.Get(r.ctx(), &out)
	}
	return out, err
}

// Decisions of the requester, of the recipient and of a stranger do not count, nor does a
// second one of the same person. Those of two leads do. The ledger has the others too.
func TestApproval_TwoLeads(t *testing.T) {
	t.Parallel()
	s := newApprovalEnv(t)
	run := s.startGrant("1", s.input(""))
	s.untilStatus(run, isAwaitingApproval)
	for by, why := range map[string]string{
		"BOB@example.com ": "requesters do not decide on their own requests",
		"ana@example.com":  "people do not decide on their own access",
		"eve@example.com":  "is not eligible to decide",
	} {
		_, err := s.decide(run, "approve", by)
		require.ErrorContains(t, err, why, by)
	}
	_, err := s.decide(run, "approve", "carol@example.com")
	require.NoError(t, err)
	_, err = s.decide(run, "approve", "Carol@example.com")
	require.ErrorContains(t, err, "has decided already")
	require.False(t, s.holdings().Holds(s.requested), "one of two is not enough")
	_, err = s.decide(run, "approve", "dave@example.com")
	require.NoError(t, err)
	got := s.result(run)
	require.Equal(t, wire.StateGranted, got.State, got.Message)
	require.True(t, s.holdings().Holds(s.requested))
	s.requireReceipt(got)
	require.Len(t, got.Receipt.Decisions, 2)
	require.Equal(t, "ask", got.Receipt.Plan.Approval.Rule)
	require.Len(t, s.ledgerEntries(run, "decision"), 6, "the ledger has the refused decisions too")
}

func TestApproval_Denied(t *testing.T) {
	t.Parallel()
	s := newApprovalEnv(t)
	run := s.startGrant("1", s.input(""))
	s.untilStatus(run, isAwaitingApproval)
	_, err := s.decide(run, "deny", "carol@example.com")
	require.NoError(t, err)
	got := s.result(run)
	require.Equal(t, wire.StateDenied, got.State)
	require.Contains(t, got.Message, "carol@example.com")
	require.False(t, s.holdings().Holds(s.requested))
	s.requireReceipt(got)
}

// An extension is refused beyond the maximum duration of the policy.
func TestApproval_ExtendWithinThePolicy(t *testing.T) {
	t.Parallel()
	s := newApprovalEnv(t)
	run := s.startGrant("1", s.input("1h"))
	s.untilStatus(run, isAwaitingApproval)
	for _, by := range []string{"carol@example.com", "dave@example.com"} {
		_, err := s.decide(run, "approve", by)
		require.NoError(t, err)
	}
	s.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateActive })
	more := wire.ExtendInput{By: "bob@example.com", Duration: access.Duration(8 * time.Hour)}
	_, err := s.tryUpdate(run, wire.ExtendUpdate, more)
	require.ErrorContains(t, err, "the policy allows 8h")
	s.update(run, wire.EndUpdate, wire.StopInput{By: "bob@example.com"})
	require.Equal(t, wire.StateEnded, s.result(run).State)
}

// Somebody gives another role at the requested scope between the first approval and the change.
// The grant would replace it, so the leads are asked again, and the earlier approvals do not
// count.
func TestApproval_AskedAgainWhenThePlanChanges(t *testing.T) {
	t.Parallel()
	s := newApprovalEnv(t)
	run := s.startGrant("1", s.input(""))
	s.untilStatus(run, isAwaitingApproval)
	_, err := s.decide(run, "approve", "carol@example.com")
	require.NoError(t, err)
	replaced := s.world.AtSite("Admin", 1)
	s.setRolesByHand(s.viewer, replaced)
	_, err = s.decide(run, "approve", "dave@example.com")
	require.NoError(t, err)
	s.untilStatus(run, isPlannedAgain)
	require.False(t, s.holdings().Holds(s.requested))
	for _, by := range []string{"dave@example.com", "carol@example.com"} {
		_, err = s.decide(run, "approve", by)
		require.NoError(t, err)
	}
	require.Equal(t, wire.StateGranted, s.result(run).State)
	require.False(t, s.holdings().Holds(replaced), "the approved effect replaces it")
}

// 200 decisions at once: there is one outcome, and everybody has an answer.
func TestApproval_ManyAtOnce(t *testing.T) {
	t.Parallel()
	s := newApprovalEnv(t)
	run := s.startGrant("1", s.input(""))
	s.untilStatus(run, isAwaitingApproval)
	const many = 200
	answers := make([]error, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			action, by := "approve", fmt.Sprintf("person%d@example.com", i)
			switch i % 20 {
			case 3:
				by = "carol@example.com"
			case 7:
				by = "dave@example.com"
			case 11:
				action, by = "deny", "dave@example.com"
			}
			answers[i] = s.decideUntilAnswered(run, fmt.Sprint("decision-", i), action, by)
		})
	}
	all.Wait()
	got := s.result(run)
	counted := 0
	for _, err := range answers {
		if err == nil {
			counted++
		}
	}
	require.Len(t, got.Receipt.Decisions, counted)
	// Refused: dave has approved and then denied, and his no stands though the workflow takes one decision of each.
	require.Contains(t, []string{wire.StateGranted, wire.StateDenied, wire.StateRefused}, got.State)
	require.Equal(t, got.State == wire.StateRefused, got.Outcome == access.Unauthorized, got.Message)
	require.Equal(t, got.State == wire.StateGranted, s.holdings().Holds(s.requested))
	s.requireReceipt(got)
}

// decideUntilAnswered repeats a decision until the workflow itself has answered: the server
// rejects updates beyond ten in flight. The update id makes a repeated decision return the
// first answer.
func (r *grantEnv) decideUntilAnswered(run client.WorkflowRun, id, action, by string) error {
	for {
		handle, err := r.client.UpdateWorkflow(r.ctx(), client.UpdateWorkflowOptions{
			UpdateID: id, WorkflowID: run.GetID(), UpdateName: action,
			WaitForStage: client.WorkflowUpdateStageCompleted, Args: []any{wire.DecisionInput{By: by}},
		})
		if err == nil {
			err = handle.Get(r.ctx(), nil)
		}
		var said *temporal.ApplicationError
		var over *serviceerror.NotFound
		if err == nil || errors.As(err, &said) || errors.As(err, &over) || r.ctx().Err() != nil {
			return err
		}
	}
}

// ledgerEntries are the entries of one kind that the ledger has of a request.
func (r *grantEnv) ledgerEntries(run client.WorkflowRun, kind ledger.Kind) []ledger.Entry {
	r.t.Helper()
	entries, err := r.openStore().LedgerOf(r.ctx(), r.consoleKey(), run.GetID())
	require.NoError(r.t, err)
	var out []ledger.Entry
	for _, e := range entries {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}
