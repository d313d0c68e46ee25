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

// A role added by hand beside leases that hide the baseline stands, and the leases keep their
// claims: their end removes their roles.
func TestAbsorb_AddedByHandBesideLeases(t *testing.T) {
	t.Parallel()
	own, hides, leased := accounts("4", "11"), site("2", "100"), account("5", "10")
	known, _ := applyAll(own, acquireAtAnotherLevel("a", hides), acquireAtAnotherLevel("b", leased))
	seen, drift := known.Absorb(accounts("5", "10", "7", "12"))
	require.Len(t, drift, 1)
	require.Equal(t, accounts("7", "12"), seen.Baseline)
	step := seen.Apply(release("b", leased), seen.Proven)
	require.Equal(t, access.Released, step.Outcome)
	require.Equal(t, accounts("7", "12"), step.After)
}

// A revoke of a role that is not shown, since a later lease hides it, gives back at once what
// its lease had hidden, and not with the next change.
func TestApply_RevokeBehindALevelChange(t *testing.T) {
	t.Parallel()
	own, hides, leased := accounts("4", "11"), site("2", "100"), account("5", "10")
	known, step := applyAll(own, acquireAtAnotherLevel("a", hides), acquireAtAnotherLevel("b", leased))
	require.Equal(t, accounts("5", "10"), step.After)
	step = known.Apply(access.Change{Op: access.OpRevoke, Lease: access.Lease{Holding: hides}}, step.After)
	require.Equal(t, access.AlreadyAbsent, step.Outcome)
	require.Equal(t, accounts("4", "11", "5", "10"), step.After)
	require.Equal(t, own, step.Next.Apply(release("b", leased), step.After).After)
}

// Adopted oldest first, a lease that a later one replaced does not become baseline.
func TestAdoptLease_OldestFirst(t *testing.T) {
	t.Parallel()
	start, old, later := sites("1", "100"), site("2", "100"), site("3", "100")
	_, step := applyAll(start, acquire("a", old), acquire("b", later))
	var state access.OwnershipState
	state = state.AdoptLease(acquire("a", old).Lease, start)
	step = state.Apply(release("a", old), step.After)
	require.Equal(t, access.Superseded, step.Outcome)
	state = step.Next.AdoptLease(acquire("b", later).Lease, start)
	require.Equal(t, start, state.Apply(release("b", later), step.After).After)
}
