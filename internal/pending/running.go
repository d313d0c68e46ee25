package pending

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// mayBePending selects requests by the search attributes that workflows/attributes.go sets. A
// request without a state is being planned, or its worker did not know the attributes. Access in
// force without a pending decision, not even "none", is indexed by a release before 0.6.0.
const mayBePending = ` AND (SentinelOneState IS NULL OR SentinelOneState IN ('awaitingApproval', 'awaitingReview')` +
	` OR SentinelOnePending IN ('extension', 'review')` +
	` OR (SentinelOneState = 'active' AND SentinelOnePending IS NULL))`

const requestsPerPage = 1000

// candidates lists the running requests that may be pending, by Temporal's index. Where the server
// does not know our search attributes, walked is true and these are all running requests. The
// index follows the workflows by some seconds at most: a request that was started just now, or
// an extension that was asked for just now, may be missing.
func (f *Finder) candidates(
	ctx context.Context, console string,
) (found []*workflowpb.WorkflowExecutionInfo, walked bool, err error) {
	running := fmt.Sprintf("ExecutionStatus = 'Running' AND WorkflowType IN ('%s')",
		strings.Join(wire.RequestTypes(), "', '"))
	if f.taskQueue != "" {
		running += " AND TaskQueue = " + quoted(f.taskQueue)
	}
	query := running + mayBePending
	if console != "" {
		query += " AND (SentinelOneConsole IS NULL OR SentinelOneConsole = " + quoted(console) + ")"
	}
	found, err = list(ctx, f.temporal, query)
	if _, unknown := errors.AsType[*serviceerror.InvalidArgument](err); unknown {
		walked = true
		found, err = list(ctx, f.temporal, running)
	}
	if err != nil {
		return nil, walked, fmt.Errorf("cannot list the running requests: %w", f.temporal.Explain(err))
	}
	return found, walked, nil
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `\'`) + "'" }

func list(
	ctx context.Context, c *temporalclient.Connection, query string,
) (out []*workflowpb.WorkflowExecutionInfo, err error) {
	for page := []byte(nil); ; {
		short, cancel := context.WithTimeout(ctx, temporalclient.CallTimeout)
		answer, err := c.ListWorkflow(short, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: c.Options.Namespace, Query: query, PageSize: requestsPerPage, NextPageToken: page,
		})
		cancel()
		if err != nil {
			return nil, err
		}
		out = append(out, answer.GetExecutions()...)
		if page = answer.GetNextPageToken(); len(page) == 0 {
			return out, nil
		}
	}
}
