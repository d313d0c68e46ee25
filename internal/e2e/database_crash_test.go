package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// PostgreSQL crashes when every collection was just proven, and loses what is not on its disk. The
// sync promotes what the console has, three times of three: it neither stays settling nor takes what
// was lost for a loss on the console.
func TestDatabaseCrash_JustAfterCollectionsWereProven(t *testing.T) {
	t.Parallel()
	server := pgtest.StartServer(t)
	s := newStack(t, consoletest.Options{Seed: 31, Sites: 30, Users: 1500, ServiceUsers: 200})
	var err error
	s.database, err = server.Database(t.Context(), "crash")
	require.NoError(t, err)
	s.startWorker()
	require.Equal(t, wire.StatePromoted, s.runSync("-before").State)
	role := s.console.Truth().Roles[0].ID
	for _, round := range []string{"-1", "-2", "-3"} {
		_, err := s.console.AddUser(access.Principal{
			Kind: access.User, Email: "ana" + round + "@example.com", Level: access.Tenant,
			Held: []access.HeldRole{{RoleID: role}},
		})
		require.NoError(t, err)
		// The roles are listed a second time when the sync settles: there it waits for the crash.
		s.console.AddFault(consoletest.Fault{
			Name: consoletest.Slow, Path: "/rbac/roles", Only: consoletest.OnlyPages, After: 1, Times: 1,
			Delay: 2 * time.Second,
		})
		run := s.startSync(round, wire.SyncInput{})
		s.untilDrained(run, 5)
		require.NoError(t, server.Crash())
		require.NoError(t, server.Restart())
		got := s.syncResult(run)
		require.Equal(t, wire.StatePromoted, got.State, got.Warnings)
		require.Equal(t, 1, got.Changes.Added)
		require.Zero(t, got.Changes.Removed)
		s.requireStoreMatchesConsole()
	}
}

// untilDrained waits until the history of a sync says that so many drains are done.
func (s *stack) untilDrained(run client.WorkflowRun, n int) {
	s.t.Helper()
	events := s.client.GetWorkflowHistory(s.ctx(), run.GetID(), run.GetRunID(), true,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	drains := map[int64]bool{}
	for events.HasNext() && n > 0 {
		event, err := events.Next()
		require.NoError(s.t, err)
		scheduled := event.GetActivityTaskScheduledEventAttributes()
		if scheduled.GetActivityType().GetName() == wire.SyncDrainActivity {
			drains[event.GetEventId()] = true
		}
		if done := event.GetActivityTaskCompletedEventAttributes(); done != nil && drains[done.GetScheduledEventId()] {
			n--
		}
	}
	require.Zero(s.t, n, "the sync has ended")
}

// Two workers, one after the other, sync, grant and release through pgbouncer in transaction mode.
func TestPgbouncer_SyncAndGrant(t *testing.T) {
	t.Parallel()
	s := prepareGrantEnv(t, newStack(t, grantworld.Options()))
	s.database = pgtest.Bouncer(t, pgtest.URL(t), 3)
	s.startWorker()
	require.Equal(t, wire.StatePromoted, s.runSync("-first").State)
	s.worker.Kill()
	s.startWorker()
	before := s.holdings()
	got := s.grant("1", s.input("1s"))
	require.Equal(t, "expired", got.State, got.Message)
	require.Equal(t, access.Released, got.Outcome)
	require.Equal(t, before, s.holdings())
	require.Equal(t, wire.StateUnchanged, s.runSync("-second").State)
	s.requireStoreMatchesConsole()
}
