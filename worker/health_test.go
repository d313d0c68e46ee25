package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/connection"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/telemetry"
	"sentinelone-provisioner/internal/testbed"
)

// fakeTemporal has pollers on all queues but those of without.
type fakeTemporal struct {
	down    error
	without string
}

func (f *fakeTemporal) CheckHealth(
	context.Context, *client.CheckHealthRequest,
) (*client.CheckHealthResponse, error) {
	return &client.CheckHealthResponse{}, f.down
}

func (f *fakeTemporal) DescribeTaskQueue(
	_ context.Context, queue string, _ enumspb.TaskQueueType,
) (*workflowservice.DescribeTaskQueueResponse, error) {
	out := &workflowservice.DescribeTaskQueueResponse{}
	if queue != f.without {
		out.Pollers = []*taskqueuepb.PollerInfo{{}}
	}
	return out, f.down
}

// healthServer serves health at an address of its own.
type healthServer struct {
	*health

	t       *testing.T
	address string
	clock   time.Time
}

func newHealthServer(t *testing.T) *healthServer {
	t.Helper()
	address, err := testbed.FreeAddress()
	require.NoError(t, err)
	metrics, err := telemetry.ServeMetrics(t.Context(), address, "acmeco.sentinelone.net")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, metrics.Close()) })
	s := &healthServer{
		health: serveHealth(metrics, "sentinelone"), t: t, address: address,
		clock: time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC),
	}
	s.now = func() time.Time { return s.clock }
	return s
}

func (s *healthServer) get(path string, into any) (status int) {
	s.t.Helper()
	got, err := http.Get("http://" + s.address + path) //nolint:forbidigo // its own server
	require.NoError(s.t, err)
	defer got.Body.Close()
	require.Equal(s.t, "application/json", got.Header.Get("Content-Type"))
	require.NoError(s.t, json.NewDecoder(got.Body).Decode(into))
	return got.StatusCode
}

// ready asks again once the last answer is old, and returns the names of what is not well.
func (s *healthServer) ready() (status int, not []string) {
	s.t.Helper()
	s.clock = s.clock.Add(readyFor)
	var got readiness
	status = s.get("/readyz", &got)
	require.Len(s.t, got.Checks, 3)
	for _, c := range got.Checks {
		if !c.OK {
			not = append(not, c.Name)
		}
	}
	require.Equal(s.t, len(not) == 0, got.Ready)
	return status, not
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "x.db"))
	require.NoError(t, err)
	return db
}

// The process is alive whatever else is down. It is ready once it polls, and no longer while it stops.
func TestHealth_Ready(t *testing.T) {
	t.Parallel()
	s := newHealthServer(t)
	requireNotReady := func(want ...string) {
		t.Helper()
		status, not := s.ready()
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Equal(t, want, not)
	}
	requireNotReady("temporal", "pollers", "database")
	var alive map[string]bool
	require.Equal(t, http.StatusOK, s.get("/healthz", &alive))
	require.True(t, alive["alive"])

	db, temporal := openStore(t), &fakeTemporal{}
	s.opened(db)
	requireNotReady("temporal", "pollers")
	s.polls(temporal)
	status, not := s.ready()
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, not)

	temporal.without = "sentinelone-write"
	requireNotReady("pollers")
	temporal.without = "sentinelone"
	requireNotReady("pollers")
	temporal.without, temporal.down = "", errors.New("it is down")
	requireNotReady("temporal", "pollers")
	temporal.down = nil
	require.NoError(t, db.Close())
	requireNotReady("database")
	s.stops()
	requireNotReady("temporal", "pollers", "database")
	require.Equal(t, http.StatusOK, s.get("/healthz", &alive))
}

// Who asks in a row gets one answer.
func TestHealth_ReadyIsKept(t *testing.T) {
	t.Parallel()
	s := newHealthServer(t)
	s.ready()
	db := openStore(t)
	defer func() { require.NoError(t, db.Close()) }()
	s.opened(db)
	s.polls(&fakeTemporal{})
	var got readiness
	require.Equal(t, http.StatusServiceUnavailable, s.get("/readyz", &got))
	s.clock = s.clock.Add(readyFor)
	require.Equal(t, http.StatusOK, s.get("/readyz", &got))
}

// The status is what the checks have kept, judged at the time of the question.
func TestHealth_Status(t *testing.T) {
	t.Parallel()
	s := newHealthServer(t)
	var fault map[string]string
	require.Equal(t, http.StatusServiceUnavailable, s.get("/status", &fault))
	require.Contains(t, fault["error"], "not open yet")

	db := openStore(t)
	defer func() { require.NoError(t, db.Close()) }()
	s.opened(db)
	var report connection.Report
	require.Equal(t, http.StatusOK, s.get("/status", &report))
	require.Equal(t, connection.Disconnected, report.Label)
	require.Equal(t, "acmeco.sentinelone.net", report.Console)
	require.Contains(t, report.Why, "no check is on record")

	at := s.clock
	kept, err := json.Marshal(connection.Evidence{
		Console: "acmeco.sentinelone.net", CheckedAt: at,
		Reachable:     &connection.Finding{OK: true, At: at, LastOK: &at, Detail: "\u001b[2J"},
		Authenticated: &connection.Finding{OK: true, At: at, LastOK: &at},
	})
	require.NoError(t, err)
	require.NoError(t, db.KeepConnectionCheck(t.Context(), "acmeco.sentinelone.net", at, kept))
	require.Equal(t, http.StatusOK, s.get("/status", &report))
	require.Equal(t, connection.Degraded, report.Label)
	s.clock = at.Add(16 * time.Minute)
	require.Equal(t, http.StatusOK, s.get("/status", &report))
	require.Equal(t, connection.Disconnected, report.Label)
	require.Equal(t, s.clock, report.JudgedAt)
}

// Without an address nothing is served, and nothing else changes.
func TestHealth_Off(t *testing.T) {
	t.Parallel()
	h := serveHealth(nil, "sentinelone")
	h.polls(&fakeTemporal{})
	h.stops()
	require.False(t, h.readiness(t.Context()).Ready)
}
