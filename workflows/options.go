package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// Activity options by kind of call. Replay does not compare them, so the numbers
// may change; no branch depends on them.

// heartbeat is how long a silent worker counts as alive. Activities beat every
// two seconds; a killed worker's work moves on within this time.
const heartbeat = 15 * time.Second

// shortCall is for a call or two against console or store: a minute is generous, and
// it is repeated for as long as the other side is down.
func shortCall(ctx workflow.Context, summary string) workflow.Context {
	return withOptions(ctx, summary, 5*time.Minute)
}

// pagination is for a whole collection at the pace the console allows. A day is the
// longest pagination we can imagine; the heartbeat finds a dead worker long before.
func pagination(ctx workflow.Context, summary string) workflow.Context {
	return withOptions(ctx, summary, 24*time.Hour)
}

// bulkTx is for one large transaction.
func bulkTx(ctx workflow.Context, summary string) workflow.Context {
	return withOptions(ctx, summary, time.Hour)
}

// withOptions retries for ever, since internal/fault makes final errors final:
// what is left is a console or a store that will be back, or a worker
// that was killed. Twenty seconds between attempts find it soon and cost it little.
func withOptions(ctx workflow.Context, summary string, startToClose time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: startToClose,
		HeartbeatTimeout:    heartbeat,
		WaitForCancellation: true,
		Summary:             summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    time.Second,
			BackoffCoefficient: 2,
			MaximumInterval:    20 * time.Second,
		},
	})
}

// call runs the activity of that name and decodes its result.
func call[Out any](ctx workflow.Context, name string, in any) (Out, error) {
	var out Out
	err := workflow.ExecuteActivity(ctx, name, in).Get(ctx, &out)
	return out, err
}

// consoleWrite is for one change of a principal: a few calls, each of which may take a
// minute. It is repeated for as long as the console is down; the activity itself says
// how soon. Access that must end goes first.
func consoleWrite(ctx workflow.Context, summary string, urgent bool) workflow.Context {
	ctx = withOptions(ctx, summary, 6*time.Minute)
	options := workflow.GetActivityOptions(ctx)
	options.TaskQueue = wire.WriteQueue(workflow.GetInfo(ctx).TaskQueueName)
	options.Priority = priorityOf(urgent)
	return workflow.WithActivityOptions(ctx, options)
}

// Priorities of activities that wait for a worker: 1 is the highest, 3 the default.
const (
	priorityEnd   = 1
	priorityBegin = 3
	// priorityLast is for what nothing waits for.
	priorityLast = 5
)

func priorityOf(urgent bool) temporal.Priority {
	if urgent {
		return temporal.Priority{PriorityKey: priorityEnd}
	}
	return temporal.Priority{PriorityKey: priorityBegin}
}

// awaitUntil waits for a condition, at most until a time; the zero time means
// without end. It says whether the condition came first.
func awaitUntil(ctx workflow.Context, until time.Time, summary string, condition func() bool) (bool, error) {
	if until.IsZero() {
		return true, workflow.Await(ctx, condition)
	}
	left := until.Sub(workflow.Now(ctx))
	if left <= 0 {
		return condition(), nil
	}
	return workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: left, TimerOptions: workflow.TimerOptions{Summary: summary},
	}, condition)
}

// viaWriter is for a change that the principal's writer carries out. While the writer works on it, the activity is
// pending and holds no slot of a worker, so there is nobody to send a heartbeat. The writer has it attempted again when
// it has the answer; where that message is lost, this timeout does. What ends access goes first, as in [consoleWrite].
func viaWriter(ctx workflow.Context, op access.Op, summary string) workflow.Context {
	ctx = withOptions(ctx, summary, time.Minute)
	options := workflow.GetActivityOptions(ctx)
	options.HeartbeatTimeout = 0
	options.WaitForCancellation = false // the writer, not this activity, decides what became of it
	options.Priority = priorityOf(!givesAccess(op))
	return workflow.WithActivityOptions(ctx, options)
}
