package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

// again decides a grant on Tuesday noon and again at another time.
func again(t *testing.T, rules string, edit func(*policy.Input), at time.Time) (policy.Result, policy.Again) {
	t.Helper()
	p := parse(t, testGroups+rules)
	in := socGrant(access.OpAcquire)
	if edit != nil {
		edit(&in)
	}
	first := evaluate(t, p, in)
	got, err := p.DecideAgain(in, first.Approval, at)
	require.NoError(t, err)
	return first, got
}

const (
	byDay   = "when: hour < 18, "
	byNight = "when: hour >= 18, "
	oneSoc  = "approvals: [{need: 1, from: [soc]}]"

	covered, refused, more = policy.AgainCovered, policy.AgainRefused, policy.AgainMore
)

// What the policy asks for at the start is held against what was asked for.
func TestDecideAgain(t *testing.T) {
	t.Parallel()
	night := time.Date(2026, 3, 3, 23, 0, 0, 0, time.UTC)
	glass := func(in *policy.Input) { in.BreakGlass = true }
	review := func(within, need, from string) string {
		return "breakGlass: {reviewWithin: " + within + ", reviewers: {need: " + need + ", from: [" + from + "]}}"
	}
	const auto = "autoApprove: true"
	for name, c := range map[string]struct {
		day, night string // the rules that apply
		edit       func(*policy.Input)
		want       policy.AgainVerdict
		why        string
	}{
		"the same":     {oneSoc, oneSoc, nil, covered, ""},
		"fewer people": {"approvals: [{need: 2, from: [soc]}]", oneSoc, nil, covered, ""},
		"a step less": {
			"approvals: [{need: 1, from: [owners]}, {need: 1, from: [soc]}]", oneSoc, nil, covered, "",
		},
		"nobody":           {oneSoc, auto, nil, covered, ""},
		"of a wider group": {oneSoc, "approvals: [{need: 1, from: [owners, soc]}]", nil, covered, ""},
		"of anyone":        {oneSoc, "approvals: [{need: 1, from: [anyone]}]", nil, covered, ""},
		"nobody, twice":    {auto, auto, nil, covered, ""},

		"more people": {
			oneSoc, "approvals: [{need: 2, from: [soc]}]", nil, more, "2 of soc",
		},
		"another step": {
			oneSoc, "approvals: [{need: 1, from: [soc]}, {need: 1, from: [owners]}]", nil, more, "1 of owners",
		},
		"the same step twice": {
			oneSoc, "approvals: [{need: 1, from: [soc]}, {need: 1, from: [soc]}]", nil, more, "1 of soc",
		},
		"of another group":   {oneSoc, "approvals: [{need: 1, from: [owners]}]", nil, more, "1 of owners"},
		"of a smaller one":   {"approvals: [{need: 1, from: [owners, soc]}]", oneSoc, nil, more, "1 of soc"},
		"of one, not of all": {"approvals: [{need: 1, from: [anyone]}]", oneSoc, nil, more, "1 of soc"},
		"somebody":           {auto, oneSoc, nil, more, "an approval, and nobody was asked: 1 approval from soc"},
		"younger approvals":  {oneSoc, oneSoc + ", approvalValidFor: 2h", nil, more, "at most 2h old"},
		"no escalation": {
			oneSoc + ", escalateAfter: 1h, escalateTo: [owners]", oneSoc, nil, more, "added by an escalation",
		},
		"a shorter duration": {
			oneSoc, oneSoc + ", maxDuration: 3h", nil, more, `allows at most 3h, but the request is for 4h`,
		},
		"no permanence": {
			oneSoc + ", permanent: true", oneSoc, func(in *policy.Input) { in.Duration = 0 }, more,
			"allows no permanent grant",
		},
		"a review": {
			auto, oneSoc + ", " + review("4h", "1", "soc"), glass, more, "a review by 1 of soc",
		},
		"the same review": {
			oneSoc + ", " + review("4h", "1", "soc"), oneSoc + ", " + review("5h", "1", "soc"), glass,
			covered, "",
		},
		"a sooner review": {
			oneSoc + ", " + review("4h", "1", "soc"), oneSoc + ", " + review("3h", "1", "soc"), glass,
			more, "a review by 1 of soc within 3h",
		},
		"another review": {
			oneSoc + ", " + review("4h", "1", "soc"), oneSoc + ", " + review("4h", "1", "owners"), glass,
			more, "a review by 1 of owners",
		},
		"no break-glass": {
			oneSoc + ", " + review("4h", "1", "soc"), oneSoc, glass, refused, "allows no break-glass",
		},
		"a deny": {oneSoc, "deny: not by night", nil, refused, `rule "night" denies it: not by night`},
		"a deny and too long": {
			oneSoc, "deny: not by night}\n  - {name: other, maxDuration: 1h, " + auto, nil, refused,
			"not by night",
		},
		"too few people": {
			oneSoc, "approvals: [{need: 2, from: [soc]}]",
			func(in *policy.Input) { in.Requester = "ana@example.com" }, refused, "not enough eligible approvers",
		},
	} {
		rules := "  - {name: day, " + byDay + c.day + "}\n  - {name: night, " + byNight + c.night + "}\n"
		first, got := again(t, rules, c.edit, night)
		require.Empty(t, first.Refusal, name)
		require.Equal(t, c.want, got.Verdict, "%s: %s", name, got.Why)
		require.Contains(t, got.Why, c.why, name)
		require.Equal(t, c.why == "", got.Why == "", name)
		if c.want != covered {
			require.Contains(t, got.Why, "2026-03-03 23:00:00 UTC", name)
		}
		require.Equal(t, c.day == auto, got.NobodyAsked, name)
		_, same := again(t, "  - {name: day, "+byDay+c.day+"}\n", c.edit, night.Add(-6*time.Hour))
		require.Equal(t, covered, same.Verdict, "%s, by day: %s", name, same.Why)
	}
}

// What no rule allows any more is refused.
func TestDecideAgain_NoRule(t *testing.T) {
	t.Parallel()
	_, got := again(t, "  - {name: day, "+byDay+oneSoc+"}\n", nil, time.Date(2026, 3, 3, 23, 0, 0, 0, time.UTC))
	require.Equal(t, refused, got.Verdict)
	require.Contains(t, got.Why, "no rule of the policy allows it")
}

// A plan that asked nobody because of the requester's name needs a signed request.
func TestDecideAgain_NeedsSignature(t *testing.T) {
	t.Parallel()
	at := socGrant("").Now
	for rule, want := range map[string]bool{
		"autoApprove: true": false, oneSoc: false, "when: 'requester == \"mail@example.com\"', " + oneSoc: false,
		"when: 'requester == \"mail@example.com\"', autoApprove: true": true,
	} {
		_, got := again(t, "  - {name: a, "+rule+"}\n", nil, at)
		require.Equal(t, covered, got.Verdict)
		require.Equal(t, want, got.NeedsSignature(), rule)
	}
}

// Another policy than the recorded one decides nothing, and a refusal on record stands.
func TestDecideAgain_Recorded(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+"  - {name: a, autoApprove: true}\n")
	in := socGrant(access.OpAcquire)
	_, err := p.DecideAgain(in, access.Approval{Hash: policy.BuiltIn().Hash()}, in.Now)
	require.ErrorContains(t, err, "decide by the recorded policy")
	_, err = p.DecideAgain(in, access.Approval{}, in.Now)
	require.Error(t, err)
	got, err := p.DecideAgain(in, access.Approval{Hash: p.Hash(), Refusal: "no"}, in.Now)
	require.NoError(t, err)
	require.Equal(t, refused, got.Verdict)
}

// Roles that came to the principal since then are the writer's to judge.
func TestDecideAgain_LeavesSeparationToTheWriter(t *testing.T) {
	t.Parallel()
	p := parse(t, sodPolicy)
	in := socGrant(access.OpAcquire)
	first := evaluate(t, p, in)
	require.Empty(t, first.Refusal)
	in.RoleNames = map[string]string{"302": "Approver", "7": "Requester"}
	in.Before = access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "7", ScopeID: "202"}}}
	in = in.WithHoldings(in.Before)
	got, err := p.DecideAgain(in, first.Approval, in.Now)
	require.NoError(t, err)
	require.Equal(t, covered, got.Verdict, got.Why)
}
