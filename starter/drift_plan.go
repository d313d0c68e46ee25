package main

import (
	"cmp"
	"fmt"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/driftrules"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/store"
)

// plannedDrift is a row with what the policy's drift rules have the worker do about it.
type plannedDrift struct {
	store.DriftRow

	Plan *driftrules.Planned `json:"plan,omitempty"` // nil without --plan
}

// driftPlanner plans rows by a policy; without one, it leaves them as they are.
type driftPlanner struct {
	*driftCommand

	policy *policy.Policy // nil: nothing is planned
}

// planner reads the policy where --plan is given.
func (c *driftCommand) planner() (driftPlanner, error) {
	if !c.plan {
		return driftPlanner{driftCommand: c}, nil
	}
	_, p, err := c.policyOf(nil)
	return driftPlanner{driftCommand: c, policy: p}, err
}

func (p driftPlanner) of(r store.DriftRow) plannedDrift {
	out := plannedDrift{DriftRow: r}
	if p.policy != nil {
		out.Plan = new(driftrules.Plan(p.policy, r, p.now().UTC()))
	}
	return out
}

// cell is what would be done, in words: "revert at 2026-03-10 12:00, rule "rest": no approval required".
func (p driftPlanner) cell(r store.DriftRow) string {
	plan := p.of(r).Plan
	switch {
	case plan == nil:
		return ""
	case plan.At.IsZero():
		if why := cmp.Or(plan.Why, plan.Rule); why != "" {
			return fmt.Sprintf("%s (%s)", plan.Action, why)
		}
		return string(plan.Action)
	}
	out := string(plan.Action)
	if plan.Due(p.now()) {
		out += " now"
	} else {
		out += " at " + describe.Minute(plan.At)
	}
	if plan.Rule != "" {
		out += fmt.Sprintf(", rule %q", plan.Rule)
	}
	if plan.Approval != "" {
		out += ": " + plan.Approval
	}
	return out
}
