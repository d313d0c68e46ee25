package provision

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
)

var heldSOC = access.HeldRole{RoleID: "2", ScopeID: "9"}

func TestRevoke_Removed(t *testing.T) {
	t.Parallel()
	of := plan(access.OpRevoke, access.Removed, heldSOC)
	f := &fakeRequests{look: of, seen: []requestrecord.Observation{ended(wire.StateRevoked, access.Removed, "", of)}}
	annos, err := doRevoke(t, f)
	require.NoError(t, err)
	require.Empty(t, annos)
	require.Len(t, f.begun, 1)
	require.True(t, strings.HasPrefix(f.begun[0].ID, "revoke/c1-"))
	require.Len(t, f.cancelled, 1, "a grant of the same role that waits for approval would bring it back")
	require.Equal(t, "grant/"+strings.TrimPrefix(f.begun[0].ID, "revoke/"), f.cancelled[0])
}

func TestRevoke_Absent(t *testing.T) {
	t.Parallel()
	f := &fakeRequests{look: plan(access.OpRevoke, access.AlreadyAbsent, access.HeldRole{RoleID: "2", ScopeID: "8"})}
	annos, err := doRevoke(t, f)
	require.NoError(t, err)
	require.Equal(t, []string{"GrantAlreadyRevoked"}, annos)
	require.Empty(t, f.begun, "nobody is asked")
}

// A role that a time-bound grant hides for now is back when that ends: the request removes it for good.
func TestRevoke_Hidden(t *testing.T) {
	t.Parallel()
	account := plan(access.OpRevoke, access.AlreadyAbsent)
	account.Before = access.Holdings{Level: access.AccountLevel, Held: []access.HeldRole{{RoleID: "3", ScopeID: "5"}}}
	long := plan(access.OpRevoke, access.AlreadyAbsent)
	long.Before = access.Holdings{Level: access.SiteLevel, Count: 60, Digest: "x"}
	for name, look := range map[string]access.Plan{
		"another role there": plan(access.OpRevoke, access.AlreadyAbsent, access.HeldRole{RoleID: "3", ScopeID: "9"}),
		"another level":      account,
		"many roles":         long,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeRequests{look: look, seen: []requestrecord.Observation{
				ended(wire.StateRevoked, access.AlreadyAbsent, "", look),
			}}
			annos, err := doRevoke(t, f)
			require.NoError(t, err)
			require.Equal(t, []string{"GrantAlreadyRevoked"}, annos)
			require.Len(t, f.begun, 1)
		})
	}
}

// An end is requested even if nothing can be seen.
func TestRevoke_NoLook(t *testing.T) {
	t.Parallel()
	of := plan(access.OpRevoke, access.Removed, heldSOC)
	f := &fakeRequests{lookErr: errors.New("no worker polls"), seen: []requestrecord.Observation{
		ended(wire.StateRevoked, access.Removed, "", of),
	}}
	_, err := doRevoke(t, f)
	require.NoError(t, err)
	require.Len(t, f.begun, 1)
}

func TestRevoke_Fails(t *testing.T) {
	t.Parallel()
	of := plan(access.OpRevoke, access.LastRoleStays, heldSOC)
	unruled := of
	unruled.Approval.Rule = ""
	for name, c := range map[string]struct {
		seen requestrecord.Observation
		want []string
	}{
		"last role": {
			ended(wire.StateRefused, "", "it is the principal's last role", of),
			[]string{"is refused: it is the principal's last role", `(rule "built-in" of the policy: lastRole stop)`},
		},
		"last role, no rule": {
			ended(wire.StateRefused, access.LastRoleStays, "it is the principal's last role", unruled),
			[]string{"lastRole stop, since no rule of the policy says otherwise"},
		},
		"denied": {
			ended(wire.StateDenied, "", "denied by carol@example.com", of), []string{": denied by carol@example.com"},
		},
		"failed": {
			requestrecord.Observation{Over: true, Failure: errors.New("no role with id 2")},
			[]string{"no role with id 2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeRequests{look: of, seen: []requestrecord.Observation{c.seen}}
			_, err := doRevoke(t, f)
			requireFailed(t, err, append(c.want, "revoke/c1-")...)
		})
	}
}

// A grant that may bring the role back is told, once the role itself is gone.
func TestRevoke_GrantNotCancelled(t *testing.T) {
	t.Parallel()
	of := plan(access.OpRevoke, access.Removed, heldSOC)
	f := &fakeRequests{
		look: of, cancel: errors.New("no answer"),
		seen: []requestrecord.Observation{ended(wire.StateRevoked, access.Removed, "", of)},
	}
	_, err := doRevoke(t, f)
	requireFailed(t, err, "the role is removed, but grant/c1-", "`starter cancel grant/c1-")
	require.Len(t, f.begun, 1)
}
