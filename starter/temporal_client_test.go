package main

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

// lateWorker is a service that knows of a worker only after some questions.
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

// A worker that has only just started is waited for, one that is not there is not for long,
// and a service that does not answer not at all.
func TestLookForWorker(t *testing.T) {
	t.Parallel()
	late := &lateWorker{after: 3}
	e := &temporalClient{Client: late, queue: "q"}
	require.NoError(t, e.lookForWorker(t.Context(), time.Hour))
	require.Equal(t, 5, late.asked, "thrice in vain, then for both kinds of work")

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
