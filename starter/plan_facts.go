package main

import (
	"context"

	"sentinelone-provisioner/internal/access"
)

// planFacts show a plan to people: before, after, what is lost, whose consent it needs.
func (p *program) planFacts(ctx context.Context, plan access.Plan) [][]string {
	n := newNaming(p.directory(ctx), &plan)
	facts := [][]string{{"what", what(plan)}}
	facts = append(facts, planDetails(n, plan)...)
	if plan.Refusal == "" {
		facts = append(facts, []string{"result", expectedText(plan.Expected)})
	}
	return append(facts, []string{"plan", plan.Hash})
}

func planDetails(n naming, plan access.Plan) [][]string {
	facts := list("before", n.holdings(plan.Before))
	facts = append(facts, list("after", n.holdings(plan.After))...)
	facts = append(facts, list("loses", n.lost(plan))...)
	facts = append(facts, list("note", plan.Notes)...)
	if plan.Terms.BreakGlass {
		facts = append(facts, []string{"break-glass", "asked for: it starts at once"})
	}
	if plan.Approval.Policy != "" {
		facts = append(facts, []string{"approval", plan.Approval.Policy})
	}
	if plan.Refusal != "" {
		facts = append(facts, []string{"refusal", plan.Refusal})
	}
	return facts
}

// list is one line per value, the first with the name.
func list(name string, values []string) [][]string {
	var out [][]string
	for _, v := range values {
		out = append(out, []string{name, v})
		name = ""
	}
	return out
}

// lost lists what a plan takes away beside what it is for.
func (n naming) lost(plan access.Plan) []string {
	gone := access.Holdings{Level: plan.Before.Level}
	for _, held := range plan.Before.Held {
		h := access.Holding{Level: plan.Before.Level, RoleID: held.RoleID, ScopeID: held.ScopeID}
		if !plan.After.Holds(h) && (h != plan.Holding() || plan.Op != access.OpRevoke) {
			gone.Held = append(gone.Held, held)
		}
	}
	if len(gone.Held) == 0 {
		return nil
	}
	return n.holdings(gone)
}
