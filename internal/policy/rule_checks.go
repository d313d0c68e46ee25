package policy

import (
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// checkOutcome checks that a rule has exactly one outcome (deny, autoApprove or
// approvals), and only keys that have an effect with it.
func (p *parser) checkOutcome(draft *ruleDraft) {
	outcomes := 0
	for _, key := range []string{"deny", "autoApprove", "approvals"} {
		if draft.nodes[key] != nil {
			outcomes++
		}
	}
	switch {
	case outcomes == 0:
		p.fault(draft.node, "rule %q decides nothing: add deny, autoApprove or approvals", draft.name)
	case outcomes > 1:
		p.fault(draft.node, "rule %q has more than one of deny, autoApprove and approvals: keep one", draft.name)
	case draft.nodes["deny"] != nil:
		p.rejectKeys(draft, "a rule that denies", "maxDuration", "permanent", "approvalValidFor", "decideWithin",
			"remindEvery", "escalateAfter", "escalateTo", "lastRole", "levelChange", "breakGlass")
	case draft.nodes["autoApprove"] != nil:
		if !draft.auto {
			p.fault(draft.nodes["autoApprove"], "autoApprove is false in rule %q: replace it by approvals", draft.name)
		}
		p.rejectKeys(draft, "a rule with autoApprove",
			"approvalValidFor", "decideWithin", "remindEvery", "escalateAfter", "escalateTo", "breakGlass")
	default:
		p.checkTimes(draft)
	}
	if draft.nodes["deny"] == nil { // which rejects them all
		p.checkKinds(draft)
	}
}

// rejectKeys rejects keys that would have no effect.
func (p *parser) rejectKeys(draft *ruleDraft, where string, keys ...string) {
	for _, key := range keys {
		if n := draft.nodes[key]; n != nil {
			p.fault(n, "%s has no effect in %s: remove it from rule %q", key, where, draft.name)
			delete(draft.nodes, key) // one fault is enough
		}
	}
}

// checkTimes checks the times of a rule that requires approvals, and sets the default.
func (p *parser) checkTimes(draft *ruleDraft) {
	a := &draft.approval
	a.Required = true
	if draft.nodes["decideWithin"] == nil && draft.asksPeople() {
		a.DecideWithin = defaultDecideWithin
	}
	if a.DecideWithin > 0 && a.RemindEvery > a.DecideWithin {
		p.fault(draft.nodes["remindEvery"],
			"remindEvery is %s, but requests of rule %q time out after %s: choose a shorter interval",
			a.RemindEvery, draft.name, a.DecideWithin)
	}
	if a.DecideWithin > 0 && a.EscalateAfter >= a.DecideWithin {
		p.fault(draft.nodes["escalateAfter"],
			"escalateAfter is %s, but requests of rule %q time out after %s: choose a shorter time",
			a.EscalateAfter, draft.name, a.DecideWithin)
	}
	switch after, to := draft.nodes["escalateAfter"], draft.nodes["escalateTo"]; {
	case after != nil && to == nil:
		p.fault(after, "escalateAfter in rule %q does not say to whom: add escalateTo", draft.name)
	case after == nil && to != nil:
		p.fault(to, "escalateTo in rule %q does not say when: add escalateAfter", draft.name)
	}
}

// checkSatisfiable rejects a rule whose groups have too few people. Whether enough are
// left without the requester is known only when a request is made.
func (p *parser) checkSatisfiable(draft *ruleDraft) {
	for _, members := range p.policy.groups {
		if len(members) == 0 { // an earlier fault says so
			return
		}
	}
	steps := draft.approval.Steps
	if node := draft.nodes["approvals"]; node != nil {
		short, ok := satisfiable(steps)
		switch i := short.step; {
		case ok:
		case i != allSteps:
			p.fault(resolveAlias(node.Content[i]), "rule %q can never be satisfied: "+
				"step %d needs %d different people of %s, which %s; add members or lower need",
				draft.name, i+1, steps[i].Need, describe.Or(steps[i].Groups),
				haveMembers(len(steps[i].Groups), short.available))
		default:
			p.fault(node, "rule %q can never be satisfied: its steps need %d different people, "+
				"because each decides once, but their groups have %s for them; add members or lower need",
				draft.name, totalNeed(steps), describe.Plural(short.available, "member"))
		}
	}
	if draft.breakGlass == nil {
		return
	}
	review := draft.breakGlass.review.ApprovalStep
	if short, ok := satisfiable([]access.ApprovalStep{review}); !ok {
		p.fault(draft.nodes["breakGlass"], "breakGlass of rule %q can never be reviewed: "+
			"it needs %d different people of %s, which %s; add members or lower need",
			draft.name, review.Need, describe.Or(review.Groups), haveMembers(len(review.Groups), short.available))
	}
}
