package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

// newAccountPlan is the plan of a new service user.
func newAccountPlan() access.Plan {
	return access.Plan{
		Op: access.OpCreate, Principal: access.PrincipalRef{Kind: access.ServiceUser, Name: "ci"},
		Account: &access.NewAccount{Kind: access.ServiceUser, Name: "ci"},
		Role:    access.RoleRef{ID: "302", Name: "SOC"}, Scope: access.ScopeRef{Level: access.AccountLevel, ID: "100"},
		Terms: access.Terms{Requester: "mail@example.com"},
	}
}

// A new account is a permanent grant to a new principal, even if the user exists already.
func TestInputFromPlan_NewAccount(t *testing.T) {
	t.Parallel()
	now := socGrant("").Now
	want := policy.Input{
		Op: access.OpGrant, Principal: access.PrincipalRef{Kind: access.ServiceUser, Name: "ci"},
		Role:      policy.Role{ID: "302", Name: "SOC"},
		Scope:     policy.Scope{Level: access.AccountLevel, ID: "100", Account: "100"},
		Requester: "mail@example.com", Now: now, NewAccount: true, Before: access.Holdings{}.Normal(),
		After: access.Holdings{Level: access.AccountLevel, Held: []access.HeldRole{{RoleID: "302", ScopeID: "100"}}},
	}
	require.Equal(t, want, policy.InputFromPlan(newAccountPlan(), now))

	there := newAccountPlan()
	there.Principal.ID = "7"
	there.Before = access.Holdings{Level: access.Tenant, Held: []access.HeldRole{{RoleID: "1"}}}
	require.Equal(t, want, policy.InputFromPlan(there, now))
}

// Rules for grants apply to new accounts too; newAccount in a condition tells them apart.
func TestEvaluate_NewAccount(t *testing.T) {
	t.Parallel()
	p := parse(t, "groups: {soc: [ana@example.com]}\nrules:\n"+
		"  - {name: users, when: 'newAccount && principal.kind == \"user\"', deny: by hand}\n"+
		"  - {name: new, when: newAccount, permanent: true, approvals: [{need: 1, from: [soc]}]}\n"+
		"  - {name: roles, autoApprove: true}\n")
	q := policy.InputFromPlan(newAccountPlan(), socGrant("").Now)
	require.Equal(t, "new", evaluate(t, p, q).Approval.Rule)
	q.Principal.Kind = access.User
	require.Contains(t, evaluate(t, p, q).Refusal, "by hand")
	require.Equal(t, "roles", evaluate(t, p, socGrant(access.OpAcquire)).Approval.Rule)

	built := evaluate(t, policy.BuiltIn(), q)
	require.True(t, built.Approval.Required)

	for _, change := range []func(*policy.Input){
		func(q *policy.Input) { q.Op = access.OpRevoke }, func(q *policy.Input) { q.Duration = 1 },
		func(q *policy.Input) { q.BreakGlass = true },
	} {
		wrong := q
		change(&wrong)
		_, err := p.Evaluate(wrong)
		require.ErrorContains(t, err, "a new account gets its role permanently")
	}
}

// Requests for new accounts are replayed like grants.
func TestReplay_NewAccount(t *testing.T) {
	t.Parallel()
	made := policy.PastRequest{
		Request: "provision/1", At: socGrant("").Now, Plan: newAccountPlan(), State: "provisioned",
	}
	p := policy.BuiltIn()
	got := p.Replay(made.Input(), made)
	require.True(t, got.Differs)
	require.Equal(t, "undecided", got.WouldBe)

	made.Plan.Approval.Required = true
	made.Decisions = []access.Decision{{At: made.At, By: "ana@example.com", Action: "approve"}}
	got = p.Replay(made.Input(), made)
	require.False(t, got.Differs, got.Why)

	made.State = "denied"
	got = p.Replay(made.Input(), made)
	require.Equal(t, "provisioned", got.WouldBe)
}
