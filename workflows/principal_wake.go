package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

// wake has the activity of a request attempted again that has stopped waiting for an answer, since the change took
// long. Nothing depends on it: the activity asks again by itself after a minute.
func (p *principalRun) wake(ctx workflow.Context, waiter *wire.Waiter, began time.Time) {
	if waiter == nil || workflow.Now(ctx).Sub(began) < wire.WakeAfter || !p.since(ctx, waitersAreWoken) {
		return
	}
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: wakeWithin, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 2},
	})
	if err := workflow.ExecuteLocalActivity(ctx, wire.WakeActivity, *waiter).Get(ctx, nil); err != nil {
		p.log.Warn("The request that waits for this change was not woken: it asks again by itself", "error", err)
	}
}

// wakeWithin is shorter than a workflow task may take.
const wakeWithin = 3 * time.Second
