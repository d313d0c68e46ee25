package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

const (
	carolMail = "carol@example.com"
	daveMail  = "dave@example.com"
	erinMail  = "erin@example.com"
)

// decisionDriver sends decisions to a grant that waits for approval. Its model keeps the
// delegations in place of the store.
type decisionDriver struct {
	*requestEnv

	delegations    approvalModel
	decided        []wire.DecideInput
	failsWith      error           // of the first decision
	recordingTimes []time.Duration // that recording the first decisions takes; the others take none
}

func newDecisionDriver(t *testing.T, a access.Approval) *decisionDriver {
	t.Helper()
	return newDecisionDriverFor(t, grantInput(0), a)
}

// mockActivities mocks the activities for a request with that plan.
func (c *decisionDriver) mockActivities(in wire.PlanInput, plan access.Plan) {
	c.on(wire.PlanActivity, in).Return(wire.PlanResult{Plan: plan}, nil).Once()
	c.mockDecisions()
}

// mockDecisions mocks the activities that record decisions and the end of the request.
func (c *decisionDriver) mockDecisions() {
	c.on(wire.DecideActivity, mock.Anything).
		Return(func(_ context.Context, in wire.DecideInput) (wire.DecideResult, error) {
			c.decided = append(c.decided, in)
			err := c.failsWith
			c.failsWith = nil
			return c.delegations.answerDecide(in), err
		}).AfterFn(c.nextRecordingTime).Maybe()
	c.on(wire.CloseActivity, mock.Anything).
		Return(func(_ context.Context, in wire.CloseInput) (wire.CloseResult, error) {
			c.closed = append(c.closed, in)
			return wire.CloseResult{Receipt: receiptOf(in)}, nil
		}).Maybe()
}

func (c *decisionDriver) nextRecordingTime() time.Duration {
	if len(c.recordingTimes) == 0 {
		return 0
	}
	next := c.recordingTimes[0]
	c.recordingTimes = c.recordingTimes[1:]
	return next
}

// decides sends a decision when so much time has passed; what comes of it is known at the
// end.
func (c *decisionDriver) decides(d time.Duration, action, by string) *decisionReply {
	return c.sendDecision(d, action, wire.DecisionInput{By: by})
}

type decisionReply struct {
	decision access.Decision
	err      error
}

func (c *decisionDriver) sendDecision(d time.Duration, update string, payload any) *decisionReply {
	out := new(decisionReply)
	c.update(d, update, payload, func(err error) { out.err = err }, func(got any, err error) {
		out.err = err
		out.decision, _ = got.(access.Decision)
	})
	return out
}

// delegates has one person delegate to another for eight hours, when so much time has passed.
func (c *decisionDriver) delegates(d time.Duration, by, to string) {
	c.at(d, func() {
		in := wire.DelegationInput{By: by, To: to, Duration: access.Duration(8 * time.Hour)}
		c.delegations.recordDelegation(in.Delegation(c.Now()).Timed())
	})
}

func (s *decisionReply) requireRefused(t *testing.T, want string) {
	t.Helper()
	require.ErrorContains(t, s.err, want)
}

func stepOf(need int, people ...string) access.ApprovalStep {
	return access.ApprovalStep{Need: need, Groups: []string{"leads"}, People: people}
}

// Dave decides for Carol once she has delegated to him, and for no one else. Neither of them
// decides again after that.
func TestApproval_Delegated(t *testing.T) {
	t.Parallel()
	c := newDecisionDriver(t, access.Approval{Steps: []access.ApprovalStep{stepOf(2, carolMail, erinMail)}})
	early := c.decides(time.Minute, "approve", daveMail)
	c.delegates(2*time.Minute, " Carol@example.com", daveMail)
	forCarol := c.decides(3*time.Minute, "approve", daveMail)
	again := c.decides(4*time.Minute, "approve", daveMail)
	herself := c.decides(5*time.Minute, "approve", "CAROL@example.com")
	c.delegates(6*time.Minute, erinMail, daveMail)
	both := c.decides(7*time.Minute, "deny", daveMail)
	c.applies(access.OpGrant, access.Applied)
	erin := c.decides(8*time.Minute, "approve", erinMail)
	got := c.grant(grantInput(0))
	require.Equal(t, "granted", got.State)
	early.requireRefused(t, "is not eligible to decide")
	require.NoError(t, forCarol.err)
	require.Equal(t, carolMail, forCarol.decision.OnBehalfOf)
	require.True(t, forCarol.decision.EscalatedAt.IsZero())
	again.requireRefused(t, "dave@example.com has decided already: approve at")
	herself.requireRefused(t, "dave@example.com has decided already for CAROL@example.com: approve at")
	both.requireRefused(t, "dave@example.com has decided already")
	require.NoError(t, erin.err)
	require.Equal(t, []string{carolMail, erinMail}, c.decided[0].Delegators)
	require.Empty(t, c.decided[2].Delegators, "a person has one word")
}

// A delegate who is eligible decides in their own name, which leaves the delegator free to.
func TestApproval_ForThemselvesFirst(t *testing.T) {
	t.Parallel()
	steps := []access.ApprovalStep{stepOf(1, carolMail, daveMail), stepOf(1, carolMail)}
	c := newDecisionDriver(t, access.Approval{Steps: steps})
	c.delegates(time.Minute, carolMail, daveMail)
	own := c.decides(2*time.Minute, "approve", daveMail)
	c.applies(access.OpGrant, access.Applied)
	carol := c.decides(3*time.Minute, "approve", carolMail)
	require.Equal(t, "granted", c.grant(grantInput(0)).State)
	require.Empty(t, own.decision.OnBehalfOf)
	require.NoError(t, carol.err)
}

// A denial may be for an approver of a later step, an approval only for one of the open step.
func TestApproval_DelegatedLater(t *testing.T) {
	t.Parallel()
	c := newDecisionDriver(t, access.Approval{Steps: []access.ApprovalStep{stepOf(1, carolMail), stepOf(1, erinMail)}})
	c.delegates(time.Minute, erinMail, daveMail)
	yes := c.decides(2*time.Minute, "approve", daveMail)
	no := c.decides(3*time.Minute, "deny", daveMail)
	got := c.grant(grantInput(0))
	require.Equal(t, "denied", got.State)
	require.Equal(t, "denied by dave@example.com for erin@example.com", got.Message)
	yes.requireRefused(t, "is not eligible to decide")
	require.NoError(t, no.err)
	require.Equal(t, []string{carolMail, erinMail}, c.decided[1].Delegators)
}

// Decisions that the requester or the recipient hands to another, or gets from one, do not
// count on that request.
func TestApproval_DelegatedByOrToThosePersons(t *testing.T) {
	t.Parallel()
	c := newDecisionDriver(t, access.Approval{Steps: []access.ApprovalStep{stepOf(1, anaMail, bobMail, carolMail)}})
	c.delegates(time.Minute, bobMail, daveMail)
	c.delegates(time.Minute, anaMail, daveMail)
	c.delegates(time.Minute, carolMail, bobMail)
	c.delegates(time.Minute, carolMail, anaMail)
	dave := c.decides(2*time.Minute, "approve", daveMail)
	bob := c.decides(3*time.Minute, "approve", "Bob@Example.com")
	ana := c.decides(4*time.Minute, "approve", anaMail)
	require.Equal(t, "timedOut", c.grant(grantInput(0)).State)
	dave.requireRefused(t, "dave@example.com is not eligible to decide")
	bob.requireRefused(t, "requesters do not decide on their own requests")
	ana.requireRefused(t, "people do not decide on their own access")
	require.Equal(t, []string{carolMail}, c.decided[0].Delegators)
	require.Empty(t, c.decided[1].Delegators)
	require.Empty(t, c.decided[2].Delegators)
}

// Those escalated to may decide the open step and those that follow, from then on.
func TestApproval_Escalated(t *testing.T) {
	t.Parallel()
	c := newDecisionDriver(t, access.Approval{
		Steps:         []access.ApprovalStep{stepOf(1, carolMail), stepOf(1, carolMail)},
		EscalateAfter: access.Duration(time.Hour), EscalateTo: []string{bobMail, daveMail, erinMail},
	})
	before := c.decides(time.Hour-time.Second, "approve", daveMail)
	requester := c.decides(time.Hour+time.Minute, "approve", bobMail)
	open := c.decides(time.Hour+2*time.Minute, "approve", daveMail)
	c.applies(access.OpGrant, access.Applied)
	var seen wire.RequestStatus
	c.at(time.Hour+3*time.Minute, func() { seen = c.requestStatus() })
	next := c.decides(time.Hour+4*time.Minute, "approve", erinMail)
	got := c.grant(grantInput(0))
	require.Equal(t, "granted", got.State)
	before.requireRefused(t, "is not eligible before the request is escalated")
	requester.requireRefused(t, "requesters do not decide on their own requests")
	require.NoError(t, open.err)
	require.NoError(t, next.err)
	for _, d := range []access.Decision{open.decision, next.decision} {
		require.Equal(t, began.Add(time.Hour), d.EscalatedAt)
	}
	require.Equal(t, []string{carolMail, daveMail, erinMail}, seen.Approval.People)
	require.Equal(t, began.Add(time.Hour), seen.Approval.EscalatedAt)
}

func TestDelegate(t *testing.T) {
	t.Parallel()
	in := wire.DelegationInput{
		By: " carol@example.com", To: daveMail, Duration: access.Duration(time.Hour), Comment: "away", Console: host,
	}
	want := access.Delegation{
		By: carolMail, To: daveMail, At: began, Until: began.Add(time.Hour), Duration: in.Duration, Comment: "away",
		Console: host,
	}
	for refusal, state := range map[string]string{"": "delegated", "there is nothing to take back": "refused"} {
		s := newRequest(t)
		s.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: "delegate/1", TaskQueue: "sentinelone"})
		s.on(wire.DelegateActivity, wire.DelegateInput{
			Request: wire.RequestInfo{ID: "delegate/1", Run: snapshot, StartedAt: began}, Delegation: want,
		}).Return(wire.DelegateResult{Delegation: want, Refusal: refusal}, nil).Once()
		s.ExecuteWorkflow(wire.DelegateType, in)
		require.True(t, s.IsWorkflowCompleted())
		require.Equal(t, wire.DelegateStatus{State: state, Delegation: want, Message: refusal},
			statusOf[wire.DelegateStatus](s.testEnv))
		if refusal != "" {
			require.Equal(t, "Refused", s.failure().Type())
			continue
		}
		var got access.Delegation
		require.NoError(t, s.GetWorkflowResult(&got))
		require.Equal(t, want, got)
	}
}

// A delegation that cannot be meant is refused before anything is recorded.
func TestDelegate_Invalid(t *testing.T) {
	t.Parallel()
	for want, in := range map[string]wire.DelegationInput{
		`"by" is missing`:        {To: daveMail, Duration: 1},
		`"to" is missing`:        {By: carolMail, Duration: 1},
		`say either "until"`:     {By: carolMail, To: daveMail},
		`say either "until", as`: {By: carolMail, To: daveMail, Duration: 1, Until: began},
		"the longest is 366 days": {
			By: carolMail, To: daveMail, Until: began.Add(367 * 24 * time.Hour),
		},
		"give one above 0":                        {By: carolMail, To: daveMail, Duration: -1},
		"cannot delegate to the same person":      {By: carolMail, To: "Carol@example.com ", Duration: 1},
		`to contains U+0000, a control character`: {By: carolMail, To: "dave\x00@example.com", Duration: 1},
	} {
		s := newRequest(t)
		s.ExecuteWorkflow(wire.DelegateType, in)
		require.Equal(t, "Invalid", s.failure().Type(), want)
		require.ErrorContains(t, s.failure(), want)
	}
}
