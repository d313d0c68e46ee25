package telemetry_test

import (
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/telemetry"
)

// Prometheus can scrape a counter.
func TestServeMetrics_ServesCounters(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	m, err := telemetry.ServeMetrics(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	m.Handler.WithTags(map[string]string{"task_queue": "q"}).Counter("releases_that_failed").Inc(2)

	answer, err := http.Get("http://" + address + "/metrics") //nolint:forbidigo // its own server
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), `releases_that_failed_total{task_queue="q"} 2`)
}

func TestServeMetrics_AddressInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	_, err = telemetry.ServeMetrics(t.Context(), taken.Addr().String())
	require.ErrorContains(t, err, "METRICS_ADDRESS")
}
