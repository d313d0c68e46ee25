package telemetry_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/telemetry"
	"sentinelone-provisioner/internal/testbed"
)

// served starts to serve metrics, and returns them with a function that scrapes.
func served(t *testing.T) (m *telemetry.Metrics, scrape func() string) {
	t.Helper()
	address, err := testbed.FreeAddress()
	require.NoError(t, err)
	m, err = telemetry.ServeMetrics(t.Context(), address, "acmeco.sentinelone.net")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m, func() string {
		answer, err := http.Get("http://" + address + "/metrics") //nolint:forbidigo // its own server
		require.NoError(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return string(body)
	}
}

// Metrics of the SDK keep their labels, and get the console's name.
func TestServeMetrics_ServesCounters(t *testing.T) {
	t.Parallel()
	m, scrape := served(t)
	m.Handler.WithTags(map[string]string{"task_queue": "q"}).Counter("temporal_request").Inc(2)
	require.Contains(t, scrape(), `temporal_request_total{console="acmeco.sentinelone.net",task_queue="q"} 2`)
}

// Our counters are there before their first event, so that it is an increase, and have the labels of the catalog only.
func TestServeMetrics_OursStartAtZero(t *testing.T) {
	t.Parallel()
	m, scrape := served(t)
	const (
		series = `sentinelone_unauthorized_writes_total{console="acmeco.sentinelone.net",reason="noRequest"} `
		failed = `sentinelone_release_attempts_failed_total{console="acmeco.sentinelone.net"} `
	)
	require.Contains(t, scrape(), series+"0")
	require.Contains(t, scrape(), failed+"0")
	activity := m.Handler.WithTags(map[string]string{"activity_type": "Principal.Write", "namespace": "default"})
	activity.WithTags(map[string]string{"reason": "noRequest"}).Counter(telemetry.Unauthorized).Inc(1)
	activity.Counter(telemetry.ReleaseFailures).Inc(3)
	m.Handler.Gauge(telemetry.ReconcilerRun).Update(17)
	got := scrape()
	require.Contains(t, got, series+"1")
	require.Contains(t, got, failed+"3")
	require.Contains(t, got, telemetry.ReconcilerRun+`{console="acmeco.sentinelone.net"} 17`)
}

// Requests are counted by endpoint and status, with how long they took and waited.
func TestServeMetrics_Requests(t *testing.T) {
	t.Parallel()
	m, scrape := served(t)
	m.Requests.Answered(t.Context(), "PUT", "/users/{id}", 200, time.Second)
	m.Requests.Answered(t.Context(), "PUT", "/users/{id}", 0, time.Minute)
	m.Requests.Waited("/users", 200*time.Millisecond)
	got := scrape()
	const labels = `{console="acmeco.sentinelone.net",endpoint="/users/{id}",method="PUT"`
	require.Contains(t, got, "sentinelone_console_requests_total"+labels+`,status="200"} 1`)
	require.Contains(t, got, "sentinelone_console_requests_total"+labels+`,status="none"} 1`)
	require.Contains(t, got, "sentinelone_console_request_seconds_sum"+labels+"} 61")
	require.Contains(t, got, "sentinelone_budget_wait_seconds_bucket"+
		`{budget="/users",console="acmeco.sentinelone.net",le="0.25"} 1`)
}

// The state is read when it is asked for. Where the database does not answer, no number is invented.
func TestServeMetrics_State(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state  telemetry.State
		err    error
		ends   time.Time
		known  bool
		want   []string
		absent []string
	}{
		"of a console": {
			state: telemetry.State{
				SyncedAt: time.Now().Add(-time.Hour), Rows: map[string]int{"users": 373}, Pending: 2, Begun: 1,
				OldestPending: time.Now().Add(-time.Minute), Overdue: 3, Drift: map[string]int{"missing": 4},
				LedgerHead: 812, LedgerSealed: true, Quarantined: 1, LedgerBehind: 5,
			},
			ends: time.Now().Add(36 * time.Hour), known: true,
			want: []string{
				`state_readable{C} 1`, `sync_age_seconds{C} 36`, `rows{collection="users",C} 373`,
				`open_requests{C,state="pending"} 2`,
				`open_requests{C,state="begun"} 1`, `oldest_pending_request_seconds{C} 6`, `overdue_claims{C} 3`,
				`drift{C,kind="missing"} 4`, `ledger_head{C} 812`, `ledger_sealed{C} 1`, `ledger_behind{C} 5`,
				`syncs_quarantined{C} 1`, `token_expiry_days{C} 1.4`,
			},
		},
		"before the first sync": {
			known: true,
			want: []string{
				`sync_age_seconds{C} +Inf`, `oldest_pending_request_seconds{C} 0`, `token_expiry_days{C} +Inf`,
			},
		},
		"of a token that ended": {
			ends: time.Now().Add(-24 * time.Hour), known: true, want: []string{`token_expiry_days{C} -1`},
		},
		"without a database": {
			err: errors.New("no answer"), want: []string{`state_readable{C} 0`},
			absent: []string{"sync_age", "sentinelone_drift", "overdue_claims", "token_expiry"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, scrape := served(t)
			m.ReadState(func(context.Context) (telemetry.State, error) { return c.state, c.err },
				func() (time.Time, bool) { return c.ends, c.known })
			got := scrape()
			for _, want := range c.want {
				want = strings.ReplaceAll(want, "C", `console="acmeco.sentinelone.net"`)
				require.Contains(t, got, "sentinelone_"+want)
			}
			for _, absent := range c.absent {
				require.NotContains(t, got, absent)
			}
		})
	}
}

// A scrape soon after another one costs the database nothing; one after a failure asks again.
func TestServeMetrics_StateIsKeptForAWhile(t *testing.T) {
	t.Parallel()
	m, scrape := served(t)
	asked := 0
	m.ReadState(func(context.Context) (telemetry.State, error) {
		asked++
		if asked == 1 {
			return telemetry.State{}, errors.New("no answer")
		}
		return telemetry.State{LedgerHead: int64(asked)}, nil
	}, func() (time.Time, bool) { return time.Time{}, false })
	require.Contains(t, scrape(), `sentinelone_state_readable{console="acmeco.sentinelone.net"} 0`)
	for range 3 {
		require.Contains(t, scrape(), `sentinelone_ledger_head{console="acmeco.sentinelone.net"} 2`)
	}
	require.Equal(t, 2, asked)
}

func TestServeMetrics_AddressInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	_, err = telemetry.ServeMetrics(t.Context(), taken.Addr().String(), "acmeco.sentinelone.net")
	require.ErrorContains(t, err, "METRICS_ADDRESS")
}
