package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

// asked is the input of a request of each kind.
func asked(kind string) policy.Input {
	in := socGrant(access.Op(kind))
	switch kind {
	case "createUser", "createServiceUser":
		in.Op, in.Principal.ID, in.Duration, in.NewAccount = access.OpGrant, "", 0, true
		if kind == "createServiceUser" {
			in.Principal = access.PrincipalRef{Kind: access.ServiceUser, Name: "ci"}
		}
	case "offboard":
		in.Op, in.Role, in.Scope, in.Duration = access.OpDelete, policy.Role{}, policy.Scope{}, 0
	case "rotateToken":
		in.Principal = access.PrincipalRef{Kind: access.ServiceUser, ID: "501", Name: "ci"}
		in.Role, in.Scope, in.Duration = policy.Role{}, policy.Scope{}, 0
	case "confirm", "unfreeze":
		in = policy.Input{Op: in.Op, Requester: in.Requester, Now: in.Now}
	}
	return in
}

var kinds = []string{
	"grant", "revoke", "createUser", "createServiceUser", "offboard", "extend", "confirm", "unfreeze",
	"rotateToken",
}

// A rule decides about the kinds of request that it names, and its condition sees the kind.
func TestEvaluate_Kinds(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		p := parse(t, testGroups+"  - {name: a, for: ["+kind+"], when: 'op == \""+kind+"\"', "+
			"approvals: [{need: 2, from: [owners]}]}\n")
		for _, other := range kinds {
			got := evaluate(t, p, asked(other))
			byGrants := kind == "grant" && (other == "createUser" || other == "createServiceUser" || other == "extend")
			switch {
			case other == kind || byGrants && other == "extend":
				require.Empty(t, got.Refusal, "%s asks %s", other, kind)
				require.Equal(t, 2, got.Approval.Steps[0].Need, kind)
				require.Equal(t, "a", got.Approval.Rule)
			case byGrants: // decided by it, but not allowed: the role would be permanent
				require.Contains(t, got.Refusal, `rule "a" allows no permanent grant`)
			default:
				require.Empty(t, got.Approval.Rule, "%s is not about %s", kind, other)
			}
		}
	}
}

// Without a rule, what gives access is refused, what ends it needs no approval, and a second
// person confirms a sync and ends a freeze. A new token gives all roles of its service user.
func TestEvaluate_KindsWithoutARule(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+"  - {name: a, when: role.name == \"none\", autoApprove: true}\n")
	for kind, refused := range map[string]bool{
		"grant": true, "createUser": true, "createServiceUser": true, "extend": true,
		"revoke": false, "offboard": false, "confirm": false, "unfreeze": false,
		"rotateToken": true,
	} {
		got := evaluate(t, p, asked(kind))
		require.Equal(t, refused, got.Refusal != "", kind)
		second := kind == "confirm" || kind == "unfreeze"
		require.Equal(t, second, got.Approval.Required, kind)
		if second {
			require.Equal(t, "1 approval from anyone", strings.Split(got.Approval.Policy, ",")[0])
			require.Zero(t, got.Approval.DecideWithin)
		}
	}
	for _, mode := range []access.Op{access.OpDelete, access.OpReset} {
		end := socGrant(mode)
		require.Equal(t, "no approval required: no rule of the policy matches",
			evaluate(t, policy.BuiltIn(), end).Approval.Policy)
	}
}

// A new token needs a rule that names it and matches; rules for grants do not stand in for it. The built-in policy
// asks for one approval, as for everything, and so does a file with its text: hash and decision go together.
func TestEvaluate_RotateTokenWithoutARule(t *testing.T) {
	t.Parallel()
	const grants = testGroups + "  - {name: all, permanent: true, autoApprove: true}\n"
	builtIn := policy.BuiltIn()
	in := asked("rotateToken")
	for name, p := range map[string]*policy.Policy{
		"none": parse(t, grants),
		"another service user": parse(t, grants+
			"  - {name: tokens, for: [rotateToken], when: principal.id == \"502\", autoApprove: true}\n"),
		"only a deny": parse(t, grants+
			"  - {name: never, for: [rotateToken], when: principal.id == \"502\", deny: by hand}\n"),
		"almost the built-in policy": parse(t, string(builtIn.Text())+"# ours\n"),
	} {
		got := evaluate(t, p, in)
		require.Equal(t, "no rule for rotateToken allows it, and a new token has all roles of the service user: "+
			"add a rule with for: [rotateToken] to the policy, which says who approves it", got.Refusal, name)
		require.False(t, got.Approval.Required, name)
		require.Empty(t, got.Approval.Steps, name)
	}
	for _, p := range []*policy.Policy{builtIn, parse(t, string(builtIn.Text()))} {
		got := evaluate(t, p, in)
		require.Empty(t, got.Refusal)
		require.Equal(t, "1 approval from anyone, within 72h", strings.Split(got.Approval.Policy, " (")[0])
		require.Equal(t, access.Duration(72*time.Hour), got.Approval.DecideWithin)
	}
	named := parse(t, grants+
		"  - {name: tokens, for: [rotateToken], when: principal.id == \"501\", autoApprove: true}\n")
	require.Empty(t, evaluate(t, named, in).Refusal)
}

// A request that an earlier release let one person approve is not covered any more.
func TestDecideAgain_RotateTokenWithoutARule(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+"  - {name: all, permanent: true, autoApprove: true}\n")
	in := asked("rotateToken")
	recorded := evaluate(t, policy.BuiltIn(), in).Approval
	recorded.Hash = p.Hash()
	again, err := p.DecideAgain(in, recorded, in.Now)
	require.NoError(t, err)
	require.Equal(t, policy.AgainRefused, again.Verdict)
	require.Contains(t, again.Why, "add a rule with for: [rotateToken]")
}

// Rules for grants decide about new accounts and extensions, unless a rule names their kind.
// The denies of grants stay: a new account is no way around them.
func TestEvaluate_GrantRulesUnlessOneNamesTheKind(t *testing.T) {
	t.Parallel()
	const roles = "  - {name: no, when: role.name == \"Admin\" && op == \"grant\", deny: by hand}\n" +
		"  - {name: roles, when: op == \"grant\", permanent: true, approvals: [{need: 1, from: [soc]}]}\n"
	for _, kind := range []string{"createUser", "createServiceUser", "extend"} {
		before := parse(t, testGroups+roles)
		require.Equal(t, "roles", evaluate(t, before, asked(kind)).Approval.Rule)

		named := parse(t, testGroups+roles+"  - {name: own, for: ["+kind+"], when: scope.level == \"site\", "+
			"approvals: [{need: 2, from: [owners]}]}\n")
		require.Equal(t, "own", evaluate(t, named, asked(kind)).Approval.Rule)
		for _, other := range kinds[2:] {
			if other != kind && other != "offboard" && other != "confirm" && other != "unfreeze" &&
				other != "rotateToken" {
				require.Equal(t, "roles", evaluate(t, named, asked(other)).Approval.Rule, "%s is not named", other)
			}
		}
		in := asked(kind)
		in.Scope = policy.Scope{Level: access.Tenant}
		require.Contains(t, evaluate(t, named, in).Refusal, "no rule for "+kind+" allows it")
		require.Contains(t, evaluate(t, named, in).Refusal, `rule "own" (line 8) is for `+kind)
		in = asked(kind)
		in.Role.Name = "Admin"
		require.Contains(t, evaluate(t, named, in).Refusal, `rule "no" denies it: by hand`)
	}
}

// Conditions tell the two kinds of offboarding apart, and see no role where none is named.
func TestEvaluate_Offboard(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+
		"  - {name: delete, for: [offboard], when: 'mode == \"delete\" && role.id == \"\"', "+
		"approvals: [{need: 1, from: [owners]}], decideWithin: 24h}\n"+
		"  - {name: never, for: [offboard], when: 'principal.kind == \"serviceUser\"', deny: ask the platform team}\n"+
		"  - {name: keep, for: [offboard], when: 'mode == \"baseline\" && role.name == \"SOC\"', autoApprove: true}\n")
	in := asked("offboard")
	in.Principal.Email = "carol@example.com" // an owner
	in.Requester = "ana@example.com"
	got := evaluate(t, p, in)
	require.Equal(t, "delete", got.Approval.Rule)
	require.Equal(t, []string{"dora@example.com"}, got.Approval.Steps[0].People, "nobody decides on their own end")
	require.Zero(t, got.Approval.MaxDuration)
	require.Equal(t, "keep", evaluate(t, p, socGrant(access.OpReset)).Approval.Rule)
	in.Principal.Kind = access.ServiceUser
	require.Contains(t, evaluate(t, p, in).Refusal, "ask the platform team")

	explained := policy.Input{
		Op: policy.OpOffboard, Mode: "delete", Principal: in.Principal, Requester: in.Requester, Now: in.Now,
	}
	explained.Principal.Kind = access.User
	require.Equal(t, "delete", evaluate(t, p, explained).Approval.Rule)
}

// The plan of an offboarding says which of the two it is.
func TestInputFromPlan_Offboard(t *testing.T) {
	t.Parallel()
	held := access.Holdings{Level: access.Tenant, Held: []access.HeldRole{{RoleID: "1"}}}
	plan := access.Plan{
		Op: access.OpDelete, Principal: access.PrincipalRef{Kind: access.User, ID: "7", Email: "erin@example.com"},
		Terms: access.Terms{Requester: "mail@example.com"}, Before: held,
	}
	p := parse(t, "rules: [{name: a, for: [offboard], when: 'mode == \"delete\" && op == \"offboard\"', deny: no}]")
	require.Contains(t, evaluate(t, p, policy.InputFromPlan(plan, time.Now())).Refusal, "denies it: no")
	plan.Op, plan.Scope = access.OpReset, access.ScopeRef{Level: access.Tenant}
	require.Empty(t, evaluate(t, p, policy.InputFromPlan(plan, time.Now())).Refusal)
}

// An extension is decided by the whole time of the grant, so that it does not pass the limits
// that the same grant would not have passed at once.
func TestEvaluate_Extend(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+
		"  - {name: short, when: 'duration <= duration(\"8h\")', autoApprove: true}\n"+
		"  - {name: long, approvals: [{need: 1, from: [soc]}], maxDuration: 24h}\n")
	in := asked("extend")
	in.Duration = access.Duration(8 * time.Hour)
	require.Equal(t, "short", evaluate(t, p, in).Approval.Rule)
	in.Duration++
	require.Equal(t, "long", evaluate(t, p, in).Approval.Rule)
	in.Duration = day + 1
	require.Contains(t, evaluate(t, p, in).Refusal, `rule "long" allows at most 24h`)
}

// The age of an approval is recorded where a change is applied later, and nowhere else.
func TestEvaluate_ApprovalValidFor(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+"  - {name: a, permanent: true, "+
		"for: [grant, revoke, offboard, createUser, createServiceUser, extend, confirm], "+
		"approvals: [{need: 1, from: [soc]}], approvalValidFor: 12h, "+
		"breakGlass: {reviewWithin: 1h, reviewers: {need: 1, from: [owners]}}}\n")
	half := access.Duration(12 * time.Hour)
	for kind, want := range map[string]access.Duration{
		"grant": half, "createUser": half, "createServiceUser": half, "extend": half,
		"revoke": 0, "offboard": 0, "confirm": 0,
	} {
		got := evaluate(t, p, asked(kind))
		require.Empty(t, got.Refusal)
		require.Equal(t, want, got.Approval.ValidFor, kind)
	}
	require.Equal(t, `1 approval from soc, within 72h, applied within 12h of the last one (rule "a")`,
		evaluate(t, p, asked("grant")).Approval.Policy)
	glass := asked("grant")
	glass.BreakGlass = true
	require.Zero(t, evaluate(t, p, glass).Approval.ValidFor, "it starts before its approval")
}

// A result depends on the requester's name if a condition read it on the way to the result.
func TestEvaluate_ReadsRequester(t *testing.T) {
	t.Parallel()
	const then = ", {name: b, autoApprove: true}"
	for rules, want := range map[string]bool{
		"{name: a, autoApprove: true}": false,
		"{name: a, when: 'permanent && \"x@y\" in groups[\"soc\"] || hour > 1', autoApprove: true}": false,
		"{name: a, when: 'requester == \"mail@example.com\"', autoApprove: true}":                   true,
		"{name: a, when: 'requester == \"x@y\"', deny: x}" + then:                                   true,
		"{name: a, when: '!permanent', autoApprove: true}, " +
			"{name: b, when: 'requester == \"x@y\"', autoApprove: true}": false,
		"{name: a, for: [revoke], when: 'requester == \"x@y\"', deny: x}" + then: false,
	} {
		p := parse(t, testGroups+"  ["+rules+"]\n")
		got := evaluate(t, p, asked("grant"))
		require.Equal(t, want, got.ReadsRequester, rules)
	}
}
