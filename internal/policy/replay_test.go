package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

// past is a request that ended so, after these decisions: pairs of who and what.
func pastRequest(state string, decisions ...string) policy.PastRequest {
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

// delegated has a decision taken in the place of another, who had delegated it.
func delegated(p *policy.PastRequest, i int, of string) {
	d := &p.Decisions[i]
	d.OnBehalfOf = of
	d.Delegation = &access.Delegation{By: of, To: d.By, At: p.At, Until: p.At.Add(time.Hour)}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	const (
		soc       = "  - {name: a, approvals: [{need: 1, from: [soc]}]}\n"
		steps     = "  - {name: a, approvals: [{need: 1, from: [soc]}, {need: 2, from: [owners, soc]}]}\n"
		hour      = "  - {name: a, approvals: [{need: 1, from: [soc]}], decideWithin: 1h}\n"
		auto      = "  - {name: a, autoApprove: true}\n"
		deny      = auto + "  - {name: b, when: role.name == \"SOC\", deny: closed}\n"
		escalated = "  - {name: a, approvals: [{need: 1, from: [soc]}], escalateAfter: 3m, escalateTo: [owners]}\n"
		anna      = "Ana@example.com"
		bob       = "bob@example.com"
		carol     = "carol@example.com"
	)
	asked := func(p policy.PastRequest) policy.PastRequest {
		p.Plan.Approval.Required = true
		return p
	}
	byPolicy := pastRequest("refused")
	byPolicy.Plan.Approval.Refusal = "closed"
	onBehalf := pastRequest("granted", "mallory@example.com", "approve")
	delegated(&onBehalf, 0, anna)
	twice := pastRequest("granted", "mallory@example.com", "approve", anna, "approve", bob, "approve")
	delegated(&twice, 0, anna)
	through := pastRequest("granted", "mallory@example.com", "approve", "mallory@example.com", "approve", bob, "approve")
	delegated(&through, 0, anna)
	delegated(&through, 1, bob)
	herself := pastRequest("granted", anna, "approve", bob, "approve", carol, "approve")
	delegated(&herself, 0, bob)
	tooLate := pastRequest("granted", anna, "approve")
	tooLate.Decisions[0].At = tooLate.At.Add(time.Hour)
	askedLater := pastRequest("granted", anna, "approve")
	askedLater.Decisions[0].At, askedLater.Decisions[0].AskedAt = tooLate.Decisions[0].At, tooLate.At.Add(time.Minute)
	late := pastRequest("granted", bob, "approve", carol, "approve", anna, "approve")
	late.Decisions[2].At = socGrant("").Now.Add(-time.Minute)
	cases := map[string]struct {
		rules string
		past  policy.PastRequest
		would string // "" for no difference
		why   string
	}{
		"the same approval":        {soc, pastRequest("granted", anna, "approve"), "", ""},
		"a timed grant that ended": {soc, pastRequest("expired", bob, "approve"), "", ""},
		"ended early":              {soc, pastRequest("ended", bob, "approve"), "", ""},
		"nobody was asked then":    {soc, pastRequest("granted"), "undecided", "step 1 has 0 of 1 approvals from soc"},
		"by someone else":          {soc, pastRequest("granted", carol, "approve"), "undecided", "step 1 has 0 of 1"},
		"the requester's own word": {soc, pastRequest("granted", "mail@example.com", "approve"), "undecided", ""},
		"on behalf of a member":    {soc, onBehalf, "", ""},
		"for who decides then": {
			steps, twice, "undecided", "step 2 has 1 of 2 approvals from owners or soc (bob@example.com)",
		},
		"one speaks for two": {
			steps, through, "undecided", "step 2 has 1 of 2 approvals from owners or soc (bob@example.com)",
		},
		"for themselves first":    {steps, herself, "", ""},
		"after the deadline":      {hour, tooLate, "undecided", "step 1 has 0 of 1 approvals from soc"},
		"when people were asked":  {hour, askedLater, "", ""},
		"escalated to":            {escalated, pastRequest("granted", "x", "-", "x", "-", carol, "approve"), "", ""},
		"before it was escalated": {escalated, pastRequest("granted", carol, "approve"), "undecided", "step 1 has 0 of 1"},
		"denied at a later step":  {steps, pastRequest("denied", carol, "deny"), "", ""},
		"denied by a stranger":    {steps, pastRequest("denied", anna, "approve", "x", "deny"), "undecided", ""},
		"all steps": {
			steps, pastRequest("granted", anna, "approve", bob, "approve", carol, "approve"), "", "",
		},
		"in the order of time": {steps, late, "", ""},
		"the same person twice": {
			steps, pastRequest("granted", anna, "approve", anna, "approve", bob, "approve"), "undecided",
			"step 2 has 1 of 2 approvals from owners or soc (bob@example.com)",
		},
		"nobody is asked any more":  {auto, pastRequest("granted", anna, "approve"), "", ""},
		"denied, and would be":      {soc, pastRequest("denied", anna, "deny"), "", ""},
		"denied by no approver":     {soc, pastRequest("denied", carol, "deny"), "undecided", ""},
		"denied, nobody asked":      {auto, pastRequest("denied", anna, "deny"), "granted", "no approval required"},
		"lapsed, and would":         {soc, pastRequest("timedOut"), "", ""},
		"lapsed, nobody asked":      {auto, pastRequest("timedOut"), "granted", ""},
		"refused now":               {deny, pastRequest("granted", anna, "approve"), "refused", `rule "b" denies it: closed`},
		"refused then, by a policy": {auto, byPolicy, "granted", ""},
		"refused, both":             {deny, byPolicy, "", ""},
		"open, asked, not any more": {auto, asked(pastRequest("")), "granted", ""},
		"open and asked":            {soc, asked(pastRequest("")), "", ""},
		"open, in force":            {auto, pastRequest(""), "", ""},
		"open, would be asked":      {soc, pastRequest(""), "undecided", ""},
		"called off":                {soc, asked(pastRequest("cancelled")), "", ""},
		"called off, refused now":   {deny, asked(pastRequest("cancelled")), "refused", ""},
	}
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
	revoke := pastRequest("refused")
	revoke.Plan.Op, revoke.Plan.Approval.Refusal = access.OpRevoke, "closed"
	require.Equal(t, "revoked", parse(t, testGroups+soc).Replay(revoke.Input(), revoke).WouldBe)
}

// What no policy decided, or this one cannot answer, is not compared.
func TestReplay_Unclear(t *testing.T) {
	t.Parallel()
	p := policy.BuiltIn()
	nameless := pastRequest("granted")
	nameless.Plan.Terms.Requester = ""
	for _, one := range []policy.PastRequest{pastRequest("refused"), pastRequest("failed"), nameless} {
		got := p.Replay(one.Input(), one)
		require.True(t, got.Unclear)
		require.False(t, got.Differs)
		require.Equal(t, one.State, got.WouldBe)
		require.NotEmpty(t, got.Why)
	}
}

// A request that started at once is replayed as one that asks to.
func TestReplay_BreakGlass(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+`
  - name: a
    approvals: [{need: 1, from: [soc]}]
    breakGlass: {reviewWithin: 1h, reviewers: {need: 1, from: [owners]}}
`)
	one := pastRequest("expired")
	one.Plan.Approval.Review = &access.Review{}
	require.False(t, p.Replay(one.Input(), one).Differs)
	require.Equal(t, "refused", policy.BuiltIn().Replay(one.Input(), one).WouldBe)
}
