package reconciler

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/ledger"
)

// Claim is access of a run of a request that must be gone.
type Claim struct {
	Run       ledger.Run
	Principal ledger.Subject // whose access it is
	Due       time.Time      // when it had to be gone
}

// Releaser ends access, as activities.Principal does.
type Releaser interface {
	// ReleaseOverdue releases what had to be gone that long ago. released is false where nothing was left to do.
	ReleaseOverdue(ctx context.Context, run ledger.Run, after time.Duration) (released bool, err error)
	// ConfirmRelease reads once more what was released. done is false while another read is needed.
	ConfirmRelease(ctx context.Context, run ledger.Run) (done bool, err error)
}

// Lock is held by the one ticker that is at work.
type Lock interface {
	Held(ctx context.Context) (bool, error)
	Release(ctx context.Context) error
}

// Options are what a [Ticker] works with.
type Options struct {
	// Overdue lists the claims that were due at that time and are not released, the longest overdue first.
	Overdue func(ctx context.Context, due time.Time) ([]Claim, error)
	// Unconfirmed lists what the system has released without reading it again, or telling anybody: another process
	// may have died in between. It is asked once a process begins to be at work; nil for none.
	Unconfirmed func(ctx context.Context) ([]Claim, error)
	// Lock takes the lock without waiting; nil while another process holds it.
	Lock     func(ctx context.Context) (Lock, error)
	Releaser Releaser
	// Follow tells people of a release, and mends the writer of the principal. It is tried again until it succeeds.
	Follow func(ctx context.Context, temporal client.Client, c Claim) error
	// Drift holds the console against the ledger and carries out the drift rules of the policy; nil for neither.
	// temporal is nil while Temporal cannot be reached.
	Drift func(ctx context.Context, temporal client.Client) error
	// DriftSooner says that drift is to be looked at before DriftEvery has passed; nil for never.
	DriftSooner func(ctx context.Context) bool
	// Stalled looks after requests whose attempt Temporal should have ended; nil for none. It asks Temporal only, so
	// a read-only worker looks too, and one whose claims cannot be read.
	Stalled func(ctx context.Context, temporal client.Client) error
	// ReadOnly reports what is overdue and releases nothing.
	ReadOnly bool
	Log      *slog.Logger
	Metrics  client.MetricsHandler

	// Times, for tests; zero for those of operation.
	After        time.Duration // how long after its end access is overdue
	Every        time.Duration // between two looks at the claims
	ConfirmAfter time.Duration // between a release and the read that confirms it
	DriftEvery   time.Duration // between two looks at drift
	StalledEvery time.Duration // between two looks at requests that have stalled
	StandByAfter time.Duration // how long after that a process that is not at work releases it
	StandByEvery time.Duration // between two looks of such a process
	Now          func() time.Time
}

// The times of operation. Together they end access within two minutes of its end.
const (
	after        = time.Minute
	every        = 10 * time.Second
	confirmAfter = 5 * time.Second // as the writer does
	driftEvery   = time.Minute
	stalledEvery = time.Minute
	// A process that is at work and does not get on, since its clock is slow or since it cannot reach the
	// console, must not hold up the others: they release what is overdue for longer. The lock of each principal
	// keeps two attempts apart.
	standByAfter = 20 * time.Second
	standByEvery = 20 * time.Second
)

const (
	// slots is how many principals are worked on at once.
	slots = 8
	// failuresInRow is after how many failures without a success the console counts as down: from then on, one
	// attempt is made at each look.
	failuresInRow = 3
	// maxPause is the longest pause between two attempts at a claim.
	maxPause = time.Minute
	// attemptTimeout bounds an attempt: more than its calls to the console take.
	attemptTimeout = 2 * time.Minute
	// followFor is how long the reconciler tries to tell people and to mend the writer.
	followFor = 24 * time.Hour
)

func (o Options) withDefaults() Options {
	if o.After == 0 {
		o.After = after
	}
	if o.Every == 0 {
		o.Every = every
	}
	if o.ConfirmAfter == 0 {
		o.ConfirmAfter = confirmAfter
	}
	if o.DriftEvery == 0 {
		o.DriftEvery = driftEvery
	}
	if o.StalledEvery == 0 {
		o.StalledEvery = stalledEvery
	}
	if o.StandByAfter == 0 {
		o.StandByAfter = standByAfter
	}
	if o.StandByEvery == 0 {
		o.StandByEvery = standByEvery
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Metrics == nil {
		o.Metrics = client.MetricsNopHandler
	}
	return o
}

// Metrics of the reconciler.
const (
	// ReleasedMetric counts the releases by the system.
	ReleasedMetric = "sentinelone_system_releases"
	// LastRunMetric is when the claims were last looked at, in seconds since 1970.
	LastRunMetric = "sentinelone_reconciler_last_run_seconds"
)
