package access_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

func site(role, scope string) access.Holding {
	return access.Holding{Level: access.SiteLevel, RoleID: role, ScopeID: scope}
}

func sites(pairs ...string) access.Holdings {
	out := access.Holdings{Level: access.SiteLevel}
	for i := 0; i < len(pairs); i += 2 {
		out.Held = append(out.Held, access.HeldRole{RoleID: pairs[i], ScopeID: pairs[i+1]})
	}
	return out.Normal()
}

func acquire(id string, h access.Holding) access.Change {
	return access.Change{Op: access.OpAcquire, Lease: access.Lease{ID: id, Holding: h}}
}

func release(id string, h access.Holding) access.Change {
	return access.Change{Op: access.OpRelease, Lease: access.Lease{ID: id, Holding: h}}
}

// applyAll applies changes one after the other to a console without hand edits.
func applyAll(start access.Holdings, changes ...access.Change) (access.OwnershipState, access.Step) {
	var t access.OwnershipState
	step := access.Step{After: start}
	for _, c := range changes {
		step = t.Apply(c, step.After)
		t = step.Next
	}
	return t, step
}

// Of two leases with different roles at one scope the later one holds while it
// lives; then the earlier one is back if it still lives, else the baseline.
func TestApply_TwoRolesAtOneScope(t *testing.T) {
	t.Parallel()
	start := sites("1", "100")
	first, second := acquire("a", site("2", "100")), acquire("b", site("3", "100"))
	_, both := applyAll(start, first, second)
	require.Equal(t, sites("3", "100"), both.After)

	_, step := applyAll(start, first, second, release("b", site("3", "100")))
	require.Equal(t, sites("2", "100"), step.After, "the earlier one is back")
	require.Equal(t, access.Released, step.Outcome)

	_, step = applyAll(start, first, second, release("a", site("2", "100")))
	require.Equal(t, sites("3", "100"), step.After, "the later one is not touched")
	require.False(t, step.Writes())
	_, step = applyAll(start, first, second, release("a", site("2", "100")), release("b", site("3", "100")))
	require.Equal(t, start, step.After, "the baseline is back")
}

func TestApply_OverlappingLeasesEndWithTheLast(t *testing.T) {
	t.Parallel()
	start, h := sites("1", "100"), site("2", "101")
	_, step := applyAll(start, acquire("a", h), acquire("b", h), release("a", h))
	require.Equal(t, access.StillHeld, step.Outcome)
	require.True(t, step.After.Holds(h))
	_, step = applyAll(start, acquire("a", h), acquire("b", h), release("a", h), release("b", h))
	require.Equal(t, access.Released, step.Outcome)
	require.Equal(t, start, step.After)
}

// A role that was there before a lease is there after it.
func TestApply_LeaseOnWhatIsHeldAlready(t *testing.T) {
	t.Parallel()
	start, h := sites("1", "100"), site("1", "100")
	_, step := applyAll(start, acquire("a", h))
	require.Equal(t, access.AlreadyHeld, step.Outcome)
	require.False(t, step.Writes())
	_, step = applyAll(start, acquire("a", h), release("a", h))
	require.Equal(t, access.StillHeld, step.Outcome)
	require.False(t, step.Writes())
}

func TestApply_SomeoneChangedTheScopeByHand(t *testing.T) {
	t.Parallel()
	h := site("2", "101")
	known, _ := applyAll(sites("1", "100"), acquire("a", h))
	step := known.Apply(release("a", h), sites("1", "100", "4", "101"))
	require.Equal(t, access.Superseded, step.Outcome)
	require.False(t, step.Writes(), "what someone changed by hand stands")
	require.Equal(t, []string{"at site 101 someone changed role 2 to role 4"}, step.Drift)

	step = known.Apply(release("a", h), sites("1", "100", "2", "101", "4", "102"))
	require.Equal(t, access.Released, step.Outcome, "an edit elsewhere is no edit here")
	require.Equal(t, sites("1", "100", "4", "102"), step.After, "and is kept")
}

func TestApply_LevelChange(t *testing.T) {
	t.Parallel()
	start := sites("1", "100", "2", "101")
	up := access.Holding{Level: access.AccountLevel, RoleID: "3", ScopeID: "10"}
	_, step := applyAll(start, acquire("a", up))
	require.Equal(t, access.LevelDiffers, step.Outcome)
	require.True(t, step.Refused())
	require.Equal(t, start, step.After)

	allowed := acquire("a", up)
	allowed.Rules.AllowLevelChange = true
	_, step = applyAll(start, allowed)
	require.True(t, step.LevelChange)
	require.Equal(t, start.Held, step.Loses)
	require.Equal(t, []string{
		"moves the principal from site to account level", "removes role 1 at site 100, role 2 at site 101",
	}, step.Describe())
	_, step = applyAll(start, allowed, release("a", up))
	require.Equal(t, start, step.After, "the whole list of before is back")
}

func TestApply_LastRole(t *testing.T) {
	t.Parallel()
	start, h := sites("1", "100"), site("1", "100")
	revoke := access.Change{Op: access.OpRevoke, Lease: access.Lease{Holding: h}}
	_, step := applyAll(start, revoke)
	require.Equal(t, access.LastRoleStays, step.Outcome)
	require.Equal(t, start, step.After, "an empty list is never planned")

	revoke.Rules = access.Rules{LastRole: access.LastRoleDowngrade, Downgrade: new(site("5", "101"))}
	_, step = applyAll(start, revoke)
	require.Equal(t, access.Removed, step.Outcome)
	require.Equal(t, sites("5", "101"), step.After)

	revoke.Rules = access.Rules{LastRole: access.LastRoleDelete}
	_, step = applyAll(start, revoke)
	require.True(t, step.Delete)
	require.Equal(t, access.Deleted, step.Outcome)
}

// A revoke also ends the leases on that role, so that none brings it back.
func TestApply_RevokeOutlivesLeases(t *testing.T) {
	t.Parallel()
	start, h := sites("1", "100", "9", "102"), site("1", "100")
	revoke := access.Change{Op: access.OpRevoke, Lease: access.Lease{Holding: h}}
	_, step := applyAll(start, acquire("a", site("2", "100")), revoke, release("a", site("2", "100")))
	require.Equal(t, sites("9", "102"), step.After, "what was revoked under a lease does not come back")
	_, step = applyAll(start, acquire("a", site("2", "101")), access.Change{
		Op: access.OpRevoke, Lease: access.Lease{Holding: site("2", "101")},
	})
	require.Equal(t, access.Removed, step.Outcome)
	require.Equal(t, start, step.After)
}

// A permanent grant is part of the baseline: leases end above it.
func TestApply_PermanentGrant(t *testing.T) {
	t.Parallel()
	h := site("2", "101")
	grant := access.Change{Op: access.OpGrant, Lease: access.Lease{Holding: h}}
	_, step := applyAll(sites("1", "100"), acquire("a", h), grant, release("a", h))
	require.Equal(t, access.StillHeld, step.Outcome)
	require.True(t, step.After.Holds(h))

	grant.Lease.Holding = site("3", "101")
	_, step = applyAll(sites("1", "100"), acquire("a", h), grant, release("a", h))
	require.Equal(t, access.Superseded, step.Outcome)
	require.Equal(t, sites("1", "100", "3", "101"), step.After)
}

// A release restores the baseline without the roles that were deleted meanwhile.
func TestStep_WithoutDeletedRoles(t *testing.T) {
	t.Parallel()
	h := site("2", "100")
	known, _ := applyAll(sites("1", "100", "3", "101"), acquire("a", h), acquire("b", site("1", "102")))
	step := known.Apply(release("a", h), known.Proven)
	require.Equal(t, sites("1", "100", "3", "101", "1", "102"), step.After)

	left := step.WithoutDeletedRoles([]string{"1"}, release("a", h))
	require.Equal(t, sites("3", "101"), left.After)
	require.Equal(t, access.Released, left.Outcome)
	require.Equal(t, sites("3", "101"), left.Next.Baseline)
	require.True(t, left.Next.Proven.Equal(left.After))
	require.True(t, left.Next.Leases[0].Lost)
	require.Equal(t, []string{
		"role 1 was deleted from the console: it is not restored at site 100",
		"role 1 was deleted from the console: it is not restored at site 102",
	}, left.Drift)
	require.Equal(t, []access.HeldRole{{RoleID: "1", ScopeID: "102"}}, left.Loses)
	require.False(t, known.Leases[1].Lost, "what was known stays as it was")

	none := step.WithoutDeletedRoles([]string{"1", "3"}, release("a", h))
	require.Equal(t, access.LastRoleStays, none.Outcome)
	require.Equal(t, step.Before, none.After, "an empty list is never planned")
	down := release("a", h)
	down.Rules = access.Rules{LastRole: access.LastRoleDowngrade, Downgrade: new(site("5", "101"))}
	require.Equal(t, sites("5", "101"), step.WithoutDeletedRoles([]string{"1", "3"}, down).After)
	down.Rules = access.Rules{LastRole: access.LastRoleDelete}
	require.True(t, step.WithoutDeletedRoles([]string{"1", "3"}, down).Delete)
}

func TestApply_ReleaseOfAnUnknownLease(t *testing.T) {
	t.Parallel()
	_, step := applyAll(sites("1", "100"), release("a", site("2", "101")))
	require.Equal(t, access.NotApplied, step.Outcome)
	require.False(t, step.Writes())
}

func TestOwnershipState_IsStaleRead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC)
	known, step := applyAll(sites("1", "100"), acquire("a", site("2", "101")))
	known.Prior, known.WrittenAt = step.Before, now
	require.True(t, known.IsStaleRead(step.Before, now.Add(time.Second), time.Minute))
	require.False(t, known.IsStaleRead(step.After, now.Add(time.Second), time.Minute))
	require.False(t, known.IsStaleRead(step.Before, now.Add(2*time.Minute), time.Minute), "then it was changed back")
}

func TestRole_UsableAt(t *testing.T) {
	t.Parallel()
	account := access.Scope{Level: access.AccountLevel, ID: "10"}
	siteScope := access.Scope{Level: access.SiteLevel, ID: "100"}
	custom := access.Role{Scope: access.AccountLevel, ScopeID: "10"}
	require.True(t, custom.UsableAt(account, ""))
	require.True(t, custom.UsableAt(siteScope, "10"))
	require.False(t, custom.UsableAt(siteScope, "11"))
	require.False(t, custom.UsableAt(access.Scope{Level: access.Tenant}, ""))
	require.True(t, access.Role{Scope: access.SiteLevel, ScopeID: "100"}.UsableAt(siteScope, "10"))
	require.False(t, access.Role{Scope: access.SiteLevel, ScopeID: "101"}.UsableAt(siteScope, "10"))
	require.True(t, access.Role{Predefined: true, Scope: access.Tenant}.UsableAt(siteScope, "10"))
	require.False(t, access.Role{Scope: access.GroupLevel, ScopeID: "5"}.UsableAt(siteScope, "10"))
}

func TestUntouchable(t *testing.T) {
	t.Parallel()
	p := access.Principal{Kind: access.User, ID: "7"}
	require.Empty(t, access.Untouchable(p, false))
	require.Contains(t, access.Untouchable(p, true), "API token")
	require.Contains(t, access.Untouchable(access.Principal{IsSystem: true}, false), "system user")
	require.Contains(t, access.Untouchable(access.Principal{RolesReadOnly: true}, false), "read-only")
}

// A deleted principal has no access and no lease comes back: a grant that ends later finds
// its lease superseded.
func TestApply_DeletingLosesEveryLease(t *testing.T) {
	t.Parallel()
	start, h := sites("1", "100"), site("2", "101")
	known, step := applyAll(start, acquire("a", h), access.Change{Op: access.OpDelete})
	require.True(t, step.Delete)
	require.Equal(t, access.Deleted, step.Outcome)
	require.Len(t, step.Loses, 2)
	require.Empty(t, step.After.Held)
	require.Empty(t, known.Desired().Held)
	late := known.Apply(release("a", h), access.Holdings{})
	require.Equal(t, access.Superseded, late.Outcome)
	require.False(t, late.Writes())
	require.Empty(t, late.Next.Leases)
}
