package temporalclient

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
)

// workerPatience is how long RequireWorker looks for a worker: one that has just started
// may not have polled yet.
const workerPatience = 5 * time.Second

// NoWorkerError says that no worker polls a task queue.
type NoWorkerError struct{ TaskQueue, Namespace, Address string }

func (e *NoWorkerError) Error() string {
	return fmt.Sprintf("no worker polls task queue %q in namespace %q at %s: start `worker` there, or set TASK_QUEUE",
		e.TaskQueue, e.Namespace, e.Address)
}

// RequireWorker fails with a [*NoWorkerError] unless a worker polls the task queue for
// workflows and for activities. Without this check a workflow on a misspelt task queue
// would wait for ever. The service remembers pollers for some minutes, so a worker that
// was just killed still counts.
func (c *Connection) RequireWorker(ctx context.Context) error {
	return c.lookForWorker(ctx, workerPatience)
}

// lookForWorker repeats the check for at most patience while there is no worker.
func (c *Connection) lookForWorker(ctx context.Context, patience time.Duration) error {
	over := time.After(patience)
	again := time.NewTicker(PollInterval / 2)
	defer again.Stop()
	for {
		err := c.WorkerPolls(ctx)
		if _, none := errors.AsType[*NoWorkerError](err); !none {
			return err
		}
		select {
		case <-again.C:
		case <-over:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// WorkerPolls is RequireWorker without patience: it checks once.
func (c *Connection) WorkerPolls(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	for _, kind := range []enumspb.TaskQueueType{
		enumspb.TASK_QUEUE_TYPE_WORKFLOW, enumspb.TASK_QUEUE_TYPE_ACTIVITY,
	} {
		answer, err := c.DescribeTaskQueue(ctx, c.TaskQueue, kind)
		if err != nil {
			return fmt.Errorf("cannot list the workers of task queue %q: %w", c.TaskQueue, c.Explain(err))
		}
		if len(answer.GetPollers()) == 0 {
			return &NoWorkerError{TaskQueue: c.TaskQueue, Namespace: c.Options.Namespace, Address: c.Options.HostPort}
		}
	}
	return nil
}
