package e2e

import (
	"fmt"
	"strings"

	"go.temporal.io/api/workflowservice/v1"

	"sentinelone-provisioner/internal/wire"
)

// listOf asks for a page of the workflows of one task queue.
func listOf(queue string, token []byte) *workflowservice.ListWorkflowExecutionsRequest {
	return &workflowservice.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf("TaskQueue = %q", queue), NextPageToken: token,
	}
}

// isFromC1 says that the connector gave that id.
func isFromC1(id string) bool {
	return strings.HasPrefix(id, wire.GrantID("c1-")) || strings.HasPrefix(id, wire.RevokeID("c1-"))
}
