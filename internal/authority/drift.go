package authority

import (
	"context"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
)

// Asks says whether a plan is one of the revoke that the drift rule on record has the system request: also one that
// was refused, by whatever policy.
func Asks(d *ledger.Drift, p access.Plan) bool {
	return d != nil && d.Action == string(policy.DriftRevert) && p.Op == access.OpRevoke && p.Account == nil &&
		p.Principal.Kind == d.Principal.Kind && p.Principal.ID == d.Principal.ID && len(p.Holdings()) == 1 &&
		p.Holding() == d.Holding && p.Terms.Requester == policy.SystemRequester
}

// Reverts says whether a plan does what the drift rule on record has the system do, and nothing else: one role is
// revoked at one scope, by the policy that the entry names. Such a request is nobody's: it needs no signature, and
// whoever starts it, it can do no more.
func Reverts(d *ledger.Drift, p access.Plan) bool {
	return Asks(d, p) && p.Approval.Hash == d.Policy
}

// reverts judges the revoke by which a drift rule reverts: the policy of that hash must have the rule, and ask for no
// more approvals than the plan. It only removes: the role that nobody has granted.
func (j Judge) reverts(ctx context.Context, r Record, c Change) (Verdict, error) {
	d, plan := r.Drift, r.Plan.Plan
	if !Reverts(d, plan) || !Reverts(d, r.First.Plan) {
		return forbid(OtherChange, "%s is to revert other drift than the ledger says", r.Run.Request), nil
	}
	p, err := j.Policy(ctx, d.Policy)
	switch {
	case errors.Is(err, ErrNoPolicy):
		return forbid(PolicyMissing, "the policy that has %s revert drift (%.12s) cannot be had any more: %v",
			r.Run.Request, d.Policy, err), nil
	case err != nil:
		return Verdict{}, fmt.Errorf("cannot read the policy of %s: %w", r.Run.Request, err)
	}
	in, _ := policy.InputFromLedger(r.Plan.Request, r.Plan.At)
	again := p.Revert(d.Rule, in)
	switch {
	case again.Refusal != "":
		return forbid(PolicyForbids, "%s", again.Refusal), nil
	case policy.AsksMore(again.Approval, plan.Approval) != "":
		return forbid(PolicyForbids, "the drift rule %q asks for more than the plan of %s: %s", d.Rule, r.Run.Request,
			policy.AsksMore(again.Approval, plan.Approval)), nil
	case again.Rules.LastRole != plan.Rules.LastRole && c.Step.LastRole != "":
		return forbid(PolicyForbids, "the drift rule %q treats the last role otherwise than the plan of %s", d.Rule,
			r.Run.Request), nil
	}
	if j.Granted == nil {
		return covered, nil
	}
	by, err := j.Granted(ctx, c.Principal, d.Holding)
	if err == nil && by != "" {
		return forbid(NotOnRecord, "%s has granted this role: it is no drift any more", by), nil
	}
	if err != nil || j.Drifting == nil || !c.Step.Writes() {
		return covered, err
	}
	drifting, err := j.Drifting(ctx, *d)
	if err == nil && !drifting {
		return forbid(NotOnRecord, "the drift that %s reverts has gone, or was adopted, since: what is there now is "+
			"another matter", r.Run.Request), nil
	}
	return covered, err
}
