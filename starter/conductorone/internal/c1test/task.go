package c1test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Task is one task for the connector, and what it has sent about it.
type Task struct {
	ID string // 27 letters and digits

	server *Server
	sent   *v1.Task

	// The server's lock guards these.
	taken      bool
	cancelled  bool
	heartbeats int
	uploads    [][]byte
	finished   *v1.BatonServiceFinishTaskRequest
}

// Queue queues a task; see [FullSync], [Grant] and others. Its id is made here.
func (s *Server) Queue(task *v1.Task) *Task {
	sent := proto.CloneOf(task)
	sent.SetId("0" + rand.Text())
	sent.SetStatus(v1.Task_STATUS_PENDING)
	t := &Task{ID: sent.GetId(), server: s, sent: sent}
	s.change(func() {
		s.tasks[t.ID] = t
		s.queue = append(s.queue, t)
	})
	return t
}

// Again queues a task with the same content, as people do who press "Retry".
func (t *Task) Again() *Task { return t.server.Queue(t.sent) }

// Cancel tells the connector with its next heartbeat to stop working on the task.
func (t *Task) Cancel() { t.server.change(func() { t.cancelled = true }) }

// Wait waits until the connector has finished the task.
func (t *Task) Wait(ctx context.Context) (Result, error) {
	var out Result
	err := t.server.until(ctx, func() bool {
		out = t.result()
		return t.finished != nil
	})
	if err != nil {
		return out, fmt.Errorf("task %s is not finished: %w", t.ID, err)
	}
	return out, nil
}

// WaitTaken waits until the connector has the task.
func (t *Task) WaitTaken(ctx context.Context) error {
	return t.server.until(ctx, func() bool { return t.taken })
}

// WaitHeartbeats waits until the connector has sent that many heartbeats for the task.
func (t *Task) WaitHeartbeats(ctx context.Context, n int) error {
	return t.server.until(ctx, func() bool { return t.heartbeats >= n })
}

// Finished reports whether the connector has finished the task.
func (t *Task) Finished() bool {
	t.server.mu.Lock()
	defer t.server.mu.Unlock()
	return t.finished != nil
}

// result needs the server's lock.
func (t *Task) result() Result {
	return Result{Heartbeats: t.heartbeats, Uploads: slices.Clone(t.uploads), Finished: t.finished}
}

// WaitHellos waits until the connector has said Hello that many times.
func (s *Server) WaitHellos(ctx context.Context, n int) error {
	return s.until(ctx, func() bool { return len(s.hellos) >= n })
}

// until waits until a condition holds, which it looks at under the lock.
func (s *Server) until(ctx context.Context, holds func() bool) error {
	for {
		s.mu.Lock()
		done, changed := holds(), s.changed
		s.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take gives out the oldest task in the queue, unless the caller is gone. If there is none, changed is closed at the
// next change.
func (s *Server) take(ctx context.Context) (task *Task, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 || ctx.Err() != nil {
		return nil, s.changed
	}
	task = s.queue[0]
	s.queue = s.queue[1:]
	task.taken = true
	task.sent.SetStatus(v1.Task_STATUS_RUNNING)
	close(s.changed)
	s.changed = make(chan struct{})
	return task, nil
}

// task finds a task that was given out.
func (s *Server) task(id string) (*Task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks[id]
	if t == nil || !t.taken {
		return nil, status.Errorf(codes.NotFound, "no task %q was given out", id)
	}
	return t, nil
}
