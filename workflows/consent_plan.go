package workflows

import (
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// otherPlan says why a decision does not count that was made on another plan than the
// pending one: in names the plan that the person has seen, seen is the hash that was
// pending when the decision arrived. People who name no plan, as users of the temporal CLI,
// decide on the one that was pending then.
func (c *consent) otherPlan(in wire.DecisionInput, seen string) string {
	if seen != "" && seen != c.planHash() {
		return "the request has a new plan meanwhile: look at it, then decide"
	}
	if in.PlanHash == "" || in.PlanHash == c.planHash() {
		return ""
	}
	return "the plan has changed since it was shown: look at it again, and decide on that"
}

// anotherRound makes the next plan a new one, which follows the policy of the plan before.
func (c *consent) anotherRound() {
	c.asked.Round++
	c.asked.Policy, c.asked.Decisions = c.plan.Approval.Hash, c.all
}

// forget drops the decisions: they were about a plan that has been replaced.
func (c *consent) forget() { c.steps, c.step, c.decisions, c.verdict = nil, 0, nil, "" }

// duties are the rules of separation of duties that an approval is checked against.
func (c *consent) duties(action string) *wire.SoDCheck {
	if action != actionApprove || c.plan == nil {
		return nil
	}
	return sodCheck(*c.plan)
}

// sodCheck is what an approval of the plan is checked against; nil where no rule of
// separation of duties applies.
func sodCheck(plan access.Plan) *wire.SoDCheck {
	if len(plan.Rules.Separate) == 0 {
		return nil
	}
	return &wire.SoDCheck{
		Principal: plan.Principal,
		Change:    access.Change{Op: plan.Op, Lease: access.Lease{Holding: plan.Holding()}, Rules: plan.Rules},
	}
}
