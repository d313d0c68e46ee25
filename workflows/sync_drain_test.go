package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

const doubt = "19 different users were received where the console counts 20"

// A collection in doubt is drained again after a pause, with a new attempt and
// without the count from before its first walk.
func TestSync_DoubtThenProven(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	both := []access.Collection{access.Sites, access.Users}
	s.opens(both...)
	s.drainsProven(access.Sites)
	s.drains(access.Users, 1, new(20), doubt)
	s.drains(access.Users, 2, nil, doubt)
	s.drains(access.Users, 3, nil, "")
	s.settles(wire.SyncSettleInput{Collections: both}, promoted())
	var pauses []time.Duration
	s.SetOnTimerScheduledListener(func(_ string, d time.Duration) { pauses = append(pauses, d) })

	s.sync("sites", "users")

	require.Equal(t, []time.Duration{time.Second, 4 * time.Second}, pauses)
	got := s.result()
	require.Equal(t, 6+4*2+1, got.Requests)
	require.Equal(t, began.Add(5*time.Second), got.FinishedAt)
	require.Empty(t, got.Warnings)
	require.Equal(t, "proven", s.status().Collections["users"].State)
	require.Equal(t, 3, s.status().Collections["users"].Attempt)
}

// A doubt that remains after four drains goes to settling, which decides.
func TestSync_DoubtThatStays(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	both := []access.Collection{access.Sites, access.Users}
	s.opens(both...)
	s.drainsProven(access.Sites)
	s.drains(access.Users, 1, new(20), doubt)
	s.drains(access.Users, 2, nil, doubt)
	s.drains(access.Users, 3, nil, doubt)
	s.drains(access.Users, 4, nil, "still "+doubt)
	s.settles(wire.SyncSettleInput{
		Collections: both, Doubts: map[access.Collection]string{access.Users: "still " + doubt},
	}, quarantined("not proven complete"))
	s.discards(wire.SyncDiscardInput{By: "ana@example.com", Why: "discarded by ana@example.com"})
	var middle string
	s.at(time.Hour, func() { middle = s.status().Collections["users"].State })
	s.send(2*time.Hour, "discard", by("ana@example.com"))

	s.sync("sites", "users")

	require.Equal(t, "doubtful", middle)
	require.Equal(t, "quarantined", s.result().State)
}

// A page that was too large makes the next drain ask for fewer rows at once.
func TestSync_SizeOfThePages(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	both := []access.Collection{access.Sites, access.Users}
	s.opens(both...)
	s.drainsProven(access.Sites)
	for attempt, limit := range []int{0, 250, 31} {
		in := drainInput(access.Users, attempt+1, nil)
		out := wire.SyncDrainResult{Pages: 1, Rows: 20, Expected: new(20), Limit: []int{250, 31, 31}[attempt]}
		in.Limit = limit
		if attempt == 0 {
			in.Expected = new(20)
		}
		if attempt < 2 {
			out.Doubt = doubt
		}
		s.on(wire.SyncDrainActivity, in).Return(out, nil).Once()
	}
	s.settles(wire.SyncSettleInput{Collections: both}, promoted())

	s.sync("sites", "users")

	require.Equal(t, "promoted", s.result().State)
}

// What the settling asks for again is drained again, nothing else; it is told
// that this is its last look, and attempts go on counting.
func TestSync_SettleSaysAgain(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	all := access.Collections()
	s.opens(all...)
	s.drainsProven(all...)
	const why = `role "SOC" (7): the console counts 3 members, the sync saw 2`
	s.settles(wire.SyncSettleInput{Collections: all}, wire.SyncSettleResult{
		State: wire.SettledAgain, Again: []access.Collection{access.Users, access.ServiceUsers},
		Why: why, Recheck: true,
	})
	s.drains(access.Users, 2, nil, "")
	s.drains(access.ServiceUsers, 2, nil, "")
	s.settles(wire.SyncSettleInput{Collections: all, Rechecked: true, Attempts: map[access.Collection]int{
		access.Accounts: 1, access.Sites: 1, access.Roles: 1, access.Users: 2, access.ServiceUsers: 2,
	}}, promoted())

	s.sync()

	got := s.result()
	require.Equal(t, "promoted", got.State)
	require.Equal(t, 6+7*2+2, got.Requests)
	require.Equal(t, []string{"drained again: " + why}, got.Warnings)
	require.Equal(t, 1, s.status().Collections["sites"].Attempt)
	require.Equal(t, 2, s.status().Collections["users"].Attempt)
}

// A doubt of an earlier round is gone once the collection is proven.
func TestSync_AgainClearsDoubt(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	one := []access.Collection{access.Users}
	s.opens(one...)
	s.drains(access.Users, 1, new(20), doubt)
	for attempt := 2; attempt <= 4; attempt++ {
		s.drains(access.Users, attempt, nil, doubt)
	}
	s.settles(wire.SyncSettleInput{
		Collections: one, Doubts: map[access.Collection]string{access.Users: doubt},
	}, wire.SyncSettleResult{State: wire.SettledAgain, Again: one, Why: "another sync was promoted meanwhile"})
	s.drains(access.Users, 5, nil, "")
	// Overtaken is not looked at: the roles' counts may still ask for another walk.
	s.settles(wire.SyncSettleInput{Collections: one}, promoted())

	s.sync("users")

	require.Equal(t, "promoted", s.result().State)
}

// A sync that is overtaken again and again gives up and says what to do.
func TestSync_OvertakenFiveTimes(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	one := []access.Collection{access.Roles}
	s.opens(one...)
	s.drainsProven(access.Roles)
	again := wire.SyncSettleResult{
		State: wire.SettledAgain, Again: one, Why: "another sync was promoted meanwhile",
	}
	s.settles(wire.SyncSettleInput{Collections: one}, again).Times(5)
	for attempt := 2; attempt <= 5; attempt++ {
		s.drains(access.Roles, attempt, nil, "")
	}
	const why = "other syncs of this console overtook this one 5 times: start it again when they are done"
	s.discards(wire.SyncDiscardInput{Why: why, Failed: true})

	s.sync("roles")

	failure := s.failure()
	require.Equal(t, string(kinds.Conflict), failure.Type())
	require.Equal(t, why, failure.Message())
	require.Equal(t, []string{"drained again: another sync was promoted meanwhile"}, s.status().Warnings)
}

// The first collection that fails finally stops the others, and its error is
// the workflow's.
func TestSync_FinalFailureStopsTheOtherWalks(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	both := []access.Collection{access.Sites, access.Users}
	s.opens(both...)
	s.drains(access.Sites, 1, new(3), "").After(time.Hour)
	s.on(wire.SyncDrainActivity, drainInput(access.Users, 1, new(20))).After(time.Minute).
		Return(failing[wire.SyncDrainInput, wire.SyncDrainResult](forbidden())).Once()
	s.discards(wire.SyncDiscardInput{Why: forbidden().Error(), Failed: true})
	var canceled []string
	s.SetOnActivityCanceledListener(func(info *activity.Info) {
		canceled = append(canceled, info.ActivityType.Name)
		require.Equal(t, began.Add(time.Minute), s.Now().UTC())
	})

	s.sync("sites", "users")

	require.Equal(t, string(kinds.Forbidden), s.failure().Type())
	require.Equal(t, []string{wire.SyncDrainActivity}, canceled)
	require.Equal(t, "failed", s.status().State)
}

// A walk that pauses before its next attempt is stopped by another's failure.
func TestSync_FinalFailureStopsAPause(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	both := []access.Collection{access.Sites, access.Users}
	s.opens(both...)
	s.drains(access.Sites, 1, new(3), "3 different sites were received where the console counts 4").
		After(500 * time.Millisecond)
	s.on(wire.SyncDrainActivity, drainInput(access.Users, 1, new(20))).After(time.Second).
		Return(failing[wire.SyncDrainInput, wire.SyncDrainResult](forbidden())).Once()
	s.discards(wire.SyncDiscardInput{Why: forbidden().Error(), Failed: true})

	s.sync("sites", "users")

	require.Equal(t, string(kinds.Forbidden), s.failure().Type())
}

// What passes by itself is waited out within the activity's retries: the same
// attempt continues, and no other collection notices.
func TestSync_WaitsOutAConsoleThatIsDown(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	both := []access.Collection{access.Sites, access.Users}
	s.opens(both...)
	s.drainsProven(access.Sites)
	tries := 0
	s.on(wire.SyncDrainActivity, drainInput(access.Users, 1, new(20))).Return(
		func(context.Context, wire.SyncDrainInput) (wire.SyncDrainResult, error) {
			if tries++; tries < 9 {
				return wire.SyncDrainResult{}, kinds.New(kinds.Unavailable, errDown)
			}
			return wire.SyncDrainResult{Pages: 1, Rows: 20, Expected: new(20), Requests: 2}, nil
		})
	s.settles(wire.SyncSettleInput{Collections: both}, promoted())

	s.sync("sites", "users")

	require.Equal(t, "promoted", s.result().State)
	require.Equal(t, 9, tries)
	require.Equal(t, 1, s.status().Collections["users"].Attempt)
}
