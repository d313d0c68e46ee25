package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

func account(role, scope string) access.Holding {
	return access.Holding{Level: access.AccountLevel, RoleID: role, ScopeID: scope}
}

func accounts(pairs ...string) access.Holdings {
	out := sites(pairs...)
	out.Level = access.AccountLevel
	return out
}

// acquireAtAnotherLevel is allowed to move the principal to the level of the role.
func acquireAtAnotherLevel(id string, h access.Holding) access.Change {
	c := acquire(id, h)
	c.Rules.AllowLevelChange = true
	return c
}

// A write has not landed where the principal is at another level, also where the step
// only removes a role: at another level its scope is empty too.
func TestLanded_NotAtAnotherLevel(t *testing.T) {
	t.Parallel()
	h := site("2", "101")
	known, step := applyAll(sites("1", "100"), acquire("a", h))
	removal := known.Apply(release("a", h), step.After)
	require.Equal(t, sites("1", "100"), removal.After)
	require.True(t, removal.Landed(removal.After))
	require.False(t, removal.Landed(accounts("4", "10")))
	require.False(t, removal.Landed(access.Holdings{Level: access.Tenant, Held: []access.HeldRole{{RoleID: "4"}}}))
	require.False(t, removal.Landed(access.Holdings{Level: access.AccountLevel}), "the kept role is gone too")
}

// Leases at account level stand on a baseline at site level. A role added by hand at
// account level becomes the baseline: the console cannot hold the site roles beside it.
func TestAbsorb_HandEditAtAnotherLevelThanTheBaseline(t *testing.T) {
	t.Parallel()
	start, h := sites("1", "100", "2", "101"), account("3", "10")
	known, _ := applyAll(start, acquireAtAnotherLevel("a", h))
	require.Equal(t, start, known.Baseline)

	added, drift := known.Absorb(accounts("3", "10", "4", "11"))
	require.Equal(t, []string{"at account 11 someone changed nothing to role 4"}, drift)
	require.Equal(t, accounts("4", "11"), added.Baseline)
	require.False(t, added.Leases[0].Lost, "the edit is at another scope")
	require.Equal(t, accounts("4", "11"), added.Apply(release("a", h), added.Proven).After)

	replaced, _ := known.Absorb(accounts("4", "10"))
	require.Equal(t, accounts("4", "10"), replaced.Baseline)
	require.True(t, replaced.Leases[0].Lost)
}

// A role removed by hand at account level leaves a baseline at site level as it is: it is
// back when the last lease at account level ends.
func TestAbsorb_RemovalAtAnotherLevelThanTheBaseline(t *testing.T) {
	t.Parallel()
	start, first, second := sites("1", "100", "2", "101"), account("3", "10"), account("4", "11")
	known, _ := applyAll(start, acquireAtAnotherLevel("a", first), acquire("b", second))
	known, drift := known.Absorb(accounts("4", "11"))
	require.Equal(t, []string{"at account 10 someone changed role 3 to nothing"}, drift)
	require.Equal(t, start, known.Baseline)
	require.True(t, known.Leases[0].Lost)
	require.Equal(t, start, known.Apply(release("b", second), known.Proven).After)
}

// A hand edit that moves the principal to another level is one sentence, and ends every
// claim, whatever its level.
func TestAbsorb_MovedByHand(t *testing.T) {
	t.Parallel()
	known, _ := applyAll(sites("1", "100"), acquireAtAnotherLevel("a", account("3", "10")),
		acquireAtAnotherLevel("b", site("2", "101")))
	moved, drift := known.Absorb(accounts("4", "10"))
	require.Equal(t, []string{"someone moved the principal from site to account level"}, drift)
	require.Equal(t, accounts("4", "10"), moved.Baseline)
	require.True(t, moved.Leases[0].Lost && moved.Leases[1].Lost)
}
