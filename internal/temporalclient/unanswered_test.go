package temporalclient

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// quietService answers whether it is up, and which workers it remembers.
type quietService struct {
	client.Client

	down   bool
	polled []string
}

func (s *quietService) CheckHealth(
	ctx context.Context, _ *client.CheckHealthRequest,
) (*client.CheckHealthResponse, error) {
	if s.down {
		return nil, errors.New("it is down")
	}
	return &client.CheckHealthResponse{}, ctx.Err()
}

func (s *quietService) DescribeTaskQueue(
	ctx context.Context, queue string, kind enumspb.TaskQueueType,
) (*workflowservice.DescribeTaskQueueResponse, error) {
	out := &workflowservice.DescribeTaskQueueResponse{}
	for _, polled := range s.polled {
		if polled == queue && kind == enumspb.TASK_QUEUE_TYPE_WORKFLOW {
			out.Pollers = append(out.Pollers, &taskqueuepb.PollerInfo{})
		}
	}
	return out, ctx.Err()
}

// A worker that polls and is late is told from one that is not there, and both from a service that is down.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	info := &workflowpb.WorkflowExecutionInfo{TaskQueue: "q", Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}
	over, stop := context.WithTimeout(t.Context(), 0)
	t.Cleanup(stop)
	const none = `no worker answers on task queue "q"; the request continues as soon as one does`
	const late = `no worker answers on task queue "q" within 5s, though one has polled it in the last minutes: ` +
		"it is busy, or has just stopped; the request continues as soon as one does"
	left := strings.Replace(late, " within 5s", "", 1)
	for name, c := range map[string]struct {
		service quietService
		ctx     context.Context //nolint:containedctx // a case of a table
		err     error
		want    string
	}{
		"late":          {quietService{polled: []string{"q"}}, t.Context(), context.DeadlineExceeded, late},
		"late, no time": {quietService{polled: []string{"q"}}, over, context.DeadlineExceeded, late},
		"another queue": {quietService{polled: []string{"p"}}, t.Context(), serviceerror.NewDeadlineExceeded(""), none},
		"none":          {quietService{}, t.Context(), context.DeadlineExceeded, none},
		"no poller now": {
			quietService{polled: []string{"q"}}, t.Context(), serviceerror.NewFailedPrecondition(""), left,
		},
		"no poller": {quietService{polled: []string{"p"}}, t.Context(), serviceerror.NewFailedPrecondition(""), none},
		"down": {
			quietService{down: true, polled: []string{"q"}},
			t.Context(), context.DeadlineExceeded,
			"Temporal does not answer at h:1; trying again",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &Connection{Client: &c.service, Options: client.Options{HostPort: "h:1"}}
			require.Equal(t, c.want, e.NoAnswer(c.ctx, info, c.err))
		})
	}
}
