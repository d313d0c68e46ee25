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

// council is a grant that waits for people, of whom some have handed their word to
// others: a real table of delegations stands in for the store.
type council struct {
	*requestScene

	table   ballot
	decided []wire.DecideInput
	breaks  error           // of the first decision
	takes   []time.Duration // for the first decisions to be written down; the others no time
}

func newCouncil(t *testing.T, a access.Approval) *council {
	t.Helper()
	return newCouncilOn(t, grantInput(0), a)
}

// answers mocks the activities for a request with that plan.
func (c *council) answers(in wire.PlanInput, plan access.Plan) {
	c.on(wire.PlanActivity, in).Return(wire.PlanResult{Plan: plan}, nil).Once()
	c.on(wire.DecideActivity, mock.Anything).
		Return(func(_ context.Context, in wire.DecideInput) (wire.DecideResult, error) {
			c.decided = append(c.decided, in)
			err := c.breaks
			c.breaks = nil
			return c.table.speakFor(in), err
		}).AfterFn(c.nextTakes).Maybe()
	c.on(wire.CloseActivity, mock.Anything).
		Return(func(_ context.Context, in wire.CloseInput) (wire.CloseResult, error) {
			c.closed = append(c.closed, in)
			return wire.CloseResult{Receipt: receiptOf(in)}, nil
		}).Maybe()
}

func (c *council) nextTakes() time.Duration {
	if len(c.takes) == 0 {
		return 0
	}
	next := c.takes[0]
	c.takes = c.takes[1:]
	return next
}

// says sends a decision when so much time has passed; what comes of it is known at the
// end.
func (c *council) says(d time.Duration, action, by string) *spoken {
	return c.sends(d, action, wire.DecisionInput{By: by})
}

type spoken struct {
	decision access.Decision
	err      error
}

func (c *council) sends(d time.Duration, update string, payload any) *spoken {
	out := new(spoken)
	c.update(d, update, payload, func(err error) { out.err = err }, func(got any, err error) {
		out.err = err
		out.decision, _ = got.(access.Decision)
	})
	return out
}

// hands hands somebody's decisions to another for eight hours, when so much time has passed.
func (c *council) hands(d time.Duration, by, to string) {
	c.at(d, func() {
		in := wire.DelegationInput{By: by, To: to, Duration: access.Duration(8 * time.Hour)}
		c.table.handOver(in.Delegation(c.Now()).Timed())
	})
}

func (s *spoken) refused(t *testing.T, want string) {
	t.Helper()
	require.ErrorContains(t, s.err, want)
}

func stepOf(need int, people ...string) access.ApprovalStep {
	return access.ApprovalStep{Need: need, Groups: []string{"leads"}, People: people}
}

// Dave decides for Carol once she has handed it to him, and for nobody else; both their
// words are used up by it.
func TestConsent_Delegated(t *testing.T) {
	t.Parallel()
	c := newCouncil(t, access.Approval{Steps: []access.ApprovalStep{stepOf(2, carolMail, erinMail)}})
	early := c.says(time.Minute, "approve", daveMail)
	c.hands(2*time.Minute, " Carol@example.com", daveMail)
	forCarol := c.says(3*time.Minute, "approve", daveMail)
	again := c.says(4*time.Minute, "approve", daveMail)
	herself := c.says(5*time.Minute, "approve", "CAROL@example.com")
	c.hands(6*time.Minute, erinMail, daveMail)
	both := c.says(7*time.Minute, "deny", daveMail)
	c.applies(access.OpGrant, access.Applied)
	erin := c.says(8*time.Minute, "approve", erinMail)
	got := c.grant(grantInput(0))
	require.Equal(t, "granted", got.State)
	early.refused(t, "is not eligible to decide")
	require.NoError(t, forCarol.err)
	require.Equal(t, carolMail, forCarol.decision.OnBehalfOf)
	require.True(t, forCarol.decision.EscalatedAt.IsZero())
	again.refused(t, "dave@example.com has decided already: approve at")
	herself.refused(t, "dave@example.com has decided already for CAROL@example.com: approve at")
	both.refused(t, "dave@example.com has decided already")
	require.NoError(t, erin.err)
	require.Equal(t, []string{carolMail, erinMail}, c.decided[0].Delegators)
	require.Empty(t, c.decided[2].Delegators, "a person has one word")
}

// Whoever may decide does so for themselves, and what they had from others is left.
func TestConsent_ForThemselvesFirst(t *testing.T) {
	t.Parallel()
	steps := []access.ApprovalStep{stepOf(1, carolMail, daveMail), stepOf(1, carolMail)}
	c := newCouncil(t, access.Approval{Steps: steps})
	c.hands(time.Minute, carolMail, daveMail)
	own := c.says(2*time.Minute, "approve", daveMail)
	c.applies(access.OpGrant, access.Applied)
	carol := c.says(3*time.Minute, "approve", carolMail)
	require.Equal(t, "granted", c.grant(grantInput(0)).State)
	require.Empty(t, own.decision.OnBehalfOf)
	require.NoError(t, carol.err)
}

// A denial may be for somebody of a later step, an approval only of the open one.
func TestConsent_DelegatedLater(t *testing.T) {
	t.Parallel()
	c := newCouncil(t, access.Approval{Steps: []access.ApprovalStep{stepOf(1, carolMail), stepOf(1, erinMail)}})
	c.hands(time.Minute, erinMail, daveMail)
	yes := c.says(2*time.Minute, "approve", daveMail)
	no := c.says(3*time.Minute, "deny", daveMail)
	got := c.grant(grantInput(0))
	require.Equal(t, "denied", got.State)
	require.Equal(t, "denied by dave@example.com for erin@example.com", got.Message)
	yes.refused(t, "is not eligible to decide")
	require.NoError(t, no.err)
	require.Equal(t, []string{carolMail, erinMail}, c.decided[1].Delegators)
}

// Decisions that the requester or the recipient hands to another, or gets from one, do not
// count on that request.
func TestConsent_DelegatedByOrToThosePersons(t *testing.T) {
	t.Parallel()
	c := newCouncil(t, access.Approval{Steps: []access.ApprovalStep{stepOf(1, anaMail, bobMail, carolMail)}})
	c.hands(time.Minute, bobMail, daveMail)
	c.hands(time.Minute, anaMail, daveMail)
	c.hands(time.Minute, carolMail, bobMail)
	c.hands(time.Minute, carolMail, anaMail)
	dave := c.says(2*time.Minute, "approve", daveMail)
	bob := c.says(3*time.Minute, "approve", "Bob@Example.com")
	ana := c.says(4*time.Minute, "approve", anaMail)
	require.Equal(t, "timedOut", c.grant(grantInput(0)).State)
	dave.refused(t, "dave@example.com is not eligible to decide")
	bob.refused(t, "requesters do not decide on their own requests")
	ana.refused(t, "people do not decide on their own access")
	require.Equal(t, []string{carolMail}, c.decided[0].Delegators)
	require.Empty(t, c.decided[1].Delegators)
	require.Empty(t, c.decided[2].Delegators)
}

// Those escalated to may decide the open step and those that follow, from then on.
func TestConsent_Escalated(t *testing.T) {
	t.Parallel()
	c := newCouncil(t, access.Approval{
		Steps:         []access.ApprovalStep{stepOf(1, carolMail), stepOf(1, carolMail)},
		EscalateAfter: access.Duration(time.Hour), EscalateTo: []string{bobMail, daveMail, erinMail},
	})
	before := c.says(time.Hour-time.Second, "approve", daveMail)
	requester := c.says(time.Hour+time.Minute, "approve", bobMail)
	open := c.says(time.Hour+2*time.Minute, "approve", daveMail)
	c.applies(access.OpGrant, access.Applied)
	var seen wire.RequestStatus
	c.at(time.Hour+3*time.Minute, func() { seen = c.look() })
	next := c.says(time.Hour+4*time.Minute, "approve", erinMail)
	got := c.grant(grantInput(0))
	require.Equal(t, "granted", got.State)
	before.refused(t, "is not eligible before the request is escalated")
	requester.refused(t, "requesters do not decide on their own requests")
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
			statusOf[wire.DelegateStatus](s.scene))
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
		`"by" is missing`:                    {To: daveMail, Duration: 1},
		`"to" is missing`:                    {By: carolMail, Duration: 1},
		`say either "until"`:                 {By: carolMail, To: daveMail},
		`say either "until", as`:             {By: carolMail, To: daveMail, Duration: 1, Until: began},
		"the longest is 366 days":            {By: carolMail, To: daveMail, Until: began.Add(367 * 24 * time.Hour)},
		"give one above 0":                   {By: carolMail, To: daveMail, Duration: -1},
		"cannot delegate to the same person": {By: carolMail, To: "Carol@example.com ", Duration: 1},
		`"to" holds characters that no name`: {By: carolMail, To: "dave\x00@example.com", Duration: 1},
	} {
		s := newRequest(t)
		s.ExecuteWorkflow(wire.DelegateType, in)
		require.Equal(t, "Invalid", s.failure().Type(), want)
		require.ErrorContains(t, s.failure(), want)
	}
}
