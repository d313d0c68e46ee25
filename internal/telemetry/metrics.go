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
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
)

// Metrics collects the metrics of the Temporal SDK and ours, which [Catalog] lists, and serves
// them to Prometheus at /metrics. Every series has the label console.
type Metrics struct {
	Handler client.MetricsHandler // for the options of the Temporal client
	// Requests measures the requests to the console.
	Requests *Requests
	Console  string // whose metrics they are
	ours     prometheus.Registerer
	mux      *http.ServeMux
	server   *http.Server
	done     chan struct{}
}

const headerTimeout = 5 * time.Second

// ServeMetrics starts to serve on address, a host and port such as localhost:9464,
// until [Metrics.Close]. It fails if it cannot listen there. ctx bounds the start only. console is the
// value of the label of that name.
func ServeMetrics(ctx context.Context, address, console string) (*Metrics, error) {
	registry := prometheus.NewRegistry()
	ours := prometheus.WrapRegistererWith(prometheus.Labels{"console": console}, registry)
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
	sdk := opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter: meter, UseMonotonicCounters: true,
		InitialAttributes: attribute.NewSet(attribute.String("console", console)),
		OnError:           func(error) {}, // a missing metric must not stop the worker
	})
	m := &Metrics{
		Handler:  &handler{MetricsHandler: sdk, ours: newVectors(ours)},
		Requests: newRequests(ours), ours: ours,
		Console: console, mux: mux,
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

// Handle serves a pattern, as [http.ServeMux] has it, beside the metrics from now on.
func (m *Metrics) Handle(pattern string, h http.Handler) { m.mux.Handle(pattern, h) }

// ReadState adds the metrics that come from the database: read is called when Prometheus asks, at most every ten
// seconds, and must not take longer than five. ends is when the API token expires, the zero time if it does not; false
// while that is not known. Call it once.
func (m *Metrics) ReadState(read func(context.Context) (State, error), ends func() (time.Time, bool)) {
	m.ours.MustRegister(newStates(read, ends))
}

// Close stops the server and waits for it.
func (m *Metrics) Close() error {
	err := m.server.Close()
	<-m.done
	return err
}
