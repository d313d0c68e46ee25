package policy

import (
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// together checks what the keys of a rule say of each other.
func (r *reader) together(in *reading) {
	deny, auto, asks := in.given["deny"] != nil, in.given["autoApprove"] != nil, in.given["approvals"] != nil
	switch n := countTrue(deny, auto, asks); {
	case n == 0:
		r.fault(in.node, "rule %q decides nothing: give it deny, autoApprove or approvals", in.name)
	case n > 1:
		r.fault(in.node, "rule %q has more than one of deny, autoApprove and approvals: keep one", in.name)
	case deny:
		r.without(in, "a rule that denies", "maxDuration", "permanent", "decideWithin", "remindEvery",
			"escalateAfter", "escalateTo", "lastRole", "levelChange", "breakGlass")
	case auto:
		if !in.auto {
			r.fault(in.given["autoApprove"], "autoApprove is false in rule %q: say whose approvals it needs instead",
				in.name)
		}
		r.without(in, "a rule that asks nobody",
			"decideWithin", "remindEvery", "escalateAfter", "escalateTo", "breakGlass")
	default:
		r.times(in)
	}
	if !slices.Contains(in.ops, opGrant) {
		r.without(in, "a rule about revokes alone", "maxDuration", "permanent", "levelChange", "breakGlass")
	}
}

// without refuses keys that would have no effect.
func (r *reader) without(in *reading, what string, keys ...string) {
	for _, key := range keys {
		if n := in.given[key]; n != nil {
			r.fault(n, "%s has no effect in %s: leave it out of rule %q", key, what, in.name)
		}
	}
}

// times checks the times of a rule that asks people.
func (r *reader) times(in *reading) {
	a := &in.approval
	a.Required = true
	if in.given["decideWithin"] == nil {
		a.DecideWithin = defaultDecideWithin
	}
	if a.DecideWithin > 0 && a.RemindEvery > a.DecideWithin {
		r.fault(in.given["remindEvery"],
			"remindEvery is %s, but rule %q is decided within %s: nobody would be reminded",
			a.RemindEvery, in.name, a.DecideWithin)
	}
	if a.DecideWithin > 0 && a.EscalateAfter >= a.DecideWithin {
		r.fault(in.given["escalateAfter"],
			"escalateAfter is %s, but rule %q is decided within %s: it would be too late",
			a.EscalateAfter, in.name, a.DecideWithin)
	}
	switch after, to := in.given["escalateAfter"], in.given["escalateTo"]; {
	case after != nil && to == nil:
		r.fault(after, "escalateAfter in rule %q does not say to whom: add escalateTo", in.name)
	case after == nil && to != nil:
		r.fault(to, "escalateTo in rule %q does not say when: add escalateAfter", in.name)
	}
}

// satisfiable refuses a rule that nobody could ever satisfy. That the requester is one
// of too few is said when the request is made.
func (r *reader) satisfiable(p *Policy, in *reading) {
	for _, g := range p.groups {
		if len(g) == 0 { // said already
			return
		}
	}
	steps := in.approval.Steps
	if node := in.given["approvals"]; node != nil {
		if i, most, ok := enough(steps); !ok && i >= 0 {
			r.fault(target(node.Content[i]), "rule %q can be satisfied by nobody: "+
				"step %d needs %d different people of %s, which %s",
				in.name, i+1, steps[i].Need, describe.Or(steps[i].Groups), have(len(steps[i].Groups), most))
		} else if !ok {
			r.fault(node, "rule %q can be satisfied by nobody: its steps need %d different people, "+
				"since each decides once, and their groups have %s for them",
				in.name, needed(steps), describe.Plural(most, "member"))
		}
	}
	if in.glass == nil {
		return
	}
	review := in.glass.review.ApprovalStep
	if _, most, ok := enough([]access.ApprovalStep{review}); !ok {
		r.fault(in.given["breakGlass"], "breakGlass of rule %q can be reviewed by nobody: "+
			"it needs %d different people of %s, which %s",
			in.name, review.Need, describe.Or(review.Groups), have(len(review.Groups), most))
	}
}

func have(groups, members int) string {
	if groups == 1 {
		return "has " + describe.Plural(members, "member")
	}
	return "have " + describe.Plural(members, "different member")
}

func needed(steps []access.ApprovalStep) int {
	n := 0
	for _, s := range steps {
		n += s.Need
	}
	return n
}

func countTrue(values ...bool) int {
	n := 0
	for _, v := range values {
		if v {
			n++
		}
	}
	return n
}
