package requestclient

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

const carol = "carol@example.com"

func clock() time.Time { return time.Date(2026, 3, 3, 14, 5, 0, 250, time.UTC) }

// updateRecorder is a service that records updates and rejects them.
type updateRecorder struct {
	client.Client

	got []client.UpdateWorkflowOptions
}

var errRejected = errors.New("rejected")

func (c *updateRecorder) UpdateWorkflow(
	_ context.Context, o client.UpdateWorkflowOptions,
) (client.WorkflowUpdateHandle, error) {
	c.got = append(c.got, o)
	return nil, errRejected
}

func clientOf(c client.Client) Client {
	return Client{Temporal: &temporalclient.Connection{Client: c}}
}

func pendingStatus() wire.RequestStatus {
	plan := access.Plan{Op: access.OpGrant, Console: "acmeco.example.net"}.Seal()
	return wire.RequestStatus{
		State: wire.StateAwaitingApproval, Request: "grant/INC-42", Run: "r1", Plan: &plan,
	}
}

func statement() signing.Statement {
	return signing.Statement{
		Kind: signing.KindApprove, Request: "grant/INC-42", Run: "run-1", PlanHash: strings.Repeat("a", 64), By: carol,
	}
}
