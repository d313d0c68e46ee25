package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/internal/writers"
)

// maxAsked is how often one attempt asks the writer: again after an answer that is not the writer's.
const maxAsked = 20

// askWriter has the writer carry out the change. Only the writer's own answer counts. Where Temporal has made the
// answer, since the writer was terminated or reset, or where somebody else has, the writer is asked again, under
// another id, because Temporal keeps the answer to the first. It fails with [activity.ErrResultPending] while the
// writer works on the change.
func (r *Request) askWriter(ctx context.Context, in wire.ApplyInput) (wire.ChangeAnswer, error) {
	sending := r.beginSending(ctx, in)
	defer sending.end()
	late, looked, asked := activity.GetInfo(ctx).Attempt > 1, false, askedBefore(ctx)
	var got reply
	for range maxAsked {
		got = sending.send(ctx, updateID(in, asked))
		if err := r.checkRecord(ctx, in, &got); err != nil {
			return got.answer, err
		}
		switch {
		case got.err == nil && (late || looked || asked > 0):
			return got.answer, r.clearWriterWait(ctx, in)
		case got.err == nil, ctx.Err() != nil, got.from == nobodyYet && !late:
			return got.answer, got.err
		}
		found, err := r.mendWriter(ctx, in, got)
		looked = true
		switch {
		case err != nil:
			return got.answer, err
		case got.from == somebodyElse:
			activity.GetLogger(ctx).Warn("The answer is not the writer's: asking again",
				"change", in.Change.Key, "writer", in.Writer.WorkflowID, "error", got.err)
			asked++
			activity.RecordHeartbeat(ctx, asked) // the next attempt attaches to what this one asks
		case got.from == notTaken && sending.patient(): // it is well, and has much to do
		case found.Fault == "" || found.Fault == writers.Paused:
			return got.answer, got.err
		}
	}
	return got.answer, waitOut(time.Minute, fmt.Errorf("%d answers to %s are not those of its writer: find out who "+
		"terminates %s, or completes its activities by hand: retrying: the last one: %w",
		maxAsked, in.Change.Key, in.Writer.WorkflowID, got.err))
}

// updateID is the id under which the writer is asked for the nth time, from 0, after answers that are not its own.
func updateID(in wire.ApplyInput, asked int) string {
	if asked == 0 {
		return in.UpdateID()
	}
	return fmt.Sprintf("%s/again-%d", in.UpdateID(), asked)
}

// askedBefore is how often earlier attempts have passed over an answer.
func askedBefore(ctx context.Context) (asked int) {
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &asked) != nil {
		return 0 // of a worker of another version
	}
	return asked
}

// checkRecord turns an answer of the writer that the ledger does not bear out into one of somebody else.
func (r *Request) checkRecord(ctx context.Context, in wire.ApplyInput, got *reply) error {
	if got.err == nil {
		known, err := r.isOnRecord(ctx, in, got.answer)
		if err != nil {
			return err
		}
		if !known {
			got.from, got.err = somebodyElse, errors.New("its answer is not on record")
		}
	}
	return nil
}

// isOnRecord says whether the ledger has what the writer answers, as far as it matters: that access has ended, or that
// it may not be changed, is not believed without an entry about this principal. Somebody may have completed the
// writer's activity by hand, or the answer may be that of another principal's writer.
func (r *Request) isOnRecord(ctx context.Context, in wire.ApplyInput, answer wire.ChangeAnswer) (bool, error) {
	unauthorized, who := answer.Proof.Outcome == access.Unauthorized, in.Writer.Start
	if !unauthorized && !endsAccess(in.Change.Change.Op) {
		return true, nil
	}
	on, err := r.recordOf(ctx, in.Request)
	if err != nil {
		return false, err
	}
	if proof, proven := on.ProofOf(in.Change.Key); proven {
		return proof.Confirmed || !proof.Outcome.ClaimsAbsence(), nil
	}
	return unauthorized && slices.ContainsFunc(on.Unauthorized, func(u ledger.Unauthorized) bool {
		return u.Change == in.Change.Key && u.Principal.Kind == who.Kind && u.Principal.ID == who.ID
	}), nil
}

// mendWriter looks at the workflow under the writer's id, once that has not answered, and says what it has found: see
// [writers.Mend]. It keeps the reason why the change waits for the status query.
func (r *Request) mendWriter(ctx context.Context, in wire.ApplyInput, got reply) (writers.Finding, error) {
	mend := writers.Mend
	if got.from == somebodyElse {
		mend = writers.MendSuspect
	}
	finding, err := mend(ctx, activity.GetClient(ctx), activity.GetInfo(ctx).Namespace, in.Writer)
	if err != nil {
		return finding, kinds.RetryIn(kinds.New(kinds.Unavailable, fmt.Errorf(
			"cannot look at the principal's writer %s: retrying: %w", in.Writer.WorkflowID, err)), time.Second)
	}
	if finding.Fault != "" {
		activity.GetLogger(ctx).Warn("The writer of a principal was mended", "writer", in.Writer.WorkflowID,
			"fault", string(finding.Fault), "found", finding.Text, "request", in.Request.ID)
		finding.Count(activity.GetMetricsHandler(ctx))
	}
	return finding, r.noteWriterWait(ctx, in, got, finding.Text)
}

// noteWriterWait keeps why a change waits for its writer where the status query finds it. What the writer itself notes
// says more than that it works on the change.
func (r *Request) noteWriterWait(ctx context.Context, in wire.ApplyInput, got reply, found string) error {
	info, op := activity.GetInfo(ctx), in.Change.Change.Op
	text := found
	switch {
	case text != "":
	case got.from == nobodyYet:
		known, err := r.store.WaitOf(ctx, r.console.Console(), in.Request.ID)
		if err != nil || slices.ContainsFunc(known, func(w store.Wait) bool { return w.Step == string(op) }) {
			return err
		}
		text = "the principal's writer has taken the change and carries out one at a time"
	default:
		text = "the principal's writer has not answered: " + got.err.Error()
	}
	return r.store.NoteWait(ctx, store.Wait{
		Console: r.console.Console(), Request: in.Request.ID, Step: string(op), Release: endsAccess(op),
		Attempt: int(info.Attempt), Since: info.ScheduledTime.UTC(), At: r.now().UTC(), Text: text, Temporary: true,
	})
}

func (r *Request) clearWriterWait(ctx context.Context, in wire.ApplyInput) error {
	return r.store.ClearWait(ctx, r.console.Console(), in.Request.ID, string(in.Change.Change.Op))
}

// Wake has an activity that waits for the writer attempted again: its answer is ready. The message says no more than
// that: the attempt asks Temporal and the ledger itself, so a forged one changes nothing. An activity that waits no
// longer needs none, and one that waits in this process receives the answer anyway.
func (r *Request) Wake(ctx context.Context, in wire.Waiter) error {
	if r.waiting.announce(in) {
		return nil
	}
	ready := fault.Translate(kinds.RetryIn(kinds.New(kinds.Unavailable,
		errors.New("the principal's writer has answered")), wakePause))
	err := activity.GetClient(ctx).CompleteActivityByID(ctx, activity.GetInfo(ctx).Namespace,
		in.WorkflowID, in.RunID, in.ActivityID, nil, ready)
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return nil
	}
	return err
}

// wakePause gives the writer's answer the time to reach Temporal, which it does with the end of its workflow task.
const wakePause = 20 * time.Millisecond
