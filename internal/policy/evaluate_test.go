package policy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

const day = access.Duration(24 * time.Hour)

// socGrant is a request by mail@example.com of role SOC at site 201 for erin@example.com.
func socGrant(op access.Op) policy.Input {
	return policy.Input{
		Op: op, Principal: access.PrincipalRef{Kind: access.User, ID: "401", Email: "erin@example.com", Name: "Erin"},
		Role:      policy.Role{ID: "302", Name: "SOC"},
		Scope:     policy.Scope{Level: access.SiteLevel, ID: "201", Account: "100"},
		Requester: "mail@example.com", Duration: access.Duration(4 * time.Hour),
		Now: time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC), // a Tuesday
	}
}

func evaluate(t *testing.T, p *policy.Policy, q policy.Input) policy.Result {
	t.Helper()
	a, err := p.Evaluate(q)
	require.NoError(t, err)
	require.Equal(t, a.Refusal, a.Approval.Refusal)
	require.NotEmpty(t, a.Explanation)
	return a
}

// Of the rules that allow, the first that matches applies.
func TestEvaluate_FirstMatch(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+`
  - {name: viewers, when: role.name == "Viewer" && !permanent, autoApprove: true, maxDuration: 8h}
  - name: default
    approvals:
      - {need: 1, from: [owners]}
      - {need: 2, from: [soc, owners]}
    maxDuration: 8h
    decideWithin: 48h
    remindEvery: 4h
    escalateAfter: 24h
    escalateTo: [owners]
`)
	a := evaluate(t, p, socGrant(access.OpAcquire))
	require.Empty(t, a.Refusal)
	require.Equal(t, access.Approval{
		Required: true, Policy: `1 approval from owners, then 2 from soc or owners, within 48h (rule "default")`,
		Hash: p.Hash(), Rule: "default", DecideWithin: 2 * day, RemindEvery: access.Duration(4 * time.Hour),
		EscalateAfter: day, EscalateTo: []string{"carol@example.com", "dora@example.com"},
		MaxDuration: access.Duration(8 * time.Hour),
		Steps: []access.ApprovalStep{
			{Need: 1, Groups: []string{"owners"}, People: []string{"carol@example.com", "dora@example.com"}},
			{Need: 2, Groups: []string{"soc", "owners"}, People: []string{
				"ana@example.com", "bob@example.com", "carol@example.com", "dora@example.com",
			}},
		},
	}, a.Approval)
	require.Equal(t, []string{
		`rule "viewers" (line 7) does not match: role.name == "Viewer" && !permanent`,
		`rule "default" (line 8) matches: true`,
		`1 approval from owners, then 2 from soc or owners, within 48h (rule "default")`,
	}, a.Explanation)

	q := socGrant(access.OpAcquire)
	q.Role.Name = "Viewer"
	a = evaluate(t, p, q)
	require.False(t, a.Approval.Required)
	require.Equal(t, "viewers", a.Approval.Rule)
	require.Empty(t, a.Approval.Steps)
	require.Contains(t, a.Explanation, `rule "default" (line 8) comes later`)
}

// A deny that matches refuses the request in any order of rules.
func TestEvaluate_DenyWins(t *testing.T) {
	t.Parallel()
	rules := []string{
		`{name: no, when: role.name == "SOC", deny: not here}`,
		`{name: never, when: hour == 12, deny: at lunch}`,
		`{name: viewers, when: role.name == "Viewer", autoApprove: true}`,
		`{name: also, when: 'requester.startsWith("m")', autoApprove: true}`,
	}
	for range 20 {
		rand.Shuffle(len(rules), func(i, j int) { rules[i], rules[j] = rules[j], rules[i] })
		p := parse(t, testGroups+"  - "+strings.Join(rules, "\n  - ")+"\n")
		a := evaluate(t, p, socGrant(access.OpAcquire))
		require.Contains(t, a.Refusal, `rule "no" denies it: not here`, "%v", rules)
		require.Contains(t, a.Refusal, `rule "never" denies it: at lunch`)
		require.Empty(t, a.Approval.Steps)
		require.True(t, strings.HasPrefix(a.Approval.Policy, "refused: "))
	}
}

func TestEvaluate_Refusals(t *testing.T) {
	t.Parallel()
	two := access.Holdings{Level: access.AccountLevel, Held: []access.HeldRole{
		{RoleID: "301", ScopeID: "100"}, {RoleID: "301", ScopeID: "101"},
	}}
	moved := func(allow bool) func(*policy.Input) {
		return func(q *policy.Input) {
			q.AllowLevelChange = allow
			*q = q.WithHoldings(two)
		}
	}
	permanent := func(q *policy.Input) { q.Duration = 0 }
	roles := func(q *policy.Input) { q.RoleNames = map[string]string{"302": "SOC"} }
	const asks, few = "approvals: [{need: 1, from: [soc]}]", "not enough eligible approvers: "
	cases := map[string]struct {
		rule string // but for its name
		edit func(*policy.Input)
		want string // "" for no refusal
	}{
		"no rule": {`when: role.name == "X", ` + asks, nil, "no rule of the policy allows it"},
		"too long": {
			"maxDuration: 3h, " + asks, nil, `rule "a" allows at most 3h, but the request is for 4h`,
		},
		"just long enough": {"maxDuration: 4h, " + asks, nil, ""},
		"permanent": {
			"maxDuration: 8h, " + asks, permanent,
			`rule "a" allows no permanent grant: request a duration of at most 8h`,
		},
		"permanent, duration 0": {
			`when: duration <= duration("8h"), autoApprove: true`, permanent, "no permanent grant",
		},
		"permanent, allowed": {"permanent: true, " + asks, permanent, ""},

		"level, requested": {asks, moved(true), ""},
		"level, not requested": {
			asks, moved(false), "remove 2 roles: to allow that, request it again with allowLevelChange",
		},
		"level, allowed": {"levelChange: allow, " + asks, moved(false), ""},
		"level, forbidden": {
			"levelChange: forbid, " + asks, moved(true), `rule "a" forbids moving a principal`,
		},

		"condition fails": {
			`when: 'role.name.split("-")[1] == "x"', ` + asks, nil,
			`the condition of rule "a" cannot be evaluated for this request`,
		},
		"condition costs too much": {
			`when: 'role.name.split(",").all(a, role.name.split(",").all(b, b != "y"))', ` + asks,
			func(q *policy.Input) { q.Role.Name = strings.Repeat("x,", 200) }, "cost limit",
		},

		"requester is the only approver": {
			"approvals: [{need: 1, from: [solo]}]", requestedBy("ana@example.com"),
			few + `step 1 of rule "a" needs 1 of solo, which without ana@example.com has 0 members`,
		},
		"in another spelling": {"approvals: [{need: 1, from: [solo]}]", requestedBy(" ANA@example.com\u200b"), few},
		"requester is one of two": {
			"approvals: [{need: 2, from: [soc]}]", requestedBy("bob@example.com"),
			"which without bob@example.com has 1 member",
		},
		"in all steps": {
			"approvals: [{need: 1, from: [soc]}, {need: 2, from: [soc, owners]}, {need: 1, from: [owners]}]",
			requestedBy("carol@example.com"), few + `the steps of rule "a" need 4 different people, ` +
				"but their groups have only 3 without carol@example.com",
		},
		"requester is one of many": {asks, requestedBy("bob@example.com"), ""},
		"anyone":                   {"approvals: [{need: 1, from: [anyone]}]", requestedBy("bob@example.com"), ""},
		"recipient is the only approver": {
			"approvals: [{need: 1, from: [solo]}]",
			func(q *policy.Input) { q.Principal.Email = "Ana@Example.com" }, "which without ana@example.com",
		},
		"recipient by full name is the only approver": {
			"approvals: [{need: 1, from: [solo]}]",
			func(q *policy.Input) { q.Principal.Name = "Ana@Example.com." }, "which without ana@example.com",
		},
		"requester by id is the recipient": {
			"when: requester == principal.email, deny: not for oneself",
			func(q *policy.Input) { q.Requester = q.Principal.ID }, "not for oneself",
		},
		"requester by full name is the recipient": {
			"when: requester == principal.email, deny: not for oneself",
			func(q *policy.Input) { q.Principal.Name, q.Requester = "Dan Doe", "dan  doe" }, "not for oneself",
		},

		"last role unknown": {
			"lastRole: {downgrade: {role: 999, level: tenant}}, " + asks, roles,
			"names role 999, which the console does not have",
		},
		"last role known": {"lastRole: {downgrade: {role: 302, level: tenant}}, " + asks, roles, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := socGrant(access.OpAcquire)
			if c.edit != nil {
				c.edit(&q)
			}
			a := evaluate(t, parse(t, testGroups+"  - {name: a, "+c.rule+"}\n"), q)
			if c.want == "" {
				require.Empty(t, a.Refusal)
				require.NotEmpty(t, a.Approval.Rule)
				return
			}
			require.Contains(t, a.Refusal, c.want)
			require.Empty(t, a.Approval.Steps)
			require.False(t, a.Approval.Required)
		})
	}
}

func requestedBy(requester string) func(*policy.Input) {
	return func(q *policy.Input) { q.Requester = requester }
}

// A deny that cannot be evaluated refuses the request.
func TestEvaluate_DenyThatFails(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+`
  - {name: a, autoApprove: true}
  - {name: b, when: 'role.name.split("-")[1] == "x"', deny: no}
`)
	require.Contains(t, evaluate(t, p, socGrant(access.OpAcquire)).Refusal,
		`the condition of rule "b" cannot be evaluated`)
	q := socGrant(access.OpAcquire)
	q.Role.Name = "SOC-y"
	require.Empty(t, evaluate(t, p, q).Refusal)
}

// Each variable of conditions has the value from the input.
func TestEvaluate_Variables(t *testing.T) {
	t.Parallel()
	q := policy.Input{
		Op: access.OpAcquire,
		Principal: access.PrincipalRef{
			Kind: access.ServiceUser, ID: "501", Email: "Bot@Example.com", Name: "svc.Backup",
		},
		Role:      policy.Role{ID: "302", Name: "SOC", Predefined: true},
		Scope:     policy.Scope{Level: access.SiteLevel, ID: "201", Name: "Acme / Berlin", Account: "100"},
		Requester: " ANA@example.com", Duration: access.Duration(90 * time.Minute), BreakGlass: true, LevelChange: true,
		Now: time.Date(2026, 3, 28, 23, 30, 0, 0, time.UTC), // Sunday 29th in Brussels, the night of the change
	}
	for _, condition := range []string{
		`op == "grant"`, `principal.kind == "serviceUser"`, `principal.id == "501"`,
		`principal.email == "bot@example.com"`, `principal.name == "svc.Backup"`, `role.id == "302"`,
		`role.name == "SOC"`, `role.predefined`,
		`scope.level == "site"`, `scope.id == "201"`, `scope.name.startsWith("Acme / ")`, `scope.account == "100"`,
		`requester == "ana@example.com"`, `requester in groups["soc"]`, `requester in groups.solo`,
		`!(requester in groups["owners"])`, `duration == duration("90m")`, `duration < duration("2h")`, `!permanent`,
		`breakGlass`, `levelChange`, `weekday == "sunday"`, `hour == 0`, `now == timestamp("2026-03-28T23:30:00Z")`,
		`now.getHours("America/New_York") == 19`, `role.name.lowerAscii().matches("^s.c$")`,
		`has(role.name)`, `[role.name, "x"].exists(n, n == "SOC")`,
	} {
		text := "timezone: Europe/Brussels\n" + testGroups + "  - {name: a, when: '" + condition + "', deny: matched}\n"
		require.Contains(t, evaluate(t, parse(t, text), q).Refusal, "matched", condition)
		text = strings.Replace(text, "when: '"+condition, "when: 'requester == \"x\" || !("+condition+")", 1)
		require.NotContains(t, evaluate(t, parse(t, text), q).Refusal, "matched", "not "+condition)
	}
	q.Duration = 0
	permanent := testGroups + "  - {name: a, when: 'permanent && duration == duration(\"0s\")', deny: matched}\n"
	require.Contains(t, evaluate(t, parse(t, permanent), q).Refusal, "matched")
	q.Op = access.OpRevoke
	revoke := testGroups + "  - {name: a, for: [revoke], when: 'op == \"revoke\" && !permanent', deny: matched}\n"
	require.Contains(t, evaluate(t, parse(t, revoke), q).Refusal, "matched")
}

// Break-glass starts at once if the rule allows it, and needs a review.
func TestEvaluate_BreakGlass(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+`
  - {name: viewers, when: role.name == "Viewer", autoApprove: true}
  - {name: plain, when: role.name == "Plain", approvals: [{need: 1, from: [soc]}]}
  - name: default
    approvals: [{need: 2, from: [owners]}]
    maxDuration: 8h
    escalateAfter: 1h
    escalateTo: [owners]
    breakGlass: {when: 'requester in groups["soc"]', reviewWithin: 4h, reviewers: {need: 1, from: [soc]}}
`)
	q := socGrant(access.OpAcquire)
	q.Requester, q.BreakGlass = "Bob@example.com", true
	a := evaluate(t, p, q)
	require.Equal(t, access.Approval{
		Policy: `starts at once and is ended unless 1 of soc reviews it within 4h (rule "default")`, Hash: p.Hash(),
		Rule: "default", MaxDuration: access.Duration(8 * time.Hour), Review: &access.Review{
			ApprovalStep: access.ApprovalStep{Need: 1, Groups: []string{"soc"}, People: []string{"ana@example.com"}},
			Within:       access.Duration(4 * time.Hour),
		},
	}, a.Approval)
	require.Contains(t, a.Explanation, "bob@example.com is in soc but not eligible as the requester")

	long := q
	long.Duration = day
	require.Contains(t, evaluate(t, p, long).Refusal, "at most 8h", "the rule's limits hold")
	other := q
	other.Requester = "mail@example.com"
	require.Contains(t, evaluate(t, p, other).Refusal, `allows break-glass only when requester in groups["soc"]`)
	plain := q
	plain.Role.Name = "Plain"
	require.Contains(t, evaluate(t, p, plain).Refusal, `rule "plain" allows no break-glass`)
	viewer := q
	viewer.Role.Name = "Viewer"
	require.Empty(t, evaluate(t, p, viewer).Refusal)
	alone := q
	alone.Principal.Email = "ana@example.com"
	require.Contains(t, evaluate(t, p, alone).Refusal, "not enough eligible reviewers")
}

func TestEvaluate_Rules(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+`
  - name: a
    approvals: [{need: 1, from: [soc]}]
    levelChange: allow
    lastRole: {downgrade: {role: 301, level: site, scope: 201}}
  - {name: b, for: [revoke], autoApprove: true, lastRole: delete}
`)
	require.Equal(t, access.Rules{
		AllowLevelChange: true, LastRole: access.LastRoleDowngrade,
		Downgrade: &access.Holding{Level: access.SiteLevel, RoleID: "301", ScopeID: "201"},
	}, evaluate(t, p, socGrant(access.OpAcquire)).Rules)
	revoke := evaluate(t, p, socGrant(access.OpRevoke))
	require.Equal(t, access.Rules{LastRole: access.LastRoleDelete}, revoke.Rules)
	require.Equal(t, `no approval required (rule "b")`, revoke.Approval.Policy)
	require.Zero(t, revoke.Approval.MaxDuration)
}

// Changing a result changes no later result.
func TestEvaluate_SharesNothing(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+`
  - name: a
    approvals: [{need: 1, from: [owners]}]
    escalateAfter: 1h
    escalateTo: [owners]
    lastRole: {downgrade: {role: 301, level: site, scope: 201}}
`)
	first := evaluate(t, p, socGrant(access.OpAcquire))
	first.Approval.Steps[0].People[0], first.Approval.Steps[0].Groups[0] = "x", "y"
	first.Approval.EscalateTo[0], first.Rules.Downgrade.RoleID = "z", "0"
	require.Equal(t, "carol@example.com", evaluate(t, p, socGrant(access.OpAcquire)).Approval.Steps[0].People[0])
	again := evaluate(t, p, socGrant(access.OpAcquire))
	require.Equal(t, "owners", again.Approval.Steps[0].Groups[0])
	require.Equal(t, "carol@example.com", again.Approval.EscalateTo[0])
	require.Equal(t, "301", again.Rules.Downgrade.RoleID)
}

// A policy is safe for concurrent use.
func TestEvaluate_Concurrently(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+`  - {name: a, when: 'requester in groups["soc"]', approvals: [{need: 1, from: [soc]}]}`)
	want := evaluate(t, p, socGrant(access.OpAcquire))
	var all sync.WaitGroup
	answers := make([]policy.Result, 50)
	errs := make([]error, len(answers))
	for i := range answers {
		all.Go(func() { answers[i], errs[i] = p.Evaluate(socGrant(access.OpAcquire)) })
	}
	all.Wait()
	for i := range answers {
		require.NoError(t, errs[i])
		require.Equal(t, want, answers[i])
	}
}

func TestEvaluate_InvalidInput(t *testing.T) {
	t.Parallel()
	for want, edit := range map[string]func(*policy.Input){
		"requester is missing":      requestedBy(" \u200b"),
		`op is "release"`:           func(q *policy.Input) { q.Op = access.OpRelease },
		`op is "create"`:            func(q *policy.Input) { q.Op = access.OpCreate },
		`mode is "reset"`:           func(q *policy.Input) { q.Op, q.Mode = policy.OpOffboard, "reset" },
		"duration is missing: of a": func(q *policy.Input) { q.Op, q.Duration = policy.OpExtend, 0 },
		"must not be negative":      func(q *policy.Input) { q.Duration = -1 },
		`scope.level is "group"`:    func(q *policy.Input) { q.Scope.Level = access.GroupLevel },
		"built-in policy cannot e":  func(q *policy.Input) { q.Scope.Level = "" },
	} {
		q := socGrant(access.OpAcquire)
		edit(&q)
		_, err := policy.BuiltIn().Evaluate(q)
		require.ErrorContains(t, err, want)
	}
}

// The input of a plan has the plan's values.
func TestInputFromPlan(t *testing.T) {
	t.Parallel()
	before := access.Holdings{Level: access.AccountLevel, Held: []access.HeldRole{{RoleID: "301", ScopeID: "100"}}}
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	plan := access.Plan{
		Op: access.OpAcquire, Principal: access.PrincipalRef{Kind: access.User, ID: "401", Email: "erin@example.com"},
		Role:   access.RoleRef{ID: "302", Name: "SOC"},
		Scope:  access.ScopeRef{Level: access.SiteLevel, ID: "201", Name: "A / B"},
		Terms:  access.Terms{Requester: "bob@example.com", Duration: day, AllowLevelChange: true},
		Before: before, After: before, // refused then
	}
	require.Equal(t, policy.Input{
		Op: access.OpAcquire, Principal: plan.Principal, Role: policy.Role{ID: "302", Name: "SOC"},
		Scope:     policy.Scope{Level: access.SiteLevel, ID: "201", Name: "A / B"},
		Requester: "bob@example.com", Duration: day, Now: at, AllowLevelChange: true, LevelChange: true, Before: before,
		After: access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "302", ScopeID: "201"}}},
	}, policy.InputFromPlan(plan, at))
	plan.Scope = access.ScopeRef{Level: access.AccountLevel, ID: "101"}
	q := policy.InputFromPlan(plan, at)
	require.False(t, q.LevelChange)
	require.Equal(t, "101", q.Scope.Account)
	require.Len(t, q.After.Held, 2)
}

// Parse rejects random steps if, and only if, no choice of people satisfies them. Evaluate
// refuses a request by the same criterion, without the requester.
func TestEvaluate_EnoughPeople(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		text, approvals := randomSteps(r)
		p, err := policy.Parse("p", []byte(text))
		require.Equal(t, satisfiableByHand(approvals, nil), err == nil, "%s\n%v", text, err)
		if err != nil {
			continue
		}
		q := socGrant(access.OpAcquire)
		q.Requester = strings.ToUpper(personMail(r.IntN(5)))
		ineligible := strings.ToLower(q.Requester)
		a := evaluate(t, p, q)
		require.Equal(t, satisfiableByHand(approvals, []string{ineligible}), a.Refusal == "", "%s\n%s", text, a.Refusal)
		for _, s := range a.Approval.Steps {
			require.NotContains(t, s.People, ineligible)
			require.True(t, slices.IsSorted(s.People))
		}
	}
}

func personMail(i int) string { return fmt.Sprintf("p%d@example.com", i) }

// randomSteps returns a policy, and for each needed approval who may give it.
func randomSteps(r *rand.Rand) (policy string, approvals [][]string) {
	groups := make([][]string, 1+r.IntN(3))
	var text strings.Builder
	text.WriteString("groups:\n")
	for g := range groups {
		for i := range 5 {
			if r.IntN(3) == 0 {
				groups[g] = append(groups[g], personMail(i))
			}
		}
		if len(groups[g]) == 0 {
			groups[g] = []string{personMail(g)}
		}
		fmt.Fprintf(&text, "  g%d: [%s]\n", g, strings.Join(groups[g], ", "))
	}
	text.WriteString("rules:\n  - name: a\n    approvals:\n")
	for range 1 + r.IntN(3) {
		g, need := r.IntN(len(groups)), 1+r.IntN(2)
		fmt.Fprintf(&text, "      - {need: %d, from: [g%d]}\n", need, g)
		for range need {
			approvals = append(approvals, groups[g])
		}
	}
	return text.String(), approvals
}

// satisfiableByHand tries every way to give each approval a person of its own.
func satisfiableByHand(approvals [][]string, used []string) bool {
	if len(approvals) == 0 {
		return true
	}
	for _, person := range approvals[0] {
		if !slices.Contains(used, person) && satisfiableByHand(approvals[1:], append(slices.Clone(used), person)) {
			return true
		}
	}
	return false
}
