package activities

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"

	"sentinelone-provisioner/internal/wire"
)

// busyWriter is a Temporal server with one writer, which takes each change and answers it some time after it was
// sent.
type busyWriter struct {
	client.Client

	taken, answered time.Duration
	sent            time.Time // zero: not yet
	sends           int
}

// updatesOf answers what the client has no method for.
type updatesOf struct {
	workflowservice.WorkflowServiceClient

	*busyWriter
}

func (b *busyWriter) WorkflowService() workflowservice.WorkflowServiceClient {
	return updatesOf{busyWriter: b}
}

func (b *busyWriter) NewWithStartWorkflowOperation(
	client.StartWorkflowOptions, any, ...any,
) client.WithStartWorkflowOperation {
	return nil
}

func (b *busyWriter) UpdateWithStartWorkflow(
	ctx context.Context, o client.UpdateWithStartWorkflowOptions,
) (client.WorkflowUpdateHandle, error) {
	b.sends++
	if b.sent.IsZero() {
		b.sent = time.Now()
	}
	after := b.taken
	if o.UpdateOptions.WaitForStage == client.WorkflowUpdateStageCompleted {
		after = b.answered
	}
	return b, b.await(ctx, after)
}

func (b *busyWriter) GetWorkflowUpdateHandle(client.GetWorkflowUpdateHandleOptions) client.WorkflowUpdateHandle {
	return b
}

func (b updatesOf) PollWorkflowExecutionUpdate(
	context.Context, *workflowservice.PollWorkflowExecutionUpdateRequest, ...grpc.CallOption,
) (*workflowservice.PollWorkflowExecutionUpdateResponse, error) {
	if b.sent.IsZero() {
		return nil, serviceerror.NewNotFound("update not found")
	}
	out := &workflowservice.PollWorkflowExecutionUpdateResponse{
		Stage: enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED,
	}
	if time.Since(b.sent) >= b.taken {
		out.Stage = enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED
	}
	return out, nil
}

func (b *busyWriter) Get(ctx context.Context, _ any) error { return b.await(ctx, b.answered) }
func (b *busyWriter) WorkflowID() string                   { return "" }
func (b *busyWriter) RunID() string                        { return "" }
func (b *busyWriter) UpdateID() string                     { return "" }

// await waits until so long after the change was sent.
func (b *busyWriter) await(ctx context.Context, after time.Duration) error {
	select {
	case <-time.After(time.Until(b.sent.Add(after))):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *busyWriter) sending(room *waitingRoom, attempt int) *sending {
	s := &sending{temporal: b, room: room, stopping: make(chan struct{})}
	s.begin(attempt, wire.Waiter{WorkflowID: "grant/1", RunID: "r", ActivityID: "5"})
	return s
}

// An attempt leaves its activity pending once the writer has taken the change, and not before: the writer wakes only
// activities whose change took it long.
func TestSend_NotPendingBeforeTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &busyWriter{taken: 25 * time.Second, answered: 26 * time.Second}
		room := newWaitingRoom(0)
		for attempt := 1; ; attempt++ {
			s := b.sending(room, attempt)
			got := s.send(t.Context(), "u")
			s.end()
			if time.Since(b.sent) < b.taken {
				require.Equal(t, notTaken, got.from, "attempt %d", attempt)
				require.NotErrorIs(t, got.err, activity.ErrResultPending)
				continue
			}
			require.NoError(t, got.err)
			require.Equal(t, thatWriter, got.from)
			break
		}
	})
}

// While places are free, an attempt waits for its answer in one call, however many changes come first.
func TestSend_PatientWhilePlacesAreFree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &busyWriter{taken: time.Second, answered: 9 * time.Second}
		room := newWaitingRoom(1)
		s := b.sending(room, 1)
		require.True(t, s.patient())
		require.NoError(t, s.send(t.Context(), "u").err)
		require.Equal(t, 1, b.sends)

		second := (&busyWriter{taken: time.Second, answered: 9 * time.Second}).sending(room, 1)
		require.False(t, second.patient(), "no place is free")
		began := time.Now()
		require.ErrorIs(t, second.send(t.Context(), "u").err, activity.ErrResultPending)
		require.Equal(t, time.Second+wire.AnswerSoon, time.Since(began))
		s.end()
		require.True(t, b.sending(room, 1).patient(), "its place is free again")
	})
}

// The slot is given back when the answer takes long, and later attempts hold none.
func TestSend_PatienceEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &busyWriter{taken: time.Second, answered: time.Hour}
		room := newWaitingRoom(1)
		s := b.sending(room, 1)
		began := time.Now()
		require.ErrorIs(t, s.send(t.Context(), "u").err, activity.ErrResultPending)
		require.Equal(t, patience, time.Since(began))
		s.end()
		require.False(t, room.announce(s.waiter), "the writer must have the activity attempted again")
		later := b.sending(room, patientAttempts+1)
		require.False(t, later.patient())
		began = time.Now()
		require.ErrorIs(t, later.send(t.Context(), "u").err, activity.ErrResultPending)
		require.Equal(t, wire.AnswerSoon, time.Since(began))
	})
}

// An attempt whose patience ends between the writer's announcement and its answer waits for that: it would not be
// woken.
func TestSend_AnswerOnItsWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &busyWriter{taken: time.Second, answered: patience + 3*time.Second}
		room := newWaitingRoom(1)
		s := b.sending(room, 1)
		var got reply
		go func() { got = s.send(t.Context(), "u") }()
		time.Sleep(patience - time.Second)
		require.True(t, room.announce(s.waiter))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.NoError(t, got.err)
		require.Equal(t, thatWriter, got.from)
	})
}

// A worker that stops waits for no writer.
func TestSend_StopsWithTheWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &busyWriter{taken: time.Second, answered: time.Hour}
		s := b.sending(newWaitingRoom(1), 1)
		stopping := make(chan struct{})
		s.stopping = stopping
		time.AfterFunc(3*time.Second, func() { close(stopping) })
		began := time.Now()
		require.ErrorIs(t, s.send(t.Context(), "u").err, activity.ErrResultPending)
		require.Equal(t, 3*time.Second, time.Since(began))
		require.False(t, s.patient())
	})
}
