package workflows

// Delegate lets a delegate decide in the place of a delegator until a time, on requests
// that are open and on later ones. People start it with `starter delegate` or the temporal
// CLI. It ends when the delegation is recorded; another Delegate may withdraw it. Its id is
// delegate/<id> by custom. Versioning: pinned.

import (
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// Delegate is the workflow of type [wire.DelegateType].
func Delegate(ctx workflow.Context, in wire.DelegationInput) (access.Delegation, error) {
	info := workflow.GetInfo(ctx)
	d := in.Delegation(info.WorkflowStartTime) // not when a worker took it
	if err := checkInput(ctx, in, d.Validate()); err != nil {
		return access.Delegation{}, err
	}
	status := wire.DelegateStatus{State: wire.StateDelegating, Delegation: d.Timed()}
	err := workflow.SetQueryHandler(ctx, wire.StatusQuery, func() (wire.DelegateStatus, error) { return status, nil })
	if err != nil {
		return access.Delegation{}, err
	}
	out, err := call[wire.DelegateResult](shortCall(ctx, "record"), wire.DelegateActivity, wire.DelegateInput{
		Request: wire.RequestInfo{
			ID: info.WorkflowExecution.ID, Run: info.OriginalRunID, StartedAt: d.At,
		},
		Delegation: status.Delegation,
	})
	if err != nil {
		return access.Delegation{}, err
	}
	status.Delegation, status.State = out.Delegation, wire.StateDelegated
	if out.Refusal != "" {
		status.State, status.Message = wire.StateRefused, out.Refusal
		return access.Delegation{}, refused(out.Refusal)
	}
	return out.Delegation, nil
}
