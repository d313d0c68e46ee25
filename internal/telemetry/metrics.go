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

// Metrics collects the metrics of the Temporal SDK and of our activities, and serves
// them to Prometheus at /metrics.
type Metrics struct {
	Handler client.MetricsHandler // for the options of the Temporal client
	server  *http.Server
	done    chan struct{}
}

const headerTimeout = 5 * time.Second

// ServeMetrics starts to serve on address, a host and port such as localhost:9464,
// until [Metrics.Close]. It fails if it cannot listen there. ctx bounds the start only.
func ServeMetrics(ctx context.Context, address string) (*Metrics, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("prepare the metrics: %w", err)
	}
	meter := metric.NewMeterProvider(metric.WithReader(exporter)).Meter("sentinelone-provisioner")
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("METRICS_ADDRESS: cannot listen on %q, choose another host:port: %w", address, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	m := &Metrics{
		Handler: opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
			Meter: meter, UseMonotonicCounters: true,
			OnError: func(error) {}, // a missing metric must not stop the worker
		}),
		server: &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout},
		done:   make(chan struct{}),
	}
	go func() {
		defer close(m.done)
		if err := m.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return // lost metrics must not stop the worker
		}
	}()
	return m, nil
}

// Close stops the server and waits for it.
func (m *Metrics) Close() error {
	err := m.server.Close()
	<-m.done
	return err
}
