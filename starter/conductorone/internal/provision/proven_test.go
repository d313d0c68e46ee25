package provision

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/evidence"
)

const noProof = "and the ledger has no proof of it"

// shown is what the console has shown last.
func shown(held ...access.HeldRole) *evidence.Latest {
	return &evidence.Latest{Known: true, Read: access.Read{
		Holdings: access.Holdings{Level: access.SiteLevel, Held: held},
	}}
}

// byChange is what the read shows that ends a change.
func byChange(held ...access.HeldRole) *evidence.Latest {
	out := shown(held...)
	out.ByChange = true
	return out
}

// A person who reaches Temporal can give a workflow any result: it counts if the ledger proves it.
func TestGrant_Forged(t *testing.T) {
	t.Parallel()
	of := plan(access.OpGrant, access.Applied)
	for name, told := range map[string]requestrecord.Observation{
		"granted": applied(), "active": open(wire.StateActive, "", of),
	} {
		f := &fakeRequests{look: of, forged: true, seen: []requestrecord.Observation{told}}
		_, _, err := doGrant(t, f)
		requireFailed(t, err, "Temporal says that grant/c1-", "is granted, "+noProof, "find out who")
		f = &fakeRequests{look: of, seen: []requestrecord.Observation{told}}
		_, _, err = doGrant(t, f)
		require.NoError(t, err, name)
	}
	// A true proof, of another role.
	other := of
	other.Role.ID = "3"
	f := &fakeRequests{look: of, seen: []requestrecord.Observation{applied()}, proven: &other}
	_, _, err := doGrant(t, f)
	requireFailed(t, err, noProof)
	// A true proof, and the release of it.
	f = &fakeRequests{look: of, seen: []requestrecord.Observation{ended(wire.StateGranted, access.Applied, "", of,
		access.Proof{Op: access.OpAcquire, Outcome: access.Applied},
		access.Proof{Op: access.OpRelease, Outcome: access.Released},
	)}}
	_, _, err = doGrant(t, f)
	requireFailed(t, err, noProof)
}

// A run that was reset tells again what was so once.
func TestGrant_RemovedSince(t *testing.T) {
	t.Parallel()
	of := plan(access.OpGrant, access.Applied)
	f := &fakeRequests{look: of, joins: true, last: byChange(), seen: []requestrecord.Observation{applied()}}
	_, _, err := doGrant(t, f)
	requireFailed(t, err, "a later change has removed it", "press Retry failed provisioning")
}

func TestRevoke_Forged(t *testing.T) {
	t.Parallel()
	of := plan(access.OpRevoke, access.Removed, heldSOC)
	told := []requestrecord.Observation{ended(wire.StateRevoked, access.Removed, "", of)}
	_, err := doRevoke(t, &fakeRequests{look: of, forged: true, seen: told})
	requireFailed(t, err, "Temporal says that revoke/c1-", "is revoked, "+noProof)
	other := of
	other.Principal.ID = "8"
	_, err = doRevoke(t, &fakeRequests{look: of, seen: told, proven: &other})
	requireFailed(t, err, noProof)
	_, err = doRevoke(t, &fakeRequests{look: of, seen: told, last: byChange(heldSOC)})
	requireFailed(t, err, "a later change has given it again")
	stays := plan(access.OpRevoke, access.LastRoleStays, heldSOC)
	_, err = doRevoke(t, &fakeRequests{look: of, seen: []requestrecord.Observation{
		ended(wire.StateRevoked, access.LastRoleStays, "", stays),
	}})
	requireFailed(t, err, noProof)
}

// A dry run leaves nothing in the ledger, so that its answer counts only if ledger or last sync agree. Else the
// request itself proves what is so.
func TestLook_Forged(t *testing.T) {
	t.Parallel()
	held := plan(access.OpGrant, access.AlreadyHeld, heldSOC)
	found := ended(wire.StateGranted, access.AlreadyHeld, "", held)
	for name, last := range map[string]*evidence.Latest{
		"not shown": shown(), "nothing known": {}, "gone": {Known: true, Read: access.Read{Gone: true}},
	} {
		f := &fakeRequests{look: held, last: last, seen: []requestrecord.Observation{found}}
		_, annos, err := doGrant(t, f)
		require.NoError(t, err, name)
		require.Equal(t, []string{"GrantAlreadyExists"}, annos)
		require.Len(t, f.begun, 1, name)
	}
	absent := plan(access.OpRevoke, access.AlreadyAbsent)
	for name, last := range map[string]*evidence.Latest{"shown": shown(heldSOC), "nothing known": {}} {
		f := &fakeRequests{look: absent, last: last, seen: []requestrecord.Observation{
			ended(wire.StateRevoked, access.Removed, "", absent),
		}}
		annos, err := doRevoke(t, f)
		require.NoError(t, err, name)
		require.Empty(t, annos, name)
		require.Len(t, f.begun, 1, name)
	}
}

// A role that only another, time-bound request gives ends with that. ConductorOne's grant has no end, so that it is
// requested; its own request, shortened by an approver, is the one that runs.
func TestGrant_OnlyLeased(t *testing.T) {
	t.Parallel()
	held := plan(access.OpGrant, access.AlreadyHeld, heldSOC)
	others := []access.Lease{{ID: "grant/INC-42#run", Holding: soc}}
	own := (&target{principal: dani, holding: soc}).grantID(console)
	for name, c := range map[string]struct {
		leases   []access.Lease
		baseline []access.HeldRole
		requests int
	}{
		"another's lease":         {others, nil, 1},
		"its own lease":           {[]access.Lease{{ID: own + "#run", Holding: soc}}, nil, 0},
		"a lease, and the role":   {others, []access.HeldRole{heldSOC}, 0},
		"a lease that is lost":    {[]access.Lease{{ID: "grant/INC-42#run", Holding: soc, Lost: true}}, nil, 0},
		"a lease of another role": {[]access.Lease{{ID: "grant/INC-42#run"}}, nil, 0},
	} {
		last := shown(heldSOC)
		last.Owned = access.OwnershipState{
			Leases: c.leases, Baseline: access.Holdings{Level: access.SiteLevel, Held: c.baseline},
		}
		f := &fakeRequests{look: held, last: last, seen: []requestrecord.Observation{
			ended(wire.StateGranted, access.AlreadyHeld, "", held),
		}}
		_, annos, err := doGrant(t, f)
		require.NoError(t, err, name)
		require.Equal(t, []string{"GrantAlreadyExists"}, annos, name)
		require.Len(t, f.begun, c.requests, name)
	}
}

// A user, a role or a scope that is gone cannot be looked at. Its revoke is done, once a sync or the ledger proves it.
func TestRevoke_Gone(t *testing.T) {
	t.Parallel()
	gone := kinds.New(kinds.Invalid, errors.New("no user with id 7 is on the console"))
	for name, last := range map[string]*evidence.Latest{
		"user": {Known: true, Read: access.Read{Gone: true}}, "role or scope": shown(),
	} {
		f := &fakeRequests{lookErr: gone, last: last}
		annos, err := doRevoke(t, f)
		require.NoError(t, err, name)
		require.Equal(t, []string{"GrantAlreadyRevoked"}, annos, name)
		require.Empty(t, f.begun, name)
	}
	failed := []requestrecord.Observation{{Over: true, Failure: gone}}
	for name, f := range map[string]*fakeRequests{
		"shown by the last sync": {lookErr: gone, last: shown(heldSOC), seen: failed},
		"no sync":                {lookErr: gone, last: &evidence.Latest{}, seen: failed},
		"only not looked at":     {lookErr: errors.New("no worker polls"), last: shown(), seen: failed},
	} {
		_, err := doRevoke(t, f)
		requireFailed(t, err, "no user with id 7", "`starter sync --wait`")
		require.Len(t, f.begun, 1, name)
	}
}
