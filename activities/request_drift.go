package activities

import (
	"context"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/wire"
)

// driftOf is the drift rule that has the system make a request, as the ledger has it; nil for a request by a person.
func (r *Request) driftOf(ctx context.Context, in wire.PlanInput) (*ledger.Drift, error) {
	if !strings.HasPrefix(in.Request.ID, driftRevoke("")) {
		return nil, nil
	}
	entries, err := r.store.LedgerOf(ctx, r.console.Console(), in.Request.ID)
	if err != nil {
		return nil, err
	}
	if entries, err = genuine(ctx, r.store, entries, false); err != nil {
		return nil, err
	}
	record, err := authority.RecordOf(entries, runOf(in.Request))
	return record.Drift, err
}

// driftRevoke is the workflow id of the revoke that reverts an occurrence of drift.
func driftRevoke(occurrence string) string {
	const enough = 32 // digits
	return wire.RevokeID("drift-" + occurrence[:min(len(occurrence), enough)])
}

// evaluateRevert records in a plan what the drift rule asks for, by the policy that the ledger names.
func evaluateRevert(plan access.Plan, found *resolved, in policy.Input) access.Plan {
	drift := found.drift
	answer := found.policy.Revert(drift.Rule, in)
	plan.Approval, plan.Rules, plan.Refusal = answer.Approval, answer.Rules, answer.Refusal
	if plan.Refusal == "" && !authority.Reverts(drift, plan) {
		plan.Refusal = "the ledger has the system revert other drift under this id: request the revoke under another id"
	}
	return plan
}
