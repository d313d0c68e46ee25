package pending

import (
	"context"
	"fmt"
	"strings"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// requestTypes are the types of the workflows that may need an approval.
var requestTypes = strings.Join([]string{
	wire.GrantType, wire.RevokeType, wire.OffboardType,
	wire.ProvisionUserType, wire.ProvisionServiceUserType,
}, "', '")

const requestsPerPage = 1000

// runningRequests lists the running requests that Temporal's index has; one that was
// started this second may be missing. An empty task queue means all of them.
func runningRequests(
	ctx context.Context, c *temporalclient.Connection, taskQueue string,
) ([]*workflowpb.WorkflowExecutionInfo, error) {
	query := fmt.Sprintf("ExecutionStatus = 'Running' AND WorkflowType IN ('%s')", requestTypes)
	if taskQueue != "" {
		query += fmt.Sprintf(" AND TaskQueue = '%s'", strings.ReplaceAll(taskQueue, "'", `\'`))
	}
	var out []*workflowpb.WorkflowExecutionInfo
	for page := []byte(nil); ; {
		short, cancel := context.WithTimeout(ctx, temporalclient.CallTimeout)
		answer, err := c.ListWorkflow(short, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: c.Options.Namespace, Query: query, PageSize: requestsPerPage, NextPageToken: page,
		})
		cancel()
		if err != nil {
			return nil, fmt.Errorf("cannot list the running requests: %w", c.Explain(err))
		}
		out = append(out, answer.GetExecutions()...)
		if page = answer.GetNextPageToken(); len(page) == 0 {
			return out, nil
		}
	}
}
