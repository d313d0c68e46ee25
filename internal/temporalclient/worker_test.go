package temporalclient

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// lateWorker is a service that lists a worker only after some calls.
type lateWorker struct {
	client.Client

	asked, after int
	err          error
}

func (c *lateWorker) DescribeTaskQueue(
	context.Context, string, enumspb.TaskQueueType,
) (*workflowservice.DescribeTaskQueueResponse, error) {
	c.asked++
	out := &workflowservice.DescribeTaskQueueResponse{}
	if c.asked > c.after {
		out.Pollers = append(out.Pollers, &taskqueuepb.PollerInfo{})
	}
	return out, c.err
}

// It waits for a worker that has just started, briefly for one that is not there, and not
// at all for a service that does not answer.
func TestLookForWorker(t *testing.T) {
	t.Parallel()
	late := &lateWorker{after: 3}
	e := &Connection{Client: late, TaskQueue: "q"}
	require.NoError(t, e.lookForWorker(t.Context(), time.Hour))
	require.Equal(t, 5, late.asked, "three calls in vain, then one for each kind of task")

	e.Client = &lateWorker{after: 1 << 20}
	require.ErrorContains(t, e.lookForWorker(t.Context(), 0), `no worker polls task queue "q"`)

	stopped, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, e.lookForWorker(stopped, time.Hour), context.Canceled)

	down := &lateWorker{err: errors.New("it is down")}
	e.Client = down
	require.ErrorContains(t, e.lookForWorker(t.Context(), time.Hour), "it is down")
	require.Equal(t, 1, down.asked)
}
