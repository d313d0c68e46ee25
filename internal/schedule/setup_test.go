package schedule_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"sentinelone-provisioner/internal/schedule"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

const (
	console = "acmeco.sentinelone.net"
	id      = "sync/" + console
)

// place is a Temporal server and a database.
type place struct {
	t         *testing.T
	db        *store.Store
	schedules schedule.Schedules
	namespace string
}

func newPlace(t *testing.T, db *store.Store, server *testbed.DevServer) place {
	t.Helper()
	c, err := server.Client(t.Context())
	require.NoError(t, err)
	t.Cleanup(c.Close)
	described, err := c.WorkflowService().DescribeNamespace(t.Context(),
		&workflowservice.DescribeNamespaceRequest{Namespace: "default"})
	require.NoError(t, err)
	return place{
		t: t, db: db, namespace: described.GetNamespaceInfo().GetId(),
		schedules: schedule.Schedules{Client: c.ScheduleClient(), TaskQueue: "sentinelone"},
	}
}

// start is what a worker does that starts with SYNC_FULL_EVERY.
func (p place) start(every time.Duration) schedule.Done {
	p.t.Helper()
	done, err := p.schedules.SetUp(p.t.Context(), p.db, schedule.Wanted{
		ID: id, Spec: schedule.EachInterval(every), Input: wire.SyncInput{Console: console}, Namespace: p.namespace,
		Now: true,
	})
	require.NoError(p.t, err)
	return done
}

// is says what Temporal has; nil for no schedule.
func (p place) is() *schedule.Schedule {
	p.t.Helper()
	s, err := p.schedules.Get(p.t.Context(), id)
	if errors.Is(err, schedule.ErrMissing) {
		return nil
	}
	require.NoError(p.t, err)
	return &s
}

func devServer(t *testing.T) *testbed.DevServer {
	t.Helper()
	server, err := testbed.StartDevServer(t.Context(), "")
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	return server
}

// The worker sets the schedule up once and keeps to what an operator changes: the interval, a pause, a deletion.
func TestSetUp(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "store.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	p := newPlace(t, db, devServer(t))
	day, hour := 24*time.Hour, time.Hour

	require.Equal(t, schedule.Created, p.start(day))
	require.Equal(t, day, p.is().Spec.Every)
	require.Eventually(t, func() bool { return len(p.is().Runs) == 1 }, 4*time.Minute, 20*time.Millisecond,
		"the first sync starts at once")
	require.Equal(t, schedule.Unchanged, p.start(day))

	require.NoError(t, p.schedules.Pause(t.Context(), id, "INC-42"))
	require.Equal(t, schedule.Unchanged, p.start(day))
	require.True(t, p.is().Paused)
	require.Equal(t, schedule.Changed, p.start(hour), "the configuration is another one, and the schedule the worker's")
	require.Equal(t, hour, p.is().Spec.Every)
	require.True(t, p.is().Paused, "an operator's pause stays")
	require.Equal(t, "INC-42", p.is().Note)

	mine := schedule.EachInterval(2 * hour)
	require.NoError(t, p.schedules.Put(t.Context(), id, mine, wire.SyncInput{Console: console}))
	require.Equal(t, schedule.Unchanged, p.start(hour))
	require.Equal(t, schedule.Kept, p.start(day), "the schedule is the operator's")
	require.Equal(t, 2*hour, p.is().Spec.Every)
	require.Equal(t, schedule.Unchanged, p.start(day), "it says so once")

	require.NoError(t, p.schedules.Delete(t.Context(), id))
	require.Equal(t, schedule.Unchanged, p.start(day))
	require.Equal(t, schedule.Kept, p.start(hour))
	require.Nil(t, p.is(), "deleted by an operator")

	// A Temporal whose database was lost is another one, and one that an operator has set up before stays.
	p = newPlace(t, db, devServer(t))
	require.Equal(t, schedule.Created, p.start(day))
	p = newPlace(t, db, devServer(t))
	require.NoError(t, p.schedules.Put(t.Context(), id, mine, wire.SyncInput{Console: console}))
	require.Equal(t, schedule.Kept, p.start(day))
	require.Equal(t, 2*hour, p.is().Spec.Every)
}
