package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/wire"
)

// sending is one attempt to have a change carried out by its writer.
type sending struct {
	temporal  client.Client
	namespace string
	stopping  <-chan struct{} // closed when the worker stops
	in        wire.ApplyInput
	waiter    wire.Waiter
	room      *waitingRoom
	place     *waitingPlace // nil: the attempt waits for [wire.AnswerSoon]
	again     bool          // the change may have been sent before
}

func (r *Request) beginSending(ctx context.Context, in wire.ApplyInput) *sending {
	info := activity.GetInfo(ctx)
	s := &sending{
		temporal: activity.GetClient(ctx), namespace: info.Namespace, stopping: activity.GetWorkerStopChannel(ctx),
		in: in, room: r.waiting,
	}
	s.begin(int(info.Attempt), wire.Waiter{
		WorkflowID: info.WorkflowExecution.ID, RunID: info.WorkflowExecution.RunID, ActivityID: info.ActivityID,
	})
	return s
}

func (s *sending) begin(attempt int, waiter wire.Waiter) {
	s.again, s.waiter, s.in.Change.Waiter = attempt > 1, waiter, &waiter
	if attempt <= patientAttempts {
		s.place = s.room.enter(waiter, time.Now().Add(patience))
	}
}

func (s *sending) end() {
	if s.place != nil {
		s.room.leave(s.waiter, s.place)
	}
}

// patient says that the attempt may go on waiting.
func (s *sending) patient() bool {
	select {
	case <-s.stopping:
		return false
	default:
		return s.place != nil && time.Now().Before(s.place.until)
	}
}

// send sends the change, or attaches to the update that an earlier attempt has sent, and waits for the answer.
func (s *sending) send(ctx context.Context, id string) reply {
	if s.again { // the writer may have ended with its answer: it need not start again
		if taken, err := s.isTaken(ctx, id); err != nil {
			return replyOf(ctx, err)
		} else if taken {
			return s.collect(ctx, s.temporal.GetWorkflowUpdateHandle(s.refer(id)))
		}
	}
	s.again = true
	start := s.in.Writer.Start
	// Waiting for the answer is one call less than waiting until the change is taken, and then for the answer.
	stage := client.WorkflowUpdateStageAccepted
	if s.place != nil {
		stage = client.WorkflowUpdateStageCompleted
	}
	accepting, stop := context.WithTimeout(ctx, acceptWithin)
	defer stop()
	go s.stopWithWorker(accepting, stop)
	handle, err := s.temporal.UpdateWithStartWorkflow(accepting, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: s.temporal.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
			ID: s.in.Writer.WorkflowID, TaskQueue: s.in.Writer.TaskQueue,
			WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
			StaticSummary:            fmt.Sprintf("the one writer of %s %s", start.Kind, start.ID),
		}, s.in.Writer.WorkflowType, start),
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateID: id, UpdateName: s.in.Writer.Update, Args: []any{s.in.Change}, WaitForStage: stage,
		},
	})
	switch {
	case err == nil:
		return s.collect(ctx, handle)
	case accepting.Err() == nil || ctx.Err() != nil:
		return replyOf(ctx, err)
	}
	if taken, err := s.isTaken(ctx, id); err == nil && taken {
		return s.collect(ctx, s.temporal.GetWorkflowUpdateHandle(s.refer(id)))
	}
	got := replyOf(ctx, err)
	if got.from == unreached {
		got.from = notTaken
	}
	return got
}

func (s *sending) refer(id string) client.GetWorkflowUpdateHandleOptions {
	return client.GetWorkflowUpdateHandleOptions{WorkflowID: s.in.Writer.WorkflowID, UpdateID: id}
}

// isTaken says whether the writer has taken the change. Before that, its clock does not run, so an attempt that left
// the activity pending might not be woken.
func (s *sending) isTaken(ctx context.Context, id string) (bool, error) {
	is, err := s.temporal.WorkflowService().PollWorkflowExecutionUpdate(ctx,
		&workflowservice.PollWorkflowExecutionUpdateRequest{
			Namespace: s.namespace,
			UpdateRef: &update.UpdateRef{
				WorkflowExecution: &common.WorkflowExecution{WorkflowId: s.in.Writer.WorkflowID}, UpdateId: id,
			},
			WaitPolicy: &update.WaitPolicy{}, // does not wait
		})
	if _, unknown := errors.AsType[*serviceerror.NotFound](err); unknown {
		return false, nil
	}
	return is.GetStage() >= enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED, err
}

// collect waits for the answer to an update that the writer has taken.
func (s *sending) collect(ctx context.Context, update client.WorkflowUpdateHandle) reply {
	wait := wire.AnswerSoon
	if s.place != nil {
		wait = max(wait, time.Until(s.place.until))
	}
	for {
		waiting, stop := context.WithTimeout(ctx, wait)
		go s.stopWithWorker(waiting, stop)
		var answer wire.ChangeAnswer
		err := update.Get(waiting, &answer)
		over := waiting.Err() != nil
		stop()
		switch {
		case err == nil:
			return reply{answer: answer, from: thatWriter}
		case !over || ctx.Err() != nil:
			return replyOf(ctx, err)
		case s.place == nil || !s.room.leave(s.waiter, s.place):
			return reply{from: nobodyYet, err: activity.ErrResultPending}
		}
		wait = answerOnItsWay
	}
}

// stopWithWorker ends the wait when the worker stops: another worker continues it, and
// the shutdown need not wait for this one.
func (s *sending) stopWithWorker(waiting context.Context, stop context.CancelFunc) {
	select {
	case <-s.stopping:
		stop()
	case <-waiting.Done():
	}
}
