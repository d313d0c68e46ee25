package workflows

// Freeze stops all giving of access on a console at once, or has it go on. What ends access goes
// on meanwhile. People start it with `starter freeze` and `starter unfreeze`, or the temporal
// CLI. It ends when the message is recorded: the activities that write read it from the ledger.
// Its id is freeze/<id> by custom. Versioning: pinned.

import (
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

// Freeze is the workflow of type [wire.FreezeType].
func Freeze(ctx workflow.Context, in wire.FreezeInput) (wire.FreezeResult, error) {
	if err := checkInput(ctx, in, in.Validate()); err != nil {
		return wire.FreezeResult{}, err
	}
	status := wire.FreezeStatus{State: wire.StateRecording, Freeze: in.Freeze()}
	err := workflow.SetQueryHandler(ctx, wire.StatusQuery, func() (wire.FreezeStatus, error) { return status, nil })
	if err != nil {
		return wire.FreezeResult{}, err
	}
	info := workflow.GetInfo(ctx)
	out, err := call[wire.FreezeResult](shortCall(ctx, "record"), wire.FreezeActivity, wire.FreezeActivityInput{
		Request: wire.RequestInfo{
			ID: info.WorkflowExecution.ID, Run: info.OriginalRunID, StartedAt: info.WorkflowStartTime.UTC(),
		},
		Freeze: status.Freeze,
	})
	if err != nil {
		return wire.FreezeResult{}, err
	}
	status.State, status.Freeze, status.Giving, status.Message = out.State(), out.Freeze, &out.Giving, out.Refusal
	if out.Refusal != "" {
		return wire.FreezeResult{}, refused(out.Refusal)
	}
	return out, nil
}
