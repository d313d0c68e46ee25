package main

import (
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// planFacts show a plan: its effect, holdings before and after, losses, the approval that it needs.
func (p *app) planFacts(ctx context.Context, plan access.Plan) [][]string {
	n := describe.NewNames(p.directory(ctx), &plan)
	facts := [][]string{{"what", describe.Plan(plan)}}
	facts = append(facts, planRows(n, plan)...)
	if plan.Refusal == "" {
		facts = append(facts, []string{"result", describe.Expected(plan.Expected)})
		facts = append(facts, list("", describe.Outcomes(n, plan, plan.Outcomes, describe.Expected))...)
	}
	return append(facts, []string{"plan", plan.Hash})
}

// planRows are the consequences of a plan as rows of a table.
func planRows(n describe.Names, plan access.Plan) [][]string {
	var rows [][]string
	for _, fact := range describe.Details(n, plan) {
		rows = append(rows, list(fact.Name, fact.Lines)...)
	}
	return rows
}

// scopeRows are the outcomes of each change at each scope, under the name of its operation; none
// for a request with one scope.
func scopeRows(n describe.Names, plan *access.Plan, proofs []access.Proof) [][]string {
	var rows [][]string
	for _, proof := range proofs {
		if plan != nil {
			lines := describe.Outcomes(n, *plan, proof.Scopes, describe.Outcome)
			rows = append(rows, list(describe.Operation(proof.Op), lines)...)
		}
	}
	return rows
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
