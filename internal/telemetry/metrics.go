package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
)

// Metrics collects what the Temporal SDK and our activities count, and shows it to
// Prometheus at /metrics.
type Metrics struct {
	Handler client.MetricsHandler
	server  *http.Server
	done    chan struct{}
}

const headerTimeout = 5 * time.Second

// ServeMetrics listens on address, a host and port such as localhost:9464.
func ServeMetrics(ctx context.Context, address string) (*Metrics, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("prepare the metrics: %w", err)
	}
	meter := metric.NewMeterProvider(metric.WithReader(exporter)).Meter("sentinelone-provisioner")
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("METRICS_ADDRESS: nobody can be served at %q: %w", address, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	m := &Metrics{
		Handler: opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
			Meter: meter, UseMonotonicCounters: true, OnError: func(error) {}, // one metric less is no reason to stop
		}),
		server: &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout},
		done:   make(chan struct{}),
	}
	go func() {
		defer close(m.done)
		if err := m.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return // the listener is gone; metrics are not worth stopping the worker for
		}
	}()
	return m, nil
}

// Close stops serving.
func (m *Metrics) Close() error {
	err := m.server.Close()
	<-m.done
	return err
}
