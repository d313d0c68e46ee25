package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// answerTimeout is how long one attempt waits for the writer's answer before it makes room
// for other work; the next attempt finds the same change again by its key.
const answerTimeout = time.Minute

// Apply has the one writer of a principal carry out a change, starting it where it is
// not running, and returns its proof; with Close, also the receipt. Repeating it is
// attaching to the same change.
//
// Fails as the writer does: see [Principal.Write].
func (r *Request) Apply(ctx context.Context, in wire.ApplyInput) (wire.ApplyResult, error) {
	defer attempt.KeepWaiting(ctx)()
	if err := r.runs.changeRun(ctx, in.Request, in.Change.Key, in.Change.Request); err != nil {
		return wire.ApplyResult{}, err
	}
	if kept, err := r.keptReceipt(ctx, in.Request); err != nil || kept != nil {
		return resultOfReceipt(kept), err
	}
	if in.Change.Change.Op == access.OpRelease {
		kept, err := r.cancelGrant(ctx, in)
		if err != nil || kept != nil {
			return resultOfReceipt(kept), err
		}
	}
	if err := r.recordExtension(ctx, in); err != nil {
		return wire.ApplyResult{}, err
	}
	answer, err := r.askWriter(ctx, in)
	if err != nil {
		return wire.ApplyResult{}, err
	}
	out := wire.ApplyResult{ChangeAnswer: answer}
	if in.Close == nil || answer.Proof.Outcome == access.PlanChanged {
		return out, nil
	}
	end := *in.Close
	end.Request = in.Request
	if answer.Refused() {
		end.State, end.Message = wire.StateRefused, answer.Message
	}
	unless := ""
	if in.Change.Change.Op == access.OpGrant {
		unless = runOf(in.Request).CancelledKey()
	}
	out.Receipt, err = r.receiptUnless(ctx, end, unless)
	return out, err
}

// resultOfReceipt is the result of a change of a request that has ended already.
func resultOfReceipt(kept *access.Receipt) wire.ApplyResult {
	out := wire.ApplyResult{Receipt: kept}
	if kept != nil && len(kept.Proofs) > 0 {
		out.Proof = kept.Proofs[len(kept.Proofs)-1]
	}
	return out
}

// askWriter has the writer carry out the change. That access has ended is not believed without
// its proof in the ledger, since somebody may have completed the writer's activity by hand: the
// writer is asked again, under another id, because Temporal keeps the answer to the first.
func (r *Request) askWriter(ctx context.Context, in wire.ApplyInput) (wire.ChangeAnswer, error) {
	id := in.UpdateID()
	for again := 1; ; again++ {
		answer, err := updateWriter(ctx, in, id)
		if err != nil || answer.Refused() || !endsAccess(in.Change.Change.Op) {
			return answer, err
		}
		on, err := r.recordOf(ctx, in.Request)
		if _, proven := on.Proofs[in.Change.Key]; err != nil || proven {
			return answer, err
		}
		activity.GetLogger(ctx).Warn("The writer's answer is not on record: asking again", "change", in.Change.Key)
		if again == forgedAnswers {
			err := fmt.Errorf("the answers to %s are not on record: find out who completes the activities of %s by "+
				"hand: retrying", in.Change.Key, in.Writer.WorkflowID)
			return answer, kinds.RetryIn(kinds.New(kinds.Unavailable, err), time.Minute)
		}
		id = fmt.Sprintf("%s/again-%d", in.UpdateID(), again)
	}
}

// forgedAnswers is how many answers without a proof one attempt passes over.
const forgedAnswers = 20

func updateWriter(ctx context.Context, in wire.ApplyInput, id string) (wire.ChangeAnswer, error) {
	var answer wire.ChangeAnswer
	waiting, stop := context.WithTimeout(ctx, answerTimeout)
	defer stop()
	go stopWithWorker(waiting, stop)
	temporalClient := activity.GetClient(ctx)
	start := temporalClient.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: in.Writer.WorkflowID, TaskQueue: in.Writer.TaskQueue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            fmt.Sprintf("the one writer of %s %s", in.Writer.Start.Kind, in.Writer.Start.ID),
	}, in.Writer.WorkflowType, in.Writer.Start)
	handle, err := temporalClient.UpdateWithStartWorkflow(waiting, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateID: id, UpdateName: in.Writer.Update, Args: []any{in.Change},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err == nil {
		err = handle.Get(waiting, &answer)
	}
	return answer, writerError(ctx, err)
}

// stopWithWorker ends the wait when the worker stops: another worker continues it, and
// the shutdown need not wait for this one.
func stopWithWorker(waiting context.Context, stop context.CancelFunc) {
	select {
	case <-activity.GetWorkerStopChannel(waiting):
		stop()
	case <-waiting.Done():
	}
}

// writerError tells what the writer said from not reaching it, which is waited out.
func writerError(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	busy := time.Second
	if said, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		if said.NonRetryable() {
			return said
		}
		return kinds.RetryIn(kinds.New(kinds.Unavailable, errors.New(said.Message())), busy)
	}
	if _, full := errors.AsType[*serviceerror.ResourceExhausted](err); full {
		busy = 3 * time.Second
	}
	return kinds.RetryIn(
		kinds.New(kinds.Unavailable, fmt.Errorf("no answer from the principal's writer yet: retrying: %w", err)),
		busy,
	)
}
