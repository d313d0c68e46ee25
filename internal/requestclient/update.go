package requestclient

import (
	"context"

	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/temporalclient"
)

// Update is an update of a running request, as in wire.EndUpdate.
type Update struct {
	Typed   string   // the id as the person typed it
	IDs     []string // workflow ids that it may mean, the likeliest first
	Name    string
	Payload any
}

// Update sends an update to the first of the requests that runs, waits until it is carried
// out, for as long as that takes, and returns the workflow id of that request. If none
// runs, it fails with a [*requestrecord.EndedError], or with a
// [*requestrecord.NotFoundError] that names [Update.Typed]. A rejected update fails with the
// request's own message.
func (c Client) Update(ctx context.Context, u Update, answer any) (id string, err error) {
	for _, id := range u.IDs {
		handle, err := c.Temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: id, UpdateName: u.Name, WaitForStage: client.WorkflowUpdateStageCompleted,
			Args: []any{u.Payload},
		})
		if err == nil {
			err = handle.Get(ctx, answer)
		}
		if temporalclient.IsNotFound(err) {
			continue
		}
		if err != nil {
			return id, temporalclient.Cause("request", c.Temporal.Explain(err))
		}
		return id, nil
	}
	r := c.Record(ctx, u.IDs...)
	if !r.Known() {
		return "", r.NotFound(u.Typed)
	}
	return "", &requestrecord.EndedError{Record: r}
}
