package workflows

// Delegate hands a person's decisions to another for a time, on requests that are open
// and on those to come, where no request is open that could take update delegate. People
// start it with `starter delegate` or the temporal CLI. It ends when that is recorded;
// what it says then holds, or is taken back by another. Its id is delegate/<id> by
// custom. Versioning: pinned.

import (
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
)

// States of a delegation.
const (
	StateDelegating = "delegating"
	StateDelegated  = "delegated"
)

// DelegateStatus answers [StatusQuery] on a delegation.
type DelegateStatus struct {
	State      string            `json:"state"` // delegating, delegated or refused
	Delegation access.Delegation `json:"delegation"`
	Message    string            `json:"message,omitempty"`
}

// Delegate is the workflow of type [DelegateType].
func Delegate(ctx workflow.Context, in DelegationInput) (access.Delegation, error) {
	info := workflow.GetInfo(ctx)
	d := in.Delegation(info.WorkflowStartTime) // however long no worker was there to take it
	if err := d.Validate(); err != nil {
		return access.Delegation{}, invalid(err)
	}
	status := DelegateStatus{State: StateDelegating, Delegation: d.Timed()}
	err := workflow.SetQueryHandler(ctx, StatusQuery, func() (DelegateStatus, error) { return status, nil })
	if err != nil {
		return access.Delegation{}, err
	}
	out, err := call[activities.DelegateResult](brief(ctx, "record"), activities.DelegateName, activities.DelegateInput{
		Request: activities.RequestInfo{
			ID: info.WorkflowExecution.ID, Run: info.OriginalRunID, StartedAt: d.At,
		},
		Delegation: status.Delegation,
	})
	if err != nil {
		return access.Delegation{}, err
	}
	status.Delegation, status.State = out.Delegation, StateDelegated
	if out.Refusal != "" {
		status.State, status.Message = StateRefused, out.Refusal
		return access.Delegation{}, refused(out.Refusal)
	}
	return out.Delegation, nil
}
