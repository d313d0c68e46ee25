package activities

import (
	"context"
	"errors"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Notify holds what telling people works with.
type Notify struct {
	senders  []notify.Sender
	store    *store.Store
	console  string
	delivery func(event string) Delivery
	start    func(context.Context, client.StartWorkflowOptions, string, wire.DeliverInput) error
}

// Delivery says which workflow delivers an event. The names come from package
// workflows, which spells them.
type Delivery struct{ WorkflowID, WorkflowType, TaskQueue string }

// NewNotify wires the activities that notify people; without senders nobody is notified.
func NewNotify(
	senders []notify.Sender, s *store.Store, console string, delivery func(event string) Delivery,
) *Notify {
	return &Notify{senders: senders, store: s, console: console, delivery: delivery, start: executeDelivery}
}

// Register names every activity explicitly.
func (n *Notify) Register(to Registry) {
	for name, fn := range map[string]any{
		wire.AnnounceActivity: n.Announce,
		wire.SendActivity:     n.Send,
		wire.GaveUpActivity:   n.GaveUp,
	} {
		to.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}

// Announce has a workflow of its own deliver the event, so that a receiver that is down
// holds nothing up. An event is delivered once, however often this runs.
func (n *Notify) Announce(ctx context.Context, in wire.AnnounceInput) error {
	if n != nil && len(n.senders) > 0 {
		n.addDelegates(ctx, &in.Event, in.Except)
	}
	return n.startDelivery(ctx, in.Event)
}

// startDelivery is for activities that have something to say themselves.
func (n *Notify) startDelivery(ctx context.Context, e wire.Event) error {
	if n == nil || len(n.senders) == 0 {
		return nil
	}
	e.Console = n.console
	names := make([]string, len(n.senders))
	for i, s := range n.senders {
		names[i] = s.Name()
	}
	d := n.delivery(e.ID)
	err := n.start(ctx, client.StartWorkflowOptions{
		ID: d.WorkflowID, TaskQueue: d.TaskQueue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, d.WorkflowType, wire.DeliverInput{Event: e, Senders: names})
	if _, told := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); told {
		return nil
	}
	return err
}

func executeDelivery(ctx context.Context, o client.StartWorkflowOptions, workflow string, in wire.DeliverInput) error {
	_, err := activity.GetClient(ctx).ExecuteWorkflow(ctx, o, workflow, in)
	return err
}

// BestEffort starts the delivery of an event for an activity whose outcome does not depend on it: where the delivery
// cannot start, it logs why.
func (n *Notify) BestEffort(ctx context.Context, e wire.Event) {
	if err := n.startDelivery(ctx, e); err != nil {
		activity.GetLogger(ctx).Warn("Cannot start the delivery of a notification", "event", e.Type, "error", err)
	}
}

// Send delivers an event to one place, once, and records that it was delivered or
// will never be. Receivers drop repeats by the event's id.
func (n *Notify) Send(ctx context.Context, in wire.SendInput) error {
	for _, s := range n.senders {
		if s.Name() != in.Sender {
			continue
		}
		err := s.Send(ctx, in.Event)
		if err != nil && !errors.Is(err, notify.ErrDropped) {
			return kinds.New(kinds.Unavailable, err)
		}
		d := ledger.Notification{Event: in.Event.Type, Sender: in.Sender, Result: ledger.Delivered}
		if err != nil {
			d.Result, d.Error = ledger.Dropped, err.Error()
		}
		return n.recordOutcome(ctx, in, d)
	}
	return n.recordOutcome(ctx, in, ledger.Notification{
		Event: in.Event.Type, Sender: in.Sender, Result: ledger.Dropped,
		Error: "this receiver is no longer configured",
	})
}

// GaveUp records that an event could not be delivered in time.
func (n *Notify) GaveUp(ctx context.Context, in wire.SendInput) error {
	return n.recordOutcome(ctx, in, ledger.Notification{Event: in.Event.Type, Sender: in.Sender, Result: ledger.GaveUp})
}

func (n *Notify) recordOutcome(ctx context.Context, in wire.SendInput, d ledger.Notification) error {
	request := in.Event.Request
	if request == "" {
		request = string(ledger.KindNotification)
	}
	_, err := n.store.Append(ctx, n.console, ledger.NewEntry{
		Request: request, Key: ledger.NotificationKey(in.Event.Request, in.Event.ID, in.Sender), Body: d,
	})
	return err
}
