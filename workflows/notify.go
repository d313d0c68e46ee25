package workflows

// Notify delivers one event to every place that is configured, each on its own: a
// receiver that is down is tried for a day, then given up. Nothing waits for this
// workflow. Its id is notify/<event>. Pinned.

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

// Notify is the workflow of type [wire.NotifyType].
func Notify(ctx workflow.Context, in wire.DeliverInput) error {
	group := workflow.NewWaitGroup(ctx)
	for _, sender := range in.Senders {
		group.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer group.Done()
			deliver(ctx, wire.SendInput{Event: in.Event, Sender: sender})
		})
	}
	group.Wait(ctx)
	return nil
}

func deliver(ctx workflow.Context, in wire.SendInput) {
	log := workflow.GetLogger(ctx)
	_, err := call[struct{}](delivery(ctx, in.Sender), wire.SendActivity, in)
	if err == nil {
		return
	}
	log.Warn("Event was not delivered", "event", in.Event.Type, "request", in.Event.Request,
		"sender", in.Sender, "error", err)
	if _, err := call[struct{}](shortCall(ctx, "give up"), wire.GaveUpActivity, in); err != nil {
		log.Error("The ledger does not say that an event was not delivered", "event", in.Event.Type,
			"request", in.Event.Request, "error", err)
	}
}

const (
	// deliverFor is how long a receiver may be down.
	deliverFor = 24 * time.Hour
	// deliverPause bounds the pause between attempts.
	deliverPause = 15 * time.Minute
)

// delivery is for one message to an external server: often quick, sometimes down
// for hours.
func delivery(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, ScheduleToCloseTimeout: deliverFor, Summary: summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 5 * time.Second, BackoffCoefficient: 2, MaximumInterval: deliverPause,
		},
	})
}

// announceFor bounds how long a request tries to have an event delivered at all.
const announceFor = 10 * time.Minute
