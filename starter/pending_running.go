package main

import (
	"context"
	"fmt"
	"strings"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"sentinelone-provisioner/internal/wire"
)

// requestTypes are of the workflows that may ask people.
var requestTypes = strings.Join([]string{
	wire.GrantType, wire.RevokeType, wire.OffboardType,
	wire.ProvisionUserType, wire.ProvisionServiceUserType,
}, "', '")

const pageOfRequests = 1000

// runningRequests lists the requests that may ask people, as Temporal has them; one that
// was started this second may be missing. An empty task queue means all of them.
func (e *temporalClient) runningRequests(
	ctx context.Context, queue string,
) ([]*workflowpb.WorkflowExecutionInfo, error) {
	query := fmt.Sprintf("ExecutionStatus = 'Running' AND WorkflowType IN ('%s')", requestTypes)
	if queue != "" {
		query += fmt.Sprintf(" AND TaskQueue = '%s'", strings.ReplaceAll(queue, "'", `\'`))
	}
	var out []*workflowpb.WorkflowExecutionInfo
	for page := []byte(nil); ; {
		short, cancel := context.WithTimeout(ctx, callTimeout)
		answer, err := e.ListWorkflow(short, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: e.Options.Namespace, Query: query, PageSize: pageOfRequests, NextPageToken: page,
		})
		cancel()
		if err != nil {
			return nil, fmt.Errorf("list the running requests: %w", e.Explain(err))
		}
		out = append(out, answer.GetExecutions()...)
		if page = answer.GetNextPageToken(); len(page) == 0 {
			return out, nil
		}
	}
}
