package policy

import (
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// apply carries out the rule that decides.
func (d *deciding) apply(rule *rule) {
	d.answer.Approval = rule.approval
	a := &d.answer.Approval
	a.Hash, a.Rule = d.policy.hash, rule.name
	a.EscalateTo = slices.DeleteFunc(slices.Clone(a.EscalateTo), func(p string) bool {
		return slices.Contains(d.barred(), p)
	})
	if d.facts.op == opRevoke {
		a.MaxDuration = 0
	}
	d.length(rule)
	d.level(rule)
	d.last(rule)
	switch {
	case rule.auto && d.q.BreakGlass:
		d.explain("break-glass is not needed: rule %q asks nobody", rule.name)
	case d.q.BreakGlass:
		d.breakGlass(rule)
	case !rule.auto:
		d.steps(rule)
	}
}

// length refuses what is wanted for too long.
func (d *deciding) length(rule *rule) {
	most := rule.approval.MaxDuration
	switch {
	case d.facts.op == opRevoke:
	case d.facts.permanent && !rule.permanent:
		d.refuse("rule %q allows no permanent grant: ask for a duration of at most %s", rule.name, most)
	case !d.facts.permanent && d.q.Duration > most:
		d.refuse("rule %q allows at most %s, and %s is asked for", rule.name, most, d.q.Duration)
	}
}

// level says whether the principal may be moved to another level.
func (d *deciding) level(rule *rule) {
	d.answer.Rules.AllowLevelChange = rule.levelChange == levelAllow ||
		rule.levelChange == levelAsk && d.q.AllowLevelChange
	if !d.q.LevelChange || d.answer.Rules.AllowLevelChange {
		return
	}
	if rule.levelChange == levelForbid {
		d.refuse("rule %q forbids moving a principal to another level: it holds its roles at %s level, "+
			"and a role at %s level would take them away", rule.name, d.q.Before.Level, d.q.Scope.Level)
		return
	}
	d.refuse("it would move the principal from %s to %s level, which takes away the %s it holds: "+
		"ask again with allowLevelChange if that is meant", d.q.Before.Level, d.q.Scope.Level,
		describe.Plural(len(d.q.Before.Held), "role"))
}

// last takes over the rule for the last role. A role the console does not know would
// be noticed only when a grant ends, too late for anyone to choose another.
func (d *deciding) last(rule *rule) {
	d.answer.Rules.LastRole = rule.lastRole
	if rule.downgrade == nil {
		return
	}
	holding := *rule.downgrade
	d.answer.Rules.Downgrade = &holding
	if _, known := d.q.RoleNames[holding.RoleID]; !known && len(d.q.RoleNames) > 0 {
		d.refuse("lastRole of rule %q names role %s, which the console does not have: correct the policy",
			rule.name, holding.RoleID)
	}
}

// barred are the people who have no say in this request: who asks for it, and who would
// get the role.
func (d *deciding) barred() []string {
	out := []string{d.facts.requester}
	if mail := d.facts.principal.Email; mail != "" && mail != d.facts.requester {
		out = append(out, mail)
	}
	return out
}

// steps asks for the approvals, of whoever is left.
func (d *deciding) steps(rule *rule) {
	a := &d.answer.Approval
	a.Steps = make([]access.ApprovalStep, len(rule.approval.Steps))
	for i, s := range rule.approval.Steps {
		a.Steps[i] = d.left(s)
	}
	switch i, most, ok := enough(a.Steps); {
	case ok:
	case i >= 0:
		d.refuse("not enough people are left to approve it: step %d of rule %q needs %d of %s, which without %s %s",
			i+1, rule.name, a.Steps[i].Need, describe.Or(a.Steps[i].Groups), describe.Or(d.out(rule.approval.Steps[i])),
			have(len(a.Steps[i].Groups), most))
	default:
		d.refuse("not enough people are left to approve it: the steps of rule %q need %d different people, "+
			"and without %s their groups have %d for them",
			rule.name, needed(a.Steps), describe.Or(d.out(rule.approval.Steps...)), most)
	}
}

func (d *deciding) left(s access.ApprovalStep) access.ApprovalStep {
	for _, who := range d.out(s) {
		d.explain("%s is in %s and has no say: %s", who, describe.Or(s.Groups), d.role(who))
	}
	return without(s, d.barred()...)
}

func (d *deciding) role(who string) string {
	if who == d.facts.requester {
		return "the requester"
	}
	return "would get the role"
}

// out lists who of the steps' people has no say.
func (d *deciding) out(steps ...access.ApprovalStep) []string {
	var out []string
	for _, who := range d.barred() {
		for _, s := range steps {
			if slices.Contains(s.People, who) && !slices.Contains(out, who) {
				out = append(out, who)
			}
		}
	}
	return out
}

// breakGlass lets the request start at once, if the rule does.
func (d *deciding) breakGlass(rule *rule) {
	if rule.glass == nil {
		d.refuse("rule %q allows no break-glass: ask without it", rule.name)
		return
	}
	truth, err := rule.glass.when.holds(d.vars)
	switch {
	case err != nil:
		d.refuse("the condition for break-glass of rule %q cannot be evaluated for this request: %v", rule.name, err)
		return
	case !truth:
		d.refuse("rule %q allows break-glass only when %s: ask without it", rule.name, rule.glass.when)
		return
	}
	review := rule.glass.review
	review.ApprovalStep = d.left(review.ApprovalStep)
	if _, most, ok := enough([]access.ApprovalStep{review.ApprovalStep}); !ok {
		d.refuse("not enough people are left to review it: rule %q needs %d of %s, which without %s %s",
			rule.name, review.Need, describe.Or(review.Groups), describe.Or(d.out(rule.glass.review.ApprovalStep)),
			have(len(review.Groups), most))
		return
	}
	a := &d.answer.Approval
	a.Required, a.Steps, a.Review = false, nil, &review
	a.DecideWithin, a.EscalateAfter, a.EscalateTo = 0, 0, nil
}
