package telemetry

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// State is what the database says of a console. Every worker of the database measures the same, so a dashboard takes
// the maximum.
type State struct {
	SyncedAt      time.Time // when the sync began that verified the oldest collection; zero before the first
	Quarantined   int
	Rows          map[string]int // by collection, and of the assignments
	Pending       int
	Begun         int
	OldestPending time.Time // zero without one
	Overdue       int
	Drift         map[string]int // by kind
	LedgerHead    int64
	LedgerSealed  bool
	LedgerBehind  int64
}

const (
	// stateTimeout bounds how long a scrape waits for the database: less than Prometheus waits for the scrape.
	stateTimeout = 5 * time.Second
	// stateFresh is how long an answer serves further scrapes.
	stateFresh = 10 * time.Second
)

// states reads the state when Prometheus asks, so that no series is older than its scrape, whichever worker leads.
type states struct {
	read func(context.Context) (State, error)
	// ends is when the API token expires, zero if it does not; false while that is not known.
	ends func() (time.Time, bool)
	now  func() time.Time

	descs map[string]*prometheus.Desc

	mu   sync.Mutex
	last State
	at   time.Time // of last; zero before the first and after a failure
}

func newStates(read func(context.Context) (State, error), ends func() (time.Time, bool)) *states {
	out := &states{read: read, ends: ends, now: time.Now, descs: map[string]*prometheus.Desc{}}
	for _, m := range stateMetrics() {
		out.descs[m.Name] = prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)
	}
	return out
}

// Describe implements [prometheus.Collector].
func (s *states) Describe(out chan<- *prometheus.Desc) {
	for _, d := range s.descs {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (s *states) Collect(out chan<- prometheus.Metric) {
	send := func(m Metric, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(s.descs[m.Name], prometheus.GaugeValue, value, labels...)
	}
	if ends, known := s.ends(); known {
		send(tokenDays, s.daysUntil(ends))
	}
	state, err := s.current()
	if err != nil {
		send(stateReadable, 0)
		return
	}
	send(stateReadable, 1)
	send(syncAge, s.since(state.SyncedAt, math.Inf(1)))
	send(syncsQuarantined, float64(state.Quarantined))
	for collection, n := range state.Rows {
		send(rows, float64(n), collection)
	}
	send(openRequests, float64(state.Pending), "pending")
	send(openRequests, float64(state.Begun), "begun")
	send(oldestPending, s.since(state.OldestPending, 0))
	send(overdueClaims, float64(state.Overdue))
	for kind, n := range state.Drift {
		send(driftFound, float64(n), kind)
	}
	send(ledgerHead, float64(state.LedgerHead))
	send(ledgerSealed, flag(state.LedgerSealed))
	send(ledgerBehind, float64(state.LedgerBehind))
}

// current is the state now, or one that is a few seconds old.
func (s *states) current() (State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() && s.now().Sub(s.at) < stateFresh {
		return s.last, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stateTimeout)
	defer cancel()
	state, err := s.read(ctx)
	if err != nil {
		s.at = time.Time{}
		return State{}, err
	}
	s.last, s.at = state, s.now()
	return state, nil
}

// since is how many seconds ago that was; never where it was not.
func (s *states) since(at time.Time, never float64) float64 {
	if at.IsZero() {
		return never
	}
	return max(0, s.now().Sub(at).Seconds())
}

func (s *states) daysUntil(at time.Time) float64 {
	if at.IsZero() {
		return math.Inf(1)
	}
	return at.Sub(s.now()).Hours() / 24
}

func flag(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
