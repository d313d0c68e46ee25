package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

// past is a request that ended in a state, after decisions: pairs of approver and action.
func past(state string, decisions ...string) policy.PastRequest {
	q := socGrant(access.OpAcquire)
	out := policy.PastRequest{
		Request: "grant/INC-42", At: q.Now, State: state,
		Plan: access.Plan{
			Op: q.Op, Principal: q.Principal, Role: access.RoleRef{ID: q.Role.ID, Name: q.Role.Name},
			Scope: access.ScopeRef{Level: q.Scope.Level, ID: q.Scope.ID},
			Terms: access.Terms{Requester: q.Requester, Duration: q.Duration},
		},
	}
	for i := 0; i < len(decisions); i += 2 {
		out.Plan.Approval.Required = true
		out.Decisions = append(out.Decisions, access.Decision{
			At: q.Now.Add(time.Duration(i) * time.Minute), By: decisions[i], Action: decisions[i+1],
		})
	}
	return out
}

// delegated makes decision i one of a delegate; of is the delegator.
func delegated(p *policy.PastRequest, i int, of string) {
	d := &p.Decisions[i]
	d.OnBehalfOf = of
	d.Delegation = &access.Delegation{By: of, To: d.By, At: p.At, Until: p.At.Add(time.Hour)}
}

// Rules of the new policy, and people who decided.
const (
	ruleSOC       = "  - {name: a, approvals: [{need: 1, from: [soc]}]}\n"
	ruleSteps     = "  - {name: a, approvals: [{need: 1, from: [soc]}, {need: 2, from: [owners, soc]}]}\n"
	ruleHour      = "  - {name: a, approvals: [{need: 1, from: [soc]}], decideWithin: 1h}\n"
	ruleAuto      = "  - {name: a, autoApprove: true}\n"
	ruleDeny      = ruleAuto + "  - {name: b, when: role.name == \"SOC\", deny: closed}\n"
	ruleEscalated = "  - {name: a, approvals: [{need: 1, from: [soc]}], escalateAfter: 3m, escalateTo: [owners]}\n"
	ana           = "Ana@example.com"
	bob           = "bob@example.com"
	carol         = "carol@example.com"
)

// awaitingApproval marks a request that needed approval.
func awaitingApproval(p policy.PastRequest) policy.PastRequest {
	p.Plan.Approval.Required = true
	return p
}

// replayCase is a past request and a policy's rules, with the expected result.
type replayCase struct {
	rules string
	past  policy.PastRequest
	would string // "" for no difference
	why   string
}

func requireReplays(t *testing.T, cases map[string]replayCase) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parse(t, testGroups+c.rules).Replay(c.past.Input(), c.past)
			require.False(t, got.Unclear)
			require.Equal(t, c.would != "", got.Differs, "%+v", got)
			require.Contains(t, got.Why, c.why)
			if c.would == "" {
				require.Equal(t, got.Was, got.WouldBe)
			} else {
				require.Equal(t, c.would, got.WouldBe)
			}
		})
	}
}

func TestReplay_Approvals(t *testing.T) {
	t.Parallel()
	byDelegate := past("granted", "mallory@example.com", "approve")
	delegated(&byDelegate, 0, ana)
	ownAfterDelegate := past("granted", "mallory@example.com", "approve", ana, "approve", bob, "approve")
	delegated(&ownAfterDelegate, 0, ana)
	twoDelegators := past("granted", "mallory@example.com", "approve", "mallory@example.com", "approve", bob, "approve")
	delegated(&twoDelegators, 0, ana)
	delegated(&twoDelegators, 1, bob)
	delegateEligible := past("granted", ana, "approve", bob, "approve", carol, "approve")
	delegated(&delegateEligible, 0, bob)
	afterDeadline := past("granted", ana, "approve")
	afterDeadline.Decisions[0].At = afterDeadline.At.Add(time.Hour)
	askedLater := past("granted", ana, "approve")
	askedLater.Decisions[0].At = afterDeadline.Decisions[0].At
	askedLater.Decisions[0].AskedAt = afterDeadline.At.Add(time.Minute)
	outOfOrder := past("granted", bob, "approve", carol, "approve", ana, "approve")
	outOfOrder.Decisions[2].At = socGrant("").Now.Add(-time.Minute)
	requireReplays(t, map[string]replayCase{
		"the same approval":        {ruleSOC, past("granted", ana, "approve"), "", ""},
		"a timed grant that ended": {ruleSOC, past("expired", bob, "approve"), "", ""},
		"ended early":              {ruleSOC, past("ended", bob, "approve"), "", ""},
		"no approval was needed":   {ruleSOC, past("granted"), "undecided", "step 1 has 0 of 1 approvals from soc"},
		"by an ineligible person":  {ruleSOC, past("granted", carol, "approve"), "undecided", "step 1 has 0 of 1"},
		"by the requester":         {ruleSOC, past("granted", "mail@example.com", "approve"), "undecided", ""},
		"by a delegate":            {ruleSOC, byDelegate, "", ""},
		"the delegator decides too": {
			ruleSteps, ownAfterDelegate, "undecided",
			"step 2 has 1 of 2 approvals from owners or soc (bob@example.com)",
		},
		"one delegate of two": {
			ruleSteps, twoDelegators, "undecided", "step 2 has 1 of 2 approvals from owners or soc (bob@example.com)",
		},
		"an eligible delegate": {ruleSteps, delegateEligible, "", ""},
		"after the deadline": {
			ruleHour, afterDeadline, "undecided", "step 1 has 0 of 1 approvals from soc",
		},
		"the deadline counts from the notification": {ruleHour, askedLater, "", ""},
		"after escalation": {
			ruleEscalated, past("granted", "x", "-", "x", "-", carol, "approve"), "", "",
		},
		"before escalation": {
			ruleEscalated, past("granted", carol, "approve"), "undecided", "step 1 has 0 of 1",
		},
		"denied at a later step": {ruleSteps, past("denied", carol, "deny"), "", ""},
		"denied by an ineligible person": {
			ruleSteps, past("denied", ana, "approve", "x", "deny"), "undecided", "",
		},
		"all steps": {
			ruleSteps, past("granted", ana, "approve", bob, "approve", carol, "approve"), "", "",
		},
		"decisions out of order": {ruleSteps, outOfOrder, "", ""},
		"the same person ownAfterDelegate": {
			ruleSteps, past("granted", ana, "approve", ana, "approve", bob, "approve"), "undecided",
			"step 2 has 1 of 2 approvals from owners or soc (bob@example.com)",
		},
	})
}

func TestReplay_Ends(t *testing.T) {
	t.Parallel()
	refusedByPolicy := past("refused")
	refusedByPolicy.Plan.Approval.Refusal = "closed"
	requireReplays(t, map[string]replayCase{
		"no approval needed any more": {ruleAuto, past("granted", ana, "approve"), "", ""},
		"denied":                      {ruleSOC, past("denied", ana, "deny"), "", ""},
		"denied by no approver":       {ruleSOC, past("denied", carol, "deny"), "undecided", ""},
		"denied, no approval needed": {
			ruleAuto, past("denied", ana, "deny"), "granted", "no approval required",
		},
		"timed out":                     {ruleSOC, past("timedOut"), "", ""},
		"timed out, no approval needed": {ruleAuto, past("timedOut"), "granted", ""},
		"refused now": {
			ruleDeny, past("granted", ana, "approve"), "refused", `rule "b" denies it: closed`,
		},
		"refused by the old policy":         {ruleAuto, refusedByPolicy, "granted", ""},
		"refused by both":                   {ruleDeny, refusedByPolicy, "", ""},
		"open, no approval needed any more": {ruleAuto, awaitingApproval(past("")), "granted", ""},
		"open, approval needed":             {ruleSOC, awaitingApproval(past("")), "", ""},
		"open, applied":                     {ruleAuto, past(""), "", ""},
		"open, approval needed now":         {ruleSOC, past(""), "undecided", ""},
		"cancelled":                         {ruleSOC, awaitingApproval(past("cancelled")), "", ""},
		"cancelled, refused now":            {ruleDeny, awaitingApproval(past("cancelled")), "refused", ""},
	})
	revoke := past("refused")
	revoke.Plan.Op, revoke.Plan.Approval.Refusal = access.OpRevoke, "closed"
	require.Equal(t, "revoked", parse(t, testGroups+ruleSOC).Replay(revoke.Input(), revoke).WouldBe)
}

// A request that no policy decided, or that the policy cannot evaluate, is not compared.
func TestReplay_Unclear(t *testing.T) {
	t.Parallel()
	p := policy.BuiltIn()
	nameless := past("granted")
	nameless.Plan.Terms.Requester = ""
	for _, one := range []policy.PastRequest{past("refused"), past("failed"), nameless} {
		got := p.Replay(one.Input(), one)
		require.True(t, got.Unclear)
		require.False(t, got.Differs)
		require.Equal(t, one.State, got.WouldBe)
		require.NotEmpty(t, got.Why)
	}
}

// A request with a break-glass review is replayed as a break-glass request.
func TestReplay_BreakGlass(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+`
  - name: a
    approvals: [{need: 1, from: [soc]}]
    breakGlass: {reviewWithin: 1h, reviewers: {need: 1, from: [owners]}}
`)
	one := past("expired")
	one.Plan.Approval.Review = &access.Review{}
	require.False(t, p.Replay(one.Input(), one).Differs)
	require.Equal(t, "refused", policy.BuiltIn().Replay(one.Input(), one).WouldBe)
}
