package telemetry

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
)

// handler passes metrics of the Temporal SDK on, and keeps ours itself: with the labels of the catalog only, and from
// zero. A counter that begins at its first event has not increased, so no alert would see that event.
type handler struct {
	client.MetricsHandler // of the SDK's metrics

	ours *vectors
	tags map[string]string
}

// vectors are the metrics of the catalog that come through the handler, by the name that callers use.
type vectors struct {
	counters map[string]vector[*prometheus.CounterVec]
	gauges   map[string]vector[*prometheus.GaugeVec]
}

type vector[V any] struct {
	metric Metric
	vec    V
}

// newVectors registers the metrics with reg.
func newVectors(reg prometheus.Registerer) *vectors {
	out := &vectors{
		counters: map[string]vector[*prometheus.CounterVec]{}, gauges: map[string]vector[*prometheus.GaugeVec]{},
	}
	for _, m := range updated() {
		if m.Kind == kindGauge {
			vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: m.Name, Help: m.Help}, m.Labels)
			reg.MustRegister(vec)
			out.gauges[m.Name] = vector[*prometheus.GaugeVec]{m, vec}
			continue
		}
		vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: m.Name, Help: m.Help}, m.Labels)
		reg.MustRegister(vec)
		out.counters[strings.TrimSuffix(m.Name, "_total")] = vector[*prometheus.CounterVec]{m, vec}
		for _, value := range m.known {
			vec.WithLabelValues(value)
		}
		if len(m.Labels) == 0 {
			vec.WithLabelValues()
		}
	}
	return out
}

// WithTags implements [client.MetricsHandler].
func (h *handler) WithTags(tags map[string]string) client.MetricsHandler {
	return &handler{MetricsHandler: h.MetricsHandler.WithTags(tags), ours: h.ours, tags: with(h.tags, tags)}
}

// Counter implements [client.MetricsHandler].
func (h *handler) Counter(name string) client.MetricsCounter {
	if v, found := h.ours.counters[name]; found {
		return counter{v.vec.WithLabelValues(v.metric.labelsOf(h.tags)...)}
	}
	return h.MetricsHandler.Counter(name)
}

// Gauge implements [client.MetricsHandler].
func (h *handler) Gauge(name string) client.MetricsGauge {
	if v, found := h.ours.gauges[name]; found {
		return gauge{v.vec.WithLabelValues(v.metric.labelsOf(h.tags)...)}
	}
	return h.MetricsHandler.Gauge(name)
}

type counter struct{ prometheus.Counter }

// Inc implements [client.MetricsCounter].
func (c counter) Inc(n int64) { c.Add(float64(n)) }

type gauge struct{ prometheus.Gauge }

// Update implements [client.MetricsGauge].
func (g gauge) Update(value float64) { g.Set(value) }
