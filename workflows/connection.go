package workflows

// Connection checks the connection to a console every few minutes, and soon after each sync. The
// worker starts it when it starts, one for each console; its id is connection/<console>. It holds
// what the last check found for the query `status`; the checks keep it in the store too, from
// where `starter status` and the worker's /status read it. Nothing waits for it: a check that
// fails is made again at its next time. It ends when the worker makes no checks
// (CONNECTION_CHECK_EVERY=0). Pinned; it moves to a new build of the worker when it continues as
// new, as a principal's writer does.

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

const (
	// checksPerRun bounds the history of a run: some 11 events a check, and at most 64 KiB.
	checksPerRun = 100
	// leastPause is the pause between two checks, whoever asks for one.
	leastPause = 30 * time.Second
	// mostPause is the pause at most, since a report is good for a quarter of an hour.
	mostPause = 10 * time.Minute
	// checkRetryPause is the pause after a check that did not succeed.
	checkRetryPause = time.Minute
)

// Connection is the workflow of type [wire.ConnectionType].
func Connection(ctx workflow.Context, in wire.ConnectionInput) error {
	if err := checkInput(ctx, in, nil); err != nil {
		return err
	}
	c := connectionRun{console: in.Console}
	if in.Last != nil {
		c.status = *in.Last
	}
	err := workflow.SetQueryHandler(ctx, wire.StatusQuery,
		func() (wire.ConnectionStatus, error) { return c.status, nil })
	if err != nil {
		return err
	}
	for range checksPerRun {
		pause, err := c.check(ctx)
		if err != nil || pause == 0 {
			return err
		}
		if err := c.wait(ctx, pause); err != nil {
			return err
		}
		if isFull(ctx) {
			break
		}
	}
	return c.continueAsNew(ctx)
}

// connectionRun is the state of one run.
type connectionRun struct {
	console string
	status  wire.ConnectionStatus
}

// check makes one check, and says how long to wait for the next; 0 for ever. The only error is that
// the workflow is cancelled.
func (c *connectionRun) check(ctx workflow.Context) (time.Duration, error) {
	c.status.NextCheckAt = nil
	out, err := call[wire.ConnectionCheckResult](oneCheck(ctx), wire.ConnectionCheckActivity,
		wire.ConnectionCheckInput{Console: c.console})
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err != nil:
		c.status.Fault = reason(err)
		var app *temporal.ApplicationError
		if errors.As(err, &app) && app.NonRetryable() {
			return mostPause, nil
		}
		return checkRetryPause, nil
	}
	c.status.Report, c.status.Fault = out.Report, ""
	if out.Every <= 0 {
		return 0, nil
	}
	return min(max(time.Duration(out.Every), leastPause), mostPause), nil
}

// wait waits for the next check. Signals have it made earlier, and those that came meanwhile count
// as one.
func (c *connectionRun) wait(ctx workflow.Context, pause time.Duration) error {
	asked := workflow.GetSignalChannel(ctx, wire.CheckSignal)
	began := workflow.Now(ctx)
	c.status.NextCheckAt = new(began.Add(pause).UTC())
	_, err := awaitUntil(ctx, began.Add(pause), "until the next check", func() bool { return asked.Len() > 0 })
	if err != nil {
		return err
	}
	_, err = awaitUntil(ctx, began.Add(leastPause), "not too often", func() bool { return false })
	for asked.ReceiveAsync(nil) {
		continue
	}
	return err
}

// isFull says that the history is long enough, or that another build of the worker takes over.
func isFull(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.GetContinueAsNewSuggested() || info.GetTargetWorkerDeploymentVersionChanged()
}

// continueAsNew goes on in a new run, on another build of the worker if there is one.
func (c *connectionRun) continueAsNew(ctx workflow.Context) error {
	var options workflow.ContinueAsNewErrorOptions
	if workflow.GetInfo(ctx).GetTargetWorkerDeploymentVersionChanged() {
		options.InitialVersioningBehavior = workflow.ContinueAsNewVersioningBehaviorAutoUpgrade
	}
	return workflow.NewContinueAsNewErrorWithOptions(ctx, options, wire.ConnectionType, wire.ConnectionInput{
		Console: c.console, Last: &c.status,
	})
}

// oneCheck is for one check: a few calls to the console at once, and a few small reads. It is not
// repeated: the next one is due soon, and what failed is seen meanwhile. While no worker takes it,
// nothing is worth checking.
func oneCheck(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Minute, ScheduleToCloseTimeout: 5 * time.Minute, HeartbeatTimeout: heartbeat,
		Summary:     "check the connection",
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
		Priority:    temporal.Priority{PriorityKey: priorityLast},
	})
}
