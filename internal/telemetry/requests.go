package telemetry

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Requests measures what is sent to the console. It implements console.Observer.
type Requests struct {
	sent    *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	waited  *prometheus.HistogramVec
}

// Bounds of the histograms' buckets, in seconds: answers take up to the client's timeout of a minute.
func buckets() []float64 { return []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60} }

func newRequests(reg prometheus.Registerer) *Requests {
	histogram := func(m Metric) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: m.Name, Help: m.Help, Buckets: buckets()},
			m.Labels)
	}
	r := &Requests{
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: consoleRequests.Name, Help: consoleRequests.Help,
		}, consoleRequests.Labels),
		seconds: histogram(consoleSeconds), waited: histogram(budgetWait),
	}
	reg.MustRegister(r.sent, r.seconds, r.waited)
	return r
}

// Answered counts a request. status 0 means that no answer came.
func (r *Requests) Answered(_ context.Context, method, endpoint string, status int, took time.Duration) {
	text := "none"
	if status != 0 {
		text = strconv.Itoa(status)
	}
	r.sent.WithLabelValues(method, endpoint, text).Inc()
	r.seconds.WithLabelValues(method, endpoint).Observe(took.Seconds())
}

// Waited counts how long a request waited for its rate budget.
func (r *Requests) Waited(budget string, took time.Duration) {
	r.waited.WithLabelValues(budget).Observe(took.Seconds())
}
