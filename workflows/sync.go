package workflows

// Sync reads a whole console into the store, verifies that nothing was missed, and
// promotes the snapshot in one step. People, a schedule or `starter sync` start
// it. It ends promoted or unchanged within minutes, or stays open quarantined
// until someone confirms or discards, seven days at most. A console or a store
// that is down is waited out; a token that is refused ends it. One that a schedule
// has started ends at once while another reads the same. Its id is
// sync/<console> by custom. Pinned: a run ends on the code it began on.

import (
	"errors"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// Sync is the workflow of type [wire.SyncType].
func Sync(ctx workflow.Context, in wire.SyncInput) (wire.SyncResult, error) {
	s, err := newSyncRun(ctx, in)
	if err != nil {
		return wire.SyncResult{}, err
	}
	if err := s.handle(ctx); err != nil {
		return wire.SyncResult{}, err
	}
	result, err := s.run(ctx)
	if err != nil {
		err = s.fail(ctx, err)
	}
	// Whoever decided gets an answer, also when the run was cancelled meanwhile.
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	waited := workflow.Await(open, func() bool { return workflow.AllHandlersFinished(open) })
	if err == nil {
		err = waited
	}
	return result, err // as it is: anything around it would hide its type from Temporal
}

// syncRun is the state of one run.
type syncRun struct {
	log         log.Logger
	collections []access.Collection
	console     string                            // requested; "" for the one that the worker serves
	status      wire.SyncStatus                   // what the query answers
	expected    map[access.Collection]int         // the console's counts from before the drain
	progress    map[access.Collection]*drainState // one per collection, always
	settled     wire.SyncSettleResult             // the last one
	recounted   bool                              // principals were drained again for their roles' counts
	requests    int
	open        bool                     // a decision is pending
	decision    *wire.QuarantineDecision // nil until someone has decided
	decided     string                   // confirm or discard
	deciding    workflow.Mutex           // one decision at a time
	startedBy   string                   // as claimed; "" for a schedule
	refusals    int                      // decisions that did not count
	final       bool                     // the end is reached; what the decision waits for
	delta       bool                     // a delta sync, until it becomes a full one
	fullBecause string                   // why it became one
	skipped     string                   // why it reads nothing
}

// drainState is how far one collection is.
type drainState struct {
	wire.CollectionStatus

	doubt string // of the last drain
	drift int    // role entries without a role id
	limit int    // of rows at once in the next drain; 0 for as many as the console gives
}

func newSyncRun(ctx workflow.Context, in wire.SyncInput) (*syncRun, error) {
	collections, err := access.ParseCollections(in.Collections)
	if err == nil {
		err = checkMode(in)
	}
	if err := checkInput(ctx, in, err); err != nil {
		return nil, err
	}
	s := &syncRun{
		log:         workflow.GetLogger(ctx),
		collections: collections,
		console:     in.Console,
		startedBy:   in.By,
		delta:       in.Mode == wire.ModeDelta,
		deciding:    workflow.NewMutex(ctx),
		progress:    make(map[access.Collection]*drainState, len(collections)),
		status: wire.SyncStatus{
			State: wire.StateChecking, StartedAt: workflow.Now(ctx).UTC(),
			// The original run's id: after a reset the same snapshot continues.
			Snapshot: workflow.GetInfo(ctx).OriginalRunID,
		},
	}
	for _, c := range collections {
		s.progress[c] = &drainState{CollectionStatus: wire.CollectionStatus{State: wire.CollectionWaiting}}
	}
	return s, nil
}

// run goes from the first call to the result.
func (s *syncRun) run(ctx workflow.Context) (wire.SyncResult, error) {
	if s.delta {
		if err := s.followFeed(ctx); err != nil {
			return wire.SyncResult{}, err
		}
		if s.delta {
			return s.conclude(ctx), nil
		}
	}
	for _, step := range []func(workflow.Context) error{s.begin, s.check, s.drainUntilSettled, s.decide} {
		if err := step(ctx); err != nil {
			return wire.SyncResult{}, err
		}
		if s.skipped != "" {
			break
		}
	}
	return s.conclude(ctx), nil
}

func (s *syncRun) begin(ctx workflow.Context) error {
	ctx = shortCall(ctx, "open a snapshot")
	out, err := call[wire.SyncBeginResult](ctx, wire.SyncBeginActivity, wire.SyncBeginInput{
		Snapshot: s.status.Snapshot, Collections: s.collections, StartedAt: s.status.StartedAt, Console: s.console,
	})
	s.status.Console = out.Console
	if out.Skipped != "" {
		s.skipped = out.Skipped
		s.settled = wire.SyncSettleResult{State: wire.StateUnchanged, Counts: map[string]int{}}
	}
	return err
}

func (s *syncRun) check(ctx workflow.Context) error {
	out, err := call[wire.SyncCheckResult](shortCall(ctx, "check token and permissions"), wire.SyncCheckActivity,
		wire.SyncCheckInput{Snapshot: s.status.Snapshot, Collections: s.collections})
	s.expected = out.Expected
	s.status.TokenExpiresAt = out.TokenExpiresAt
	s.requests += out.Requests
	s.warn(out.Warnings...)
	return err
}

// conclude fixes the result.
func (s *syncRun) conclude(ctx workflow.Context) wire.SyncResult {
	for _, c := range s.collections {
		if n := s.progress[c].drift; n > 0 {
			s.warn(unassignedWarning(c, n))
		}
	}
	s.warn(s.settled.Warnings...)
	s.enter(ctx, s.settled.State, "")
	s.status.Result = &wire.SyncResult{
		Snapshot: s.status.Snapshot, State: s.settled.State,
		StartedAt: s.status.StartedAt, FinishedAt: workflow.Now(ctx).UTC(),
		Counts:   s.settled.Counts,
		Changes:  wire.AssignmentChanges{Added: s.settled.Added, Removed: s.settled.Removed},
		Requests: s.requests, Warnings: s.warnings(), LedgerHead: s.settled.LedgerHead,
		Drift: s.settled.Drift, FullBecause: s.fullBecause, Skipped: s.skipped,
		Feed: s.settled.Feed,
	}
	if s.delta {
		s.status.Result.Mode = wire.ModeDelta
	}
	s.final = true
	return *s.status.Result
}

// fail drops what was received, also when the run was cancelled, and hands on
// the reason under its own type rather than as "activity error".
func (s *syncRun) fail(ctx workflow.Context, cause error) error {
	s.enter(ctx, wire.StateFailed, "")
	s.final = true
	if s.delta { // it has no snapshot unless it is promoted
		return unwrapped(cause)
	}
	undo, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	_, err := call[struct{}](shortCall(undo, "drop what was received"), wire.SyncDiscardActivity, wire.SyncDiscardInput{
		Snapshot: s.status.Snapshot, Why: reason(cause), Failed: true,
	})
	if err != nil {
		s.log.Error("What a failed sync received was not dropped", "error", err)
	}
	return unwrapped(cause)
}

// unwrapped is the reason of a failure under its own type.
func unwrapped(cause error) error {
	if app, ok := errors.AsType[*temporal.ApplicationError](cause); ok {
		return app
	}
	return cause
}

func reason(err error) string {
	var app *temporal.ApplicationError
	switch {
	case errors.As(err, &app):
		return app.Message()
	case temporal.IsCanceledError(err):
		return "cancelled"
	}
	return err.Error()
}
