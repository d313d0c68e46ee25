package telemetry_test

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/telemetry"
)

const (
	headerKey = "CANARY-key-7f3a"
	manySpans = 10_000 // several times what is kept for a collector
)

// A collector that is down, slow or broken holds up no span, is told once, in short, and ends no later than the
// program gives up on it.
func TestStartTraces_CollectorFails(t *testing.T) {
	for _, c := range []struct {
		name string
		at   func(*testing.T) string
	}{
		{"down", downCollector},
		{"refuses", refusingCollector},
		{"TLS", tlsCollector},
		{"silent", silentCollector}, // last: its spans fail once it has ended, and all handlers are one
	} {
		name := c.name
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.at(t))
			t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key="+headerKey)
			t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
			// Few batches are left at the end: what Close does not wait for fails in the next test's hearing.
			t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "512")
			var told atomic.Int32
			var text atomic.Value
			traces, err := telemetry.StartTraces(t.Context(), "test", func(err error) {
				told.Add(1)
				text.Store(err.Error())
			})
			require.NoError(t, err)
			for range manySpans {
				_, end := traces.Span(t.Context(), "span")
				end(errors.New("one of many"))
			}
			closed := traces.Close() // the silent collector answers after the test only
			require.LessOrEqual(t, told.Load(), int32(1))
			if name == "silent" {
				require.EqualError(t, closed, "the last spans were not sent: the collector does not answer")
				return
			}
			require.Equal(t, int32(1), told.Load())
			require.NotContains(t, text.Load(), headerKey)
			if name == "refuses" {
				require.Contains(t, text.Load(), "400 Bad Request")
			}
			require.Less(t, len(text.Load().(string)), 500)
		})
	}
}

func downCollector(t *testing.T) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, free.Close())
	return "http://" + free.Addr().String()
}

func silentCollector(t *testing.T) string {
	t.Helper()
	ends := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ends }))
	t.Cleanup(func() { close(ends); server.Close() })
	return server.URL
}

// refusingCollector answers with what it was sent, and with more than anybody reads.
func refusingCollector(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.Header.Get("api-key")+strings.Repeat("\x1b[31mno ", 5_000), http.StatusBadRequest)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func tlsCollector(t *testing.T) string {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler()) // of a CA that nobody trusts
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(server.Close)
	return server.URL
}

// A wrong value is an error that names the variable, not a default.
func TestStartTraces_WrongValue(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318")
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
	_, err := telemetry.StartTraces(t.Context(), "test", nil)
	require.ErrorContains(t, err, "OTEL_BSP_MAX_QUEUE_SIZE is")
}
