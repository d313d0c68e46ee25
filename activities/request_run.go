package activities

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// runFinder finds the original run of a workflow's run: they differ once the workflow was reset.
// Zero is ready for use.
type runFinder struct {
	sync.Mutex

	originals map[string]string // by run id
	// ask reads it from Temporal; nil: [originalRunID]. Tests set it.
	ask func(ctx context.Context, workflow, run string) (string, error)
	// began reads from Temporal when the workflow was started; nil: [startedInTemporal]. Tests set it.
	began func(ctx context.Context) (time.Time, error)
}

// arrived is when a message came, for the age of its signature. The input says so too, and whoever has the activity run
// chooses that: so a signature that was kept for longer than it may is as old as Temporal says.
func arrived(ctx context.Context, claimed time.Time) time.Time {
	if at := activity.GetInfo(ctx).ScheduledTime; at.Sub(claimed) > signing.MaxAge {
		return at.UTC()
	}
	return claimed
}

// requested is [arrived] for a request, which may wait for a worker for longer.
func (f *runFinder) requested(ctx context.Context, claimed time.Time) (time.Time, error) {
	if arrived(ctx, claimed).Equal(claimed) {
		return claimed, nil
	}
	began := f.began
	if began == nil {
		began = startedInTemporal
	}
	at, err := began(ctx)
	if err != nil {
		return claimed, kinds.New(kinds.Unavailable, fmt.Errorf(
			"cannot read from Temporal when the request was started: retrying: %w", err))
	}
	if at.After(claimed) {
		return at.UTC(), nil
	}
	return claimed, nil
}

// startedInTemporal is the time of the first event, which a reset copies.
func startedInTemporal(ctx context.Context) (time.Time, error) {
	run := activity.GetInfo(ctx).WorkflowExecution
	first, err := activity.GetClient(ctx).
		GetWorkflowHistory(ctx, run.ID, run.RunID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
	return first.GetEventTime().AsTime(), err
}

// requestRun is the run of the request that an activity works for, as keys of the ledger name
// it. The input names it too, and whoever can start a workflow chooses that: so it must be what
// Temporal says of the workflow that runs the activity. Another one is an error that is final.
func (f *runFinder) requestRun(ctx context.Context, of wire.RequestInfo) (ledger.Run, error) {
	is, info := runOf(of), activity.GetInfo(ctx)
	if of.ID != info.WorkflowExecution.ID {
		return ledger.Run{}, otherWorkflow(info, is)
	}
	if of.Run == info.WorkflowExecution.RunID {
		return is, nil
	}
	original, err := f.original(ctx, info.WorkflowExecution.ID, info.WorkflowExecution.RunID)
	if err != nil {
		return ledger.Run{}, err
	}
	if of.Run != original {
		return ledger.Run{}, otherWorkflow(info, is)
	}
	return is, nil
}

// changeRun is [runFinder.requestRun] of an activity that works on a change, whose key and request must
// be of that run.
func (f *runFinder) changeRun(ctx context.Context, of wire.RequestInfo, change, request string) error {
	run, err := f.requestRun(ctx, of)
	if err == nil && (request != of.ID || !run.Owns(change)) {
		err = kinds.New(kinds.Invalid, fmt.Errorf("change %q of %s belongs to another request than %s: "+
			"nothing was done: find out who started the workflow", change, request, run))
	}
	return err
}

func otherWorkflow(info activity.Info, is ledger.Run) error {
	return kinds.New(kinds.Invalid, fmt.Errorf("activity %s of workflow %s (run %s) works for another workflow: "+
		"its input names %s; nothing was done: find out who started or completed it, and start the request again",
		info.ActivityType.Name, info.WorkflowExecution.ID, info.WorkflowExecution.RunID, is))
}

// runsKnown bounds the cache. Only runs that were reset are in it.
const runsKnown = 10_000

func (f *runFinder) original(ctx context.Context, workflow, run string) (string, error) {
	if known, ok := f.known(run); ok {
		return known, nil
	}
	ask := f.ask
	if ask == nil {
		ask = originalRunID
	}
	original, err := ask(ctx, workflow, run)
	if err != nil {
		return "", kinds.New(kinds.Unavailable, fmt.Errorf(
			"cannot read from Temporal which run %s of %s was reset from: retrying: %w",
			run, workflow, err))
	}
	f.Lock()
	defer f.Unlock()
	if f.originals == nil || len(f.originals) >= runsKnown {
		f.originals = map[string]string{}
	}
	f.originals[run] = original
	return original, nil
}

func (f *runFinder) known(run string) (string, bool) {
	f.Lock()
	defer f.Unlock()
	original, ok := f.originals[run]
	return original, ok
}

// originalRunID reads the first event of a run: a reset copies it, with the id of the run in
// which it was written.
func originalRunID(ctx context.Context, workflow, run string) (string, error) {
	history := activity.GetClient(ctx).
		GetWorkflowHistory(ctx, workflow, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := history.Next()
	if err != nil {
		return "", err
	}
	return first.GetWorkflowExecutionStartedEventAttributes().GetOriginalExecutionRunId(), nil
}
