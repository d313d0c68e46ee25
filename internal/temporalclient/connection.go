package temporalclient

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/wire"
)

const (
	// CallTimeout bounds one call to Temporal that a person waits for.
	CallTimeout = 10 * time.Second
	// PollInterval is the pause between two reads of a running workflow: short enough for
	// a progress bar, long enough not to load the service.
	PollInterval = 500 * time.Millisecond
	// queryTimeout bounds a query, which waits for a worker that may be gone.
	queryTimeout = 5 * time.Second
)

// Connection is a connection to Temporal with the names that messages about it need. It
// starts, queries and updates workflows; it runs none.
type Connection struct {
	client.Client

	// Options are those it was dialled with.
	Options client.Options
	// TaskQueue is where it starts workflows.
	TaskQueue string
	// Completion completes what status queries answer; nil: the workflow's own answer stands.
	Completion Completion
}

// Completion adds to the status that a workflow answers what it cannot know, as
// livestatus.Completer does.
type Completion interface {
	Request(ctx context.Context, s wire.RequestStatus) wire.RequestStatus
	Sync(ctx context.Context, s wire.SyncStatus) wire.SyncStatus
}

// Run is one run of a workflow, and the output for programs that start one.
type Run struct {
	WorkflowID string `json:"workflowId"`
	// RunID is "" for the latest run.
	RunID string `json:"runId"`
	// Started is false if the run was there before.
	Started bool `json:"started"`
}

// RunOf returns the run that info describes.
func RunOf(info *workflowpb.WorkflowExecutionInfo) Run {
	return Run{WorkflowID: info.GetExecution().GetWorkflowId(), RunID: info.GetExecution().GetRunId()}
}

// Connect dials Temporal as [Dial] does, within [CallTimeout]. The caller closes the
// connection.
func Connect(ctx context.Context, opts client.Options, taskQueue string) (*Connection, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	c, err := Dial(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &Connection{Client: c, Options: opts, TaskQueue: taskQueue}, nil
}

// Explain is [Explain] with the options of the connection.
func (c *Connection) Explain(err error) error { return Explain(err, c.Options) }

// Info returns what the service itself knows about a run; no worker is needed. The error
// is the service's own: see [IsNotFound] and [Unreachable].
func (c *Connection) Info(ctx context.Context, run Run) (*workflowpb.WorkflowExecutionInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	described, err := c.DescribeWorkflowExecution(ctx, run.WorkflowID, run.RunID)
	return described.GetWorkflowExecutionInfo(), err
}

// FirstRun returns the id of the first run of the latest workflow with that id, and its type; "" if Temporal knows
// none.
func (c *Connection) FirstRun(ctx context.Context, workflowID string) (run, workflowType string, err error) {
	info, err := c.Info(ctx, Run{WorkflowID: workflowID})
	if IsNotFound(err) {
		return "", "", nil
	}
	if err != nil {
		return "", "", c.Explain(err)
	}
	return info.GetFirstRunId(), info.GetType().GetName(), nil
}

// RequestStatus queries the status of a request, which a worker answers. [Connection.NoAnswer]
// puts its errors into words.
func (c *Connection) RequestStatus(ctx context.Context, run Run) (wire.RequestStatus, error) {
	status, err := queryStatus[wire.RequestStatus](ctx, c, run)
	if err == nil && c.Completion != nil {
		status = c.Completion.Request(ctx, status)
	}
	return status, err
}

// SyncStatus queries the status of a sync, which a worker answers. [Connection.NoAnswer]
// puts its errors into words.
func (c *Connection) SyncStatus(ctx context.Context, run Run) (wire.SyncStatus, error) {
	status, err := queryStatus[wire.SyncStatus](ctx, c, run)
	if err == nil && c.Completion != nil {
		status = c.Completion.Sync(ctx, status)
	}
	return status, err
}

func queryStatus[T any](ctx context.Context, c *Connection, run Run) (status T, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	value, err := c.QueryWorkflow(ctx, run.WorkflowID, run.RunID, wire.StatusQuery)
	if err != nil {
		return status, err
	}
	if err := value.Get(&status); err != nil {
		return status, fmt.Errorf("cannot decode the status of %s: check that worker and client have "+
			"the same version and PAYLOAD_KEYS_FILE: %w", run.WorkflowID, err)
	}
	return status, nil
}

// IsNotFound reports whether Temporal does not know the workflow, or knows it as ended
// when only a running one would do.
func IsNotFound(err error) bool {
	_, missing := errors.AsType[*serviceerror.NotFound](err)
	return missing
}
