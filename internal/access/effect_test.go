package access_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

func grant(id string, h access.Holding) access.Change {
	return access.Change{Op: access.OpGrant, Lease: access.Lease{ID: id, Holding: h}}
}

// effectOn is what a change does to a principal with those leases on that baseline.
func effectOn(baseline access.Holdings, c access.Change, leases ...access.Change) access.Effect {
	known, step := applyAll(baseline, leases...)
	return access.EffectOf(known.Apply(c, step.After), c)
}

func TestEffectOf(t *testing.T) {
	t.Parallel()
	base, downgrade := sites("1", "100", "2", "101"), site("9", "109")
	move := acquireAtAnotherLevel("m", account("5", "10"))
	last := access.Change{
		Op: access.OpRevoke, Lease: access.Lease{Holding: site("1", "100")},
		Rules: access.Rules{LastRole: access.LastRoleDowngrade, Downgrade: &downgrade},
	}
	removed := last
	removed.Rules.LastRole = access.LastRoleDelete
	for name, c := range map[string]struct {
		got, want access.Effect
	}{
		"gains a role": {
			effectOn(base, acquire("a", site("3", "102"))), access.Effect{Gains: []access.Holding{site("3", "102")}},
		},
		"replaces a role": {
			effectOn(base, acquire("a", site("3", "100"))),
			access.Effect{
				Gains: []access.Holding{site("3", "100")}, Loses: []access.Holding{site("1", "100")},
				Replaced: []access.Holding{site("1", "100")},
			},
		},
		"changes the level": {
			effectOn(base, move),
			access.Effect{
				Gains:       []access.Holding{account("5", "10")},
				Loses:       []access.Holding{site("1", "100"), site("2", "101")},
				LevelChange: &access.LevelChange{From: access.SiteLevel, To: access.AccountLevel},
			},
		},
		"revokes": {
			effectOn(base, access.Change{Op: access.OpRevoke, Lease: access.Lease{Holding: site("2", "101")}}),
			access.Effect{Loses: []access.Holding{site("2", "101")}},
		},
		"resets": {
			effectOn(base, access.Change{Op: access.OpReset, Lease: access.Lease{Holding: site("2", "101")}}),
			access.Effect{Gains: []access.Holding{site("2", "101")}, Loses: []access.Holding{site("1", "100")}},
		},
		"deletes": {
			effectOn(base, access.Change{Op: access.OpDelete}),
			access.Effect{Loses: []access.Holding{site("1", "100"), site("2", "101")}, Deletes: true},
		},
		"downgrades the last role": {
			effectOn(sites("1", "100"), last),
			access.Effect{
				Gains: []access.Holding{downgrade}, Loses: []access.Holding{site("1", "100")},
				LastRole: access.LastRoleDowngrade, Downgrade: &downgrade,
			},
		},
		"deletes with the last role": {
			effectOn(sites("1", "100"), removed),
			access.Effect{
				Loses: []access.Holding{site("1", "100")}, LastRole: access.LastRoleDelete, Deletes: true,
			},
		},
		"gives back what a lease replaced": {
			effectOn(base, release("a", site("3", "100")), acquire("a", site("3", "100"))),
			access.Effect{
				Gains: []access.Holding{site("1", "100")}, Loses: []access.Holding{site("3", "100")},
				Replaced: []access.Holding{site("3", "100")},
			},
		},
	} {
		require.Equal(t, c.want, c.got, name)
	}
}

// Leases of ours that begin or end at other scopes, at the same scope or with the same role
// change the list, but not the effect. Neither do permanent grants at other scopes.
func TestEffectOf_DoesNotDependOnOurLeases(t *testing.T) {
	t.Parallel()
	base := sites("1", "100", "2", "101")
	for _, c := range []access.Change{acquire("x", site("3", "100")), grant("x", site("3", "100"))} {
		want := effectOn(base, c)
		for name, leases := range map[string][]access.Change{
			"same role and scope": {acquire("a", site("3", "100"))},
			"same scope":          {acquire("a", site("4", "100"))},
			"other scopes":        {acquire("a", site("3", "101")), acquire("b", site("3", "102"))},
			"grants":              {grant("a", site("4", "103")), grant("b", site("4", "104"))},
		} {
			require.Equal(t, want, effectOn(base, c, leases...), "%s: %s", c.Op, name)
		}
	}
}

// A level that a lease of ours keeps the principal at is another level than the approved one.
func TestEffectOf_LevelChangeByALease(t *testing.T) {
	t.Parallel()
	c := acquireAtAnotherLevel("x", site("3", "100"))
	moved := effectOn(sites("1", "100"), c, acquireAtAnotherLevel("a", account("5", "10")))
	require.Equal(t, &access.LevelChange{From: access.AccountLevel, To: access.SiteLevel}, moved.LevelChange)
	require.Equal(t, []string{"it would move the principal from account to site level"},
		effectOn(sites("1", "100"), c).Exceeds(moved))
}

func TestEffect_Exceeds(t *testing.T) {
	t.Parallel()
	a, b, moved := site("1", "100"), site("2", "101"), &access.LevelChange{From: access.SiteLevel, To: access.Tenant}
	downgrade := site("9", "109")
	for name, c := range map[string]struct {
		approved, now access.Effect
		want          []string
	}{
		"the same": {access.Effect{Loses: []access.Holding{a}}, access.Effect{Loses: []access.Holding{a}}, nil},
		"less lost": {
			access.Effect{Loses: []access.Holding{a, b}}, access.Effect{Loses: []access.Holding{b}}, nil,
		},
		"no level change": {access.Effect{LevelChange: moved}, access.Effect{}, nil},
		"no deletion":     {access.Effect{LastRole: access.LastRoleDelete, Deletes: true}, access.Effect{}, nil},
		"more lost": {
			access.Effect{Loses: []access.Holding{a}},
			access.Effect{Loses: []access.Holding{a, b}},
			[]string{"it would also remove role 2 at site 101"},
		},
		"another role replaced": {
			access.Effect{Loses: []access.Holding{a}, Replaced: []access.Holding{a}},
			access.Effect{Loses: []access.Holding{site("2", "100")}, Replaced: []access.Holding{site("2", "100")}},
			[]string{"it would replace role 2 at site 100"},
		},
		"another level": {
			access.Effect{LevelChange: &access.LevelChange{From: access.SiteLevel, To: access.AccountLevel}},
			access.Effect{LevelChange: moved},
			[]string{"it would move the principal from site to tenant level"},
		},
		"another rule for the last role": {
			access.Effect{},
			access.Effect{
				Gains: []access.Holding{downgrade}, LastRole: access.LastRoleDowngrade, Downgrade: &downgrade,
			},
			[]string{
				"it would give role 9 at site 109",
				"it would remove the last role, and the policy's rule for that is downgrade",
			},
		},
		"a deletion": {access.Effect{}, access.Effect{Deletes: true}, []string{"it would delete the principal"}},
	} {
		require.Equal(t, c.want, c.approved.Exceeds(c.now), name)
	}
}

// An approval covers the effect it was worked out from, for every change on every state.
func TestEffect_CoversItself(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		randomChanges(seed, true, func(c access.Change, s access.Step, _ access.OwnershipState) {
			e := access.EffectOf(s, c)
			require.Empty(t, e.Exceeds(e), "seed %d: %+v", seed, c)
			for _, h := range e.Replaced {
				require.Contains(t, e.Loses, h, "seed %d", seed)
			}
		})
	}
}

// The hash of a plan with an effect is over what it does; of an older plan, over everything.
func TestPlan_HashIsOfTheEffect(t *testing.T) {
	t.Parallel()
	old := access.Plan{
		Op: access.OpGrant, Console: "acmeco.sentinelone.net",
		Principal: access.PrincipalRef{Kind: access.User, ID: "7"},
		Role:      access.RoleRef{ID: "2"}, Scope: access.ScopeRef{Level: access.SiteLevel, ID: "100"},
		Before: sites("1", "100"), After: sites("2", "100"), Expected: access.Applied, Notes: []string{"a note"},
	}
	require.Equal(t, "1c8db769", old.Seal().Hash[:8], "plans of 0.4.0 keep their hash")
	with := old
	with.Effect = &access.Effect{Gains: []access.Holding{site("2", "100")}, Loses: []access.Holding{site("1", "100")}}
	sealed := with.Seal()
	require.NotEqual(t, old.Seal().Hash, sealed.Hash)
	require.Equal(t, with.Before, sealed.Before, "the lists are kept, for people to see")
	for i, change := range []func(*access.Plan){
		func(p *access.Plan) { p.Before = sites("1", "100", "3", "101") },
		func(p *access.Plan) { p.After = sites("2", "100", "3", "101") },
		func(p *access.Plan) { p.Notes = nil },
	} {
		same, differs := with, old
		change(&same)
		change(&differs)
		require.Equal(t, sealed.Hash, same.Seal().Hash, fmt.Sprint(i))
		require.NotEqual(t, old.Seal().Hash, differs.Seal().Hash, fmt.Sprint(i))
	}
	more := with
	more.Effect = &access.Effect{Gains: with.Effect.Gains}
	require.NotEqual(t, sealed.Hash, more.Seal().Hash)
}
