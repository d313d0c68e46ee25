package telemetry

import (
	"cmp"
	"maps"
	"slices"
)

// Kinds of metrics, as Prometheus names them.
const (
	kindCounter   = "counter"
	kindGauge     = "gauge"
	kindHistogram = "histogram"
)

// Metric describes one of our metrics. Its name and its labels are a contract: dashboards and alerts of others use
// them. Every series also has the label console. docs/metrics.md has the same table.
type Metric struct {
	Name   string // as /metrics prints it: a counter's ends in _total
	Kind   string // counter, gauge or histogram
	Labels []string
	Help   string

	// known are the values of the label from which a counter starts at zero, so that the first event is an increase.
	known []string
}

// Names of the counters and gauges that other packages update through [Metrics.Handler], without the _total of a
// counter.
const (
	Unauthorized    = "sentinelone_unauthorized_writes"
	ReleaseFailures = "sentinelone_release_attempts_failed"
	SystemReleases  = "sentinelone_system_releases"
	WritersMended   = "sentinelone_writers_mended"
	StalledAttempts = "sentinelone_stalled_attempts"
	Undecodable     = "sentinelone_undecodable_payloads"
	ReconcilerRun   = "sentinelone_reconciler_last_run_seconds"
)

// updated are the metrics that come through [Metrics.Handler].
func updated() []Metric {
	return []Metric{
		{Name: Unauthorized + "_total", Kind: kindCounter, Labels: []string{"reason"}, known: []string{
			"noRequest", "otherChange", "hasEnded", "wasStopped", "notSigned", "notApproved", "policyMissing",
			"policyForbids", "exceedsApproval", "notDue", "notOnRecord", "isFrozen",
		}, Help: "writes that were not sent for lack of authority"},
		{Name: ReleaseFailures + "_total", Kind: kindCounter, Help: "failed attempts to remove access that must end"},
		{Name: SystemReleases + "_total", Kind: kindCounter, Help: "releases of overdue access by the worker itself"},
		{
			Name: StalledAttempts + "_total", Kind: kindCounter,
			Help: "attempts of requests that outlived their timeout, and that the worker had made again",
		},
		{
			Name: WritersMended + "_total", Kind: kindCounter, Labels: []string{"fault"},
			known: []string{"foreign", "paused", "silent"},
			Help:  "workflows under the id of a principal's writer that were terminated or unpaused",
		},
		{
			Name: Undecodable + "_total", Kind: kindCounter, Labels: []string{"workflow_type"},
			known: []string{"Grant", "Revoke", "Principal", "Sync"},
			Help:  "payloads that no key of the worker decrypts",
		},
		{
			Name: ReconcilerRun, Kind: kindGauge,
			Help: "when this worker last looked for overdue access, in seconds since 1970; of several, one looks",
		},
	}
}

// The metrics that are measured at each request to the console.
var (
	consoleRequests = Metric{
		Name: "sentinelone_console_requests_total", Kind: kindCounter, Labels: []string{"method", "endpoint", "status"},
		Help: "requests to the console; status is none without an answer",
	}
	consoleSeconds = Metric{
		Name: "sentinelone_console_request_seconds", Kind: kindHistogram, Labels: []string{"method", "endpoint"},
		Help: "time from a request to the head of its answer",
	}
	budgetWait = Metric{
		Name: "sentinelone_budget_wait_seconds", Kind: kindHistogram, Labels: []string{"budget"},
		Help: "how long requests waited for the rate budget of their endpoint",
	}
)

// The metrics that are read from the database when Prometheus asks.
var (
	stateReadable = Metric{
		Name: "sentinelone_state_readable", Kind: kindGauge,
		Help: "1: the database answered, 0: the metrics from the database are missing",
	}
	syncAge = Metric{
		Name: "sentinelone_sync_age_seconds", Kind: kindGauge,
		Help: "since the last verified sync of the collection that waits longest began; +Inf before the first",
	}
	syncsQuarantined = Metric{
		Name: "sentinelone_syncs_quarantined", Kind: kindGauge, Help: "syncs that wait for confirm or discard",
	}
	rows = Metric{
		Name: "sentinelone_rows", Kind: kindGauge, Labels: []string{"collection"},
		Help: "rows that readers see, of each collection and of the assignments",
	}
	openRequests = Metric{
		Name: "sentinelone_open_requests", Kind: kindGauge, Labels: []string{"state"},
		Help: "requests without a receipt: pending ones wait for decisions or a start, begun ones have written",
	}
	oldestPending = Metric{
		Name: "sentinelone_oldest_pending_request_seconds", Kind: kindGauge,
		Help: "since the oldest pending request was made; 0 without one",
	}
	overdueClaims = Metric{
		Name: "sentinelone_overdue_claims", Kind: kindGauge,
		Help: "roles that are held for more than a minute past their end",
	}
	driftFound = Metric{
		Name: "sentinelone_drift", Kind: kindGauge, Labels: []string{"kind"},
		Help: "assignments on which console and ledger do not agree",
	}
	ledgerHead = Metric{
		Name: "sentinelone_ledger_head", Kind: kindGauge, Help: "number of the newest entry of the ledger",
	}
	ledgerSealed = Metric{
		Name: "sentinelone_ledger_sealed", Kind: kindGauge, Help: "1: the newest entry of the ledger is signed",
	}
	ledgerBehind = Metric{
		Name: "sentinelone_ledger_behind", Kind: kindGauge,
		Help: "entries of the ledger that are not explained yet; a worker catches up within a minute",
	}
	tokenDays = Metric{
		Name: "sentinelone_token_expiry_days", Kind: kindGauge,
		Help: "until the worker's API token expires; negative after it, +Inf without an end; missing while not known",
	}
)

// Catalog lists all our metrics by name.
func Catalog() []Metric {
	all := append(updated(), consoleRequests, consoleSeconds, budgetWait)
	all = append(all, stateMetrics()...)
	slices.SortFunc(all, func(a, b Metric) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func stateMetrics() []Metric {
	return []Metric{
		stateReadable, syncAge, syncsQuarantined, rows, openRequests, oldestPending, overdueClaims, driftFound,
		ledgerHead, ledgerSealed, ledgerBehind, tokenDays,
	}
}

// labelsOf picks the values of the metric's labels; those that are missing are "".
func (m Metric) labelsOf(tags map[string]string) []string {
	out := make([]string, len(m.Labels))
	for i, label := range m.Labels {
		out[i] = tags[label]
	}
	return out
}

// with returns the tags of both; those of b win.
func with(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, b)
	return out
}
