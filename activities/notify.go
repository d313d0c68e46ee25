package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Notify holds what telling people works with.
//
// Everybody in the namespace can call its activities. They take from their input only which
// event is meant, build it from the ledger, and send nothing that the ledger does not show.
type Notify struct {
	senders   []notify.Sender
	store     *store.Store
	console   string
	delivery  func(event string) Delivery
	start     func(context.Context, client.StartWorkflowOptions, string, wire.DeliverInput) error
	now       func() time.Time
	tokenEnds func(context.Context) (*time.Time, error)
	policy    *policy.Policy // nil: names nobody
	domains   []string       // of e-mail addresses
}

// Delivery says which workflow delivers an event. The names come from package
// workflows, which spells them.
type Delivery struct{ WorkflowID, WorkflowType, TaskQueue string }

// NewNotify wires the activities that notify people; without senders nobody is notified.
func NewNotify(
	senders []notify.Sender, s *store.Store, console string, delivery func(event string) Delivery,
) *Notify {
	return &Notify{
		senders: senders, store: s, console: console, delivery: delivery, start: executeDelivery, now: time.Now,
		tokenEnds: func(context.Context) (*time.Time, error) { return nil, nil },
	}
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
// holds nothing up. An event is delivered once, however often this runs. One that the ledger
// does not show is recorded as dropped.
func (n *Notify) Announce(ctx context.Context, in wire.AnnounceInput) error {
	if n == nil || len(n.senders) == 0 {
		return nil
	}
	e, err := n.build(ctx, in.Event)
	if why, none := isNoGround(err); none {
		return n.recordRefused(ctx, in.Event, announcing, why)
	}
	if err != nil {
		return err
	}
	if err := n.recordLeftOut(ctx, e); err != nil {
		return err
	}
	var names []string
	for _, s := range n.senders {
		for _, to := range s.To(e.Event) {
			names = append(names, deliveryName(s, to))
		}
	}
	if len(names) == 0 {
		return nil
	}
	d := n.delivery(e.ID)
	err = n.start(ctx, client.StartWorkflowOptions{
		ID: d.WorkflowID, TaskQueue: d.TaskQueue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, d.WorkflowType, wire.DeliverInput{Event: e.pinned, Senders: names})
	if _, told := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); told {
		return nil
	}
	return err
}

// announcing stands for a sender where an event is refused before it has any.
const announcing = "announce"

var errTemporalAway = errors.New("cannot reach Temporal: the delivery is started later")

func executeDelivery(ctx context.Context, o client.StartWorkflowOptions, workflow string, in wire.DeliverInput) error {
	temporal := attempt.RuntimeOf(ctx).Client
	if temporal == nil {
		return errTemporalAway
	}
	_, err := temporal.ExecuteWorkflow(ctx, o, workflow, in)
	return err
}

// BestEffort starts the delivery of an event for an activity whose outcome does not depend on it: where the delivery
// cannot start, it logs why.
func (n *Notify) BestEffort(ctx context.Context, e wire.Event) {
	if err := n.Announce(ctx, wire.AnnounceInput{Event: e}); err != nil {
		attempt.Logger(ctx).Warn("Cannot start the delivery of a notification", "event", e.Type, "error", err)
	}
}

// deliveryName names one delivery of an event: the sender, with a digest of the address where
// it has several. The address itself stays out of names.
func deliveryName(s notify.Sender, to string) string {
	if to == "" {
		return s.Name()
	}
	sum := sha256.Sum256([]byte(access.Fold(to)))
	const enough = 12 // bytes
	return s.Name() + "/" + hex.EncodeToString(sum[:enough])
}

// Send delivers an event to one receiver, or to one recipient of an e-mail, and records that
// it was delivered or will never be. Receivers drop repeats by the event's id; what the
// ledger has as delivered is not sent again.
func (n *Notify) Send(ctx context.Context, in wire.SendInput) error {
	e, err := n.build(ctx, in.Event)
	if why, none := isNoGround(err); none {
		return n.recordRefused(ctx, in.Event, in.Sender, why)
	}
	if err != nil {
		return kinds.New(kinds.Unavailable, err)
	}
	name, one, _ := strings.Cut(in.Sender, "/")
	i := slices.IndexFunc(n.senders, func(s notify.Sender) bool { return s.Name() == name })
	if i < 0 {
		return n.record(ctx, e, in.Sender, ledger.Notification{
			Result: ledger.Dropped, Error: "this receiver is no longer configured",
		})
	}
	var faults []error
	sent := false
	for _, to := range n.senders[i].To(e.Event) {
		if one == "" || deliveryName(n.senders[i], to) == in.Sender {
			sent = true
			faults = append(faults, n.sendTo(ctx, n.senders[i], e, to))
		}
	}
	if !sent && one != "" {
		return n.record(ctx, e, in.Sender, ledger.Notification{
			Result: ledger.Dropped, Error: "this recipient does not receive the event any more",
		})
	}
	return errors.Join(faults...)
}

func (n *Notify) sendTo(ctx context.Context, s notify.Sender, e built, to string) error {
	name := deliveryName(s, to)
	_, err := n.store.LedgerEntryByKey(ctx, n.console, e.key(name, ledger.Delivered))
	if err == nil {
		return nil
	}
	if !errors.Is(err, store.ErrNoEntry) {
		return kinds.New(kinds.Unavailable, err)
	}
	d := ledger.Notification{Result: ledger.Delivered, To: to}
	switch err := s.Send(ctx, e.Event, to); {
	case errors.Is(err, notify.ErrDropped):
		d.Result, d.Error = ledger.Dropped, err.Error()
	case err != nil:
		return kinds.New(kinds.Unavailable, err)
	}
	return n.record(ctx, e, name, d)
}

// GaveUp records that an event could not be delivered in time.
func (n *Notify) GaveUp(ctx context.Context, in wire.SendInput) error {
	e, err := n.build(ctx, in.Event)
	if why, none := isNoGround(err); none {
		return n.recordRefused(ctx, in.Event, in.Sender, why)
	}
	if err != nil {
		return err
	}
	d := ledger.Notification{Result: ledger.GaveUp}
	for _, s := range n.senders {
		for _, to := range s.To(e.Event) {
			if deliveryName(s, to) == in.Sender {
				d.To = to
			}
		}
	}
	return n.record(ctx, e, in.Sender, d)
}

// recordLeftOut records who receives no e-mail, and why.
func (n *Notify) recordLeftOut(ctx context.Context, e built) error {
	for _, s := range n.senders {
		if s.Name() != notify.Mail {
			continue
		}
		for _, l := range e.leftOut {
			d := ledger.Notification{Result: ledger.Dropped, To: l.name, Error: l.why}
			if err := n.record(ctx, e, deliveryName(s, l.name), d); err != nil {
				return err
			}
		}
	}
	return nil
}

// record writes down what became of one delivery. d has the rest of the body.
func (n *Notify) record(ctx context.Context, e built, delivery string, d ledger.Notification) error {
	request := string(ledger.KindNotification)
	if e.pinned.Request != "" {
		request = e.pinned.Request
	}
	d.Event, d.Sender = e.Type, senderOf(delivery)
	_, err := n.store.Append(ctx, n.console, ledger.NewEntry{Request: request, Key: e.key(delivery, d.Result), Body: d})
	return err
}

// recordRefused writes down that an event was not sent since the ledger does not show it. The
// entry belongs to no request: nothing in the input is known to be true.
func (n *Notify) recordRefused(ctx context.Context, in wire.Event, delivery, why string) error {
	claimed := fmt.Sprintf("%s of %q", oneLine(in.Type, describedType), oneLine(in.Request, describedName))
	attempt.Logger(ctx).Warn("An event that the ledger does not show is not sent", "event", claimed, "reason", why)
	_, err := n.store.Append(ctx, n.console, ledger.NewEntry{
		Request: string(ledger.KindNotification),
		Key:     ledger.NotificationKey("", "refused-"+eventID(n.console, in), delivery),
		Body: ledger.Notification{
			Event: oneLine(in.Type, describedType), Sender: senderOf(delivery), Result: ledger.Dropped,
			Error: claimed + " is not sent: " + why,
		},
	})
	return err
}

// Bounds on what an entry repeats of an event that is refused, in characters.
const (
	describedType = 40
	describedName = 120
)

// senderOf is the sender of a delivery.
func senderOf(delivery string) string {
	name, _, _ := strings.Cut(delivery, "/")
	return oneLine(name, describedType)
}

// key is the key of a result of one delivery. Results have keys of their own, so that whoever
// calls GaveUp by hand does not suppress the delivery.
func (b built) key(delivery string, result ledger.Delivery) string {
	event := b.ID
	if b.pinned.Run != "" {
		event = ledger.Run{Request: b.pinned.Request, ID: b.pinned.Run}.String() + "/" + b.ID
	}
	return ledger.NotificationKey(b.pinned.Request, event, strings.ReplaceAll(delivery, "/", "-")+"."+string(result))
}
