package describe_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// grantPlan is a plan for ana to have SOC at a site for 4 hours.
func grantPlan() access.Plan {
	return access.Plan{
		Op:        access.OpAcquire,
		Principal: access.PrincipalRef{Kind: access.User, ID: "7", Email: "ana@example.com", Name: "Ana"},
		Role:      access.RoleRef{ID: "2", Name: "SOC"},
		Scope:     access.ScopeRef{Level: access.SiteLevel, ID: "9", Name: "Acme / Berlin"},
		Terms: access.Terms{
			Requester: "bob@example.com", Reason: "INC-42", Duration: access.Duration(4 * time.Hour),
		},
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	tests := map[access.Op]struct{ plan, short string }{
		access.OpGrant: {
			"grant user ana@example.com (7) role SOC (2) at site Acme / Berlin (9), permanent",
			"grant ana@example.com SOC at Acme / Berlin, permanent",
		},
		access.OpAcquire: {
			"grant user ana@example.com (7) role SOC (2) at site Acme / Berlin (9), for 4h",
			"grant ana@example.com SOC for 4h at Acme / Berlin",
		},
		access.OpRevoke: {
			"revoke role SOC (2) at site Acme / Berlin (9) from user ana@example.com (7)",
			"revoke SOC at Acme / Berlin from ana@example.com",
		},
		access.OpReset: {
			plan: "reduce user ana@example.com (7) to role SOC (2) at site Acme / Berlin (9), and no other role",
		},
		access.OpDelete:  {plan: "delete user ana@example.com (7)"},
		access.OpCreate:  {plan: "create user ana@example.com (7) with role SOC (2) at site Acme / Berlin (9)"},
		access.OpRelease: {plan: "release: user ana@example.com (7), role SOC (2) at site Acme / Berlin (9)"},
		"strange\x1b":    {plan: `strange\x1b: user ana@example.com (7), role SOC (2) at site Acme / Berlin (9)`},
	}
	for op, tt := range tests {
		plan := grantPlan()
		plan.Op = op
		require.Equal(t, tt.plan, describe.Plan(plan), op)
		if tt.short == "" {
			tt.short = tt.plan
		}
		require.Equal(t, tt.short, describe.ShortPlan(plan), op)
	}
}

// However long the texts in a plan are, those made of it are not.
func TestPlan_LongTextsAreCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10_000)
	plan := grantPlan()
	plan.Terms.Requester, plan.Terms.Reason = long, long
	plan.Role, plan.Scope.Name, plan.Scope.ID = access.RoleRef{ID: long, Name: long}, long, long
	plan.Principal.Email, plan.Principal.ID = long, long
	for name, text := range map[string]string{
		"plan": describe.Plan(plan), "short": describe.ShortPlan(plan),
	} {
		require.Less(t, utf8.RuneCountInString(text), 6*describe.MaxName+describe.MaxReason, name)
		require.Contains(t, text, "…", name)
	}
}

func TestDetails(t *testing.T) {
	t.Parallel()
	plan := grantPlan()
	plan.Before = access.Holdings{Level: access.AccountLevel, Held: []access.HeldRole{{RoleID: "3", ScopeID: "8"}}}
	plan.After = access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "2", ScopeID: "9"}}}
	n := describe.NewNames(directory{"3": "Viewer", "8": "Acme"}, &plan)
	moved := []describe.Fact{
		{Name: "before", Lines: []string{"Viewer (3) at account Acme (8)"}},
		{Name: "after", Lines: []string{"SOC (2) at site Acme / Berlin (9)"}},
		{Name: "loses", Lines: []string{"Viewer (3) at account Acme (8)"}},
	}
	require.Equal(t, moved, describe.Details(n, plan))

	plan.Notes, plan.Refusal = []string{"one", "two"}, "the level differs"
	plan.Terms.BreakGlass, plan.Approval.Policy = true, "1 of leads"
	require.Equal(t, append(moved,
		describe.Fact{Name: "note", Lines: []string{"one", "two"}},
		describe.Fact{Name: "break-glass", Lines: []string{
			"requested: access starts at once and is reviewed afterwards",
		}},
		describe.Fact{Name: "approval", Lines: []string{"1 of leads"}},
		describe.Fact{Name: "refusal", Lines: []string{"the level differs"}},
	), describe.Details(n, plan))
}

// An approver sees when the access starts, and a refusal of the policy is said once.
func TestDetails_StartAndRefusal(t *testing.T) {
	t.Parallel()
	plan := grantPlan()
	plan.Terms.StartAt = time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
	plan.Approval.Policy, plan.Approval.Refusal, plan.Refusal = "refused: too long", "too long", "too long"
	var rows []string
	for _, fact := range describe.Details(describe.NewNames(nil, &plan), plan) {
		rows = append(rows, fact.Name+": "+strings.Join(fact.Lines, ", "))
	}
	require.Equal(t, "start: 2026-03-04 09:00:00 UTC", rows[0])
	require.Equal(t, "refusal: too long", rows[len(rows)-1])
	require.NotContains(t, rows, "approval: refused: too long")
}

// What a revoke is about is no loss beside it; what goes with it is one.
func TestNames_Lost(t *testing.T) {
	t.Parallel()
	plan := grantPlan()
	plan.Op = access.OpRevoke
	plan.Before = access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{
		{RoleID: "2", ScopeID: "9"}, {RoleID: "3", ScopeID: "9"},
	}}
	n := describe.NewNames(nil, &plan)
	require.Equal(t, []string{"3 at site Acme / Berlin (9)"}, n.Lost(plan))
	plan.After = access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "3", ScopeID: "9"}}}
	require.Nil(t, n.Lost(plan))
	plan.Op = access.OpReset
	require.Equal(t, []string{"SOC (2) at site Acme / Berlin (9)"}, n.Lost(plan))
}
