package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// waitingAccount is a new user that waits for approval; Carol has delegated to Dave.
type waitingAccount struct {
	*decisionDriver

	plan access.Plan
	made []wire.CreateInput
	told []wire.AnnounceInput
}

func newWaitingAccount(t *testing.T, a access.Approval, changes ...func(*access.Plan)) *waitingAccount {
	t.Helper()
	s := newAccounts(t, wire.ProvisionID("INC-42"))
	w := &waitingAccount{decisionDriver: &decisionDriver{requestEnv: &requestEnv{testEnv: s.testEnv}}, plan: anaPlan()}
	w.plan.Approval, w.plan.Terms.Requester = a, "bob@example.com"
	w.plan.Approval.Required, w.plan.Approval.DecideWithin = true, access.Duration(10*time.Hour)
	for _, change := range changes {
		change(&w.plan)
	}
	w.plan = w.plan.Seal()
	w.delegations.recordDelegation(access.Delegation{
		By: carolMail, To: daveMail, At: began.Add(-time.Hour), Until: began.Add(24 * time.Hour),
	})
	w.on(wire.PlanActivity, mock.Anything).Return(wire.PlanResult{Plan: w.plan, Notify: true}, nil).Once()
	w.on(wire.DecideActivity, mock.Anything).
		Return(func(_ context.Context, in wire.DecideInput) (wire.DecideResult, error) {
			w.decided = append(w.decided, in)
			return w.delegations.answerDecide(in), nil
		}).Maybe()
	w.on(wire.AnnounceActivity, mock.Anything).
		Return(func(_ context.Context, in wire.AnnounceInput) error {
			w.told = append(w.told, in)
			return nil
		}).Maybe()
	w.on(wire.UserCreateActivity, mock.Anything).
		Return(func(_ context.Context, in wire.CreateInput) (wire.CreateResult, error) {
			w.made = append(w.made, in)
			return created(access.Created), nil
		}).Maybe()
	w.on(wire.CloseActivity, mock.Anything).
		Return(func(_ context.Context, in wire.CloseInput) (wire.CloseResult, error) {
			w.closed = append(w.closed, in)
			return wire.CloseResult{Receipt: receiptOf(in)}, nil
		}).Maybe()
	return w
}

func (w *waitingAccount) run() wire.RequestResult {
	w.t.Helper()
	w.ExecuteWorkflow(wire.ProvisionUserType, anaInput())
	return (&accounts{testEnv: w.testEnv}).ended()
}

var oneLead = access.Approval{Steps: []access.ApprovalStep{stepOf(1, carolMail, erinMail)}}

// A new account waits for the approval that a grant of its role would need, says so, and is
// created once it is approved. Decisions of the requester and of the recipient do not count,
// also not as delegates.
func TestProvision_Approved(t *testing.T) {
	t.Parallel()
	w := newWaitingAccount(t, oneLead)
	w.delegations.recordDelegation(access.Delegation{
		By: carolMail, To: bobMail, At: began.Add(-time.Hour), Until: began.Add(24 * time.Hour),
	})
	w.decides(time.Hour, "approve", bobMail).requireRefusedAtEnd(t, "requesters do not decide on their own requests")
	w.decides(time.Hour, "approve", anaMail).requireRefusedAtEnd(t, "people do not decide on their own access")
	w.decides(time.Hour, "approve", "eve@example.com").requireRefusedAtEnd(t, "is not eligible to decide")
	shorter := w.sendDecision(time.Hour, "approve",
		wire.DecisionInput{By: erinMail, Duration: access.Duration(time.Hour)})
	later := w.sendDecision(time.Hour, "approve", wire.DecisionInput{By: erinMail, StartAt: began.Add(9 * time.Hour)})
	var waiting wire.RequestStatus
	w.at(2*time.Hour, func() {
		waiting = w.requestStatus()
		require.Empty(t, w.made)
	})
	yes := w.decides(3*time.Hour, "approve", daveMail)
	got := w.run()

	require.Equal(t, "awaitingApproval", waiting.State)
	require.Equal(t, "for 1 of 1 from leads until 2026-11-02 19:00:00 UTC", waiting.Waiting)
	require.Equal(t, []string{carolMail, erinMail}, waiting.Approval.People)
	shorter.requireRefused(t, "its role is permanent: approve it as it is, or deny it")
	later.requireRefused(t, "its role is permanent: approve it as it is, or deny it")
	require.NoError(t, yes.err)
	require.Equal(t, "provisioned", got.State)
	require.Len(t, w.made, 1)
	require.Equal(t, w.plan, w.made[0].Plan)
	require.Len(t, w.closed, 1)
	require.Equal(t, []access.Decision{yes.decision}, w.closed[0].Decisions)
	require.Equal(t, carolMail, yes.decision.OnBehalfOf)
	require.Equal(t, w.plan.Hash, yes.decision.PlanHash)
	require.Len(t, w.decided, 6, "decisions that did not count are recorded too")

	var events []string
	for _, in := range w.told {
		events = append(events, in.Event.Type)
	}
	require.Equal(t, []string{wire.EventRequested, wire.EventDecided, wire.EventApplied}, events)
}

// requireRefusedAtEnd checks, when the test ends, why a decision did not count.
func (s *decisionReply) requireRefusedAtEnd(t *testing.T, want string) {
	t.Helper()
	t.Cleanup(func() { s.requireRefused(t, want) })
}

// Without approval nothing is created, whatever the reason.
func TestProvision_NotApproved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		does           func(*waitingAccount)
		state, message string
	}{
		"denied": {
			func(w *waitingAccount) { w.decides(time.Hour, "deny", carolMail) },
			"denied", "denied by carol@example.com",
		},
		"timed out": {
			func(*waitingAccount) {}, "timedOut", "not decided in time: the deadline was 2026-11-02 19:00:00 UTC",
		},
		"cancelled": {
			func(w *waitingAccount) { w.sendDecision(time.Hour, wire.CancelUpdate, wire.StopInput{By: bobMail}) },
			"cancelled", "cancelled by bob@example.com",
		},
		"cancelled in Temporal": {
			func(w *waitingAccount) { w.at(time.Hour, w.CancelWorkflow) }, "cancelled", "cancelled in Temporal",
		},
		"half of what it needs": {
			func(w *waitingAccount) { w.decides(time.Hour, "approve", erinMail) }, "timedOut", "not decided in time",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWaitingAccount(t, access.Approval{Steps: []access.ApprovalStep{stepOf(2, carolMail, erinMail)}})
			c.does(w)
			got := w.run()
			require.Equal(t, c.state, got.State)
			require.Contains(t, got.Message, c.message)
			require.Empty(t, w.made)
			require.Len(t, w.closed, 1)
			require.Empty(t, w.closed[0].Proofs)
			if c.state != "timedOut" {
				require.Equal(t, began.Add(time.Hour), w.Now().UTC(), "it waits no longer")
			}
		})
	}
}

// Approved when its token would have ended already, it is not made.
func TestProvision_TokenEndsWhileItWaits(t *testing.T) {
	t.Parallel()
	for after, state := range map[time.Duration]string{time.Hour: "provisioned", 3 * time.Hour: "refused"} {
		w := newWaitingAccount(t, oneLead, func(p *access.Plan) {
			p.Account = &access.NewAccount{Kind: access.ServiceUser, Name: "ci"}
			p.Account.TokenExpiresAt = began.Add(2 * time.Hour)
		})
		w.decides(after, "approve", erinMail)
		got := w.run()
		require.Equal(t, state, got.State)
		if state == "refused" {
			require.Equal(t, "its token was to end at 2026-11-02 11:00:00 UTC, before it was approved: "+
				"request it again, with a later end", got.Message)
			require.Empty(t, w.made)
		}
	}
}
