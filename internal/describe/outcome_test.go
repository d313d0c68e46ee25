package describe_test

import (
	"cmp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

func TestOutcomeAndExpected(t *testing.T) {
	t.Parallel()
	tests := map[access.Outcome]struct{ is, would string }{
		access.Applied:       {"applied and verified", "the role would be granted"},
		access.Removed:       {"role removed and verified (2 reads)", "the role would be removed"},
		access.Created:       {"created and verified", "the account would be created"},
		access.Deleted:       {"deleted and verified (2 reads)", "the principal would be deleted"},
		access.Released:      {is: "role removed and verified (2 reads)"},
		access.StillHeld:     {is: "role kept: another grant or the baseline holds it"},
		access.Superseded:    {is: "no change: the scope was changed by hand meanwhile, and that stands"},
		access.NotApplied:    {is: "nothing to remove: the role was never applied"},
		access.LastRoleStays: {is: "no change: it is the principal's last role"},
		access.PlanChanged:   {is: "no change: the principal's access has changed since the approval"},
		access.LevelDiffers:  {is: "no change: the principal holds roles at another level"},
		access.RolesConflict: {is: "no change: separation of duties forbids it"},
		access.AlreadyHeld: {
			"no change: the console already showed the role", "no change: the console already shows the role",
		},
		access.AlreadyAbsent: {
			"no change: the console did not show the role", "no change: the console does not show the role",
		},
		"unknown\x1b": {is: `unknown\x1b`},
		"":            {},
	}
	for o, tt := range tests {
		require.Equal(t, tt.is, describe.Outcome(o), o)
		want := cmp.Or(tt.would, tt.is)
		require.Equal(t, want, describe.Expected(o), o)
	}
}

func TestResult(t *testing.T) {
	t.Parallel()
	require.Equal(t, "granted, applied and verified", describe.Result("granted", access.Applied))
	require.Equal(t, "expired, role removed and verified (2 reads)", describe.Result("expired", access.Released))
	require.Equal(t, "denied", describe.Result("denied", ""))
}

func TestState(t *testing.T) {
	t.Parallel()
	at := new(time.Date(2026, 3, 10, 12, 0, 5, 0, time.UTC))
	require.Equal(t, "active until 2026-03-10 12:00:05 UTC", describe.State("active", nil, at))
	require.Equal(t, "active until 2026-03-10 12:00:05 UTC", describe.State("active", new(time.Time{}), at))
	require.Equal(t, "scheduled, starts 2026-03-10 12:00:05 UTC", describe.State("scheduled", at, nil))
	require.Equal(t, "planning", describe.State("planning", nil, nil))
}

func TestOperation(t *testing.T) {
	t.Parallel()
	for op, want := range map[access.Op]string{
		access.OpGrant: "grant", access.OpAcquire: "grant", access.OpRelease: "release", access.OpRevoke: "revoke",
		access.OpReset: "reset", access.OpCreate: "create", access.OpDelete: "delete", "\a": `\x07`,
	} {
		require.Equal(t, want, describe.Operation(op))
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	plan := grantPlan()
	n := describe.NewNames(nil, &plan)
	soc := access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "2", ScopeID: "9"}}}
	require.Equal(t, "SOC (2) present, 1 role in total", describe.Read(n, access.Read{Holdings: soc}, &plan))
	require.Equal(t, "SOC (2) absent, 0 roles in total", describe.Read(n, access.Read{}, &plan))
	require.Equal(t, "1 role", describe.Read(n, access.Read{Holdings: soc}, nil))
	require.Equal(t, "the console does not know the principal", describe.Read(n, access.Read{Gone: true}, &plan))
}
