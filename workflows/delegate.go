package workflows

// Delegate hands a person's decisions to another for a time, on requests that are open
// and on those to come. People start it with `starter delegate` or the temporal CLI. It ends when that is recorded;
// what it says then holds, or is taken back by another. Its id is delegate/<id> by
// custom. Versioning: pinned.

import (
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
)

// DelegationInput is the input of [Delegate]: it hands By's decisions to To, on requests
// that are open and on those to come.
type DelegationInput struct {
	By string `json:"by"`
	To string `json:"to"`
	// Until is its end, Duration how long it holds from now on; one of them. An end that is
	// past takes back what was handed to that person before.
	Until     time.Time       `json:"until,omitzero"`
	Duration  access.Duration `json:"duration,omitzero"`
	Comment   string          `json:"comment,omitempty"`
	Signature string          `json:"signature,omitempty"`
	// SignedAt is when it was signed; part of what is signed.
	SignedAt time.Time `json:"signedAt,omitzero"`
	// Console must be the one the worker serves, if given.
	Console string `json:"console,omitempty"`
}

// UnmarshalJSON refuses fields it does not know.
func (in *DelegationInput) UnmarshalJSON(data []byte) error {
	type plain DelegationInput
	return strict(data, (*plain)(in))
}

// Delegation is what is asked for at that time; its end is not worked out yet.
func (in DelegationInput) Delegation(now time.Time) access.Delegation {
	return access.Delegation{
		By: strings.TrimSpace(in.By), To: strings.TrimSpace(in.To), At: now.UTC(),
		Until: in.Until, Duration: in.Duration, Comment: in.Comment, Console: in.Console,
		Signature: in.Signature, SignedAt: in.SignedAt,
	}
}

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
