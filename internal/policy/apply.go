package policy

import (
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// apply fills the result from the rule that applies, and refuses what the rule does not
// allow.
func (e *evaluation) apply(rule *rule) {
	e.result.Approval = rule.approval
	a := &e.result.Approval
	a.Hash, a.Rule = e.policy.hash, rule.name
	a.EscalateTo = slices.DeleteFunc(slices.Clone(a.EscalateTo), func(person string) bool {
		return slices.Contains(e.ineligible(), person)
	})
	if op := e.facts.op; op != opGrant && op != opExtend {
		a.MaxDuration = 0
	}
	if !grants(e.facts.op) && e.facts.op != opRotateToken {
		a.ValidFor = 0
	}
	if !slices.Contains(asked, e.facts.op) {
		a.DecideWithin, a.RemindEvery, a.EscalateAfter, a.EscalateTo = 0, 0, 0, nil
	}
	e.checkDuration(rule)
	e.checkLevelChange(rule)
	e.applyLastRole(rule)
	switch {
	case rule.auto && e.in.BreakGlass:
		e.explain("break-glass is not needed: rule %q requires no approval", rule.name)
	case e.in.BreakGlass:
		e.applyBreakGlass(rule)
	case !rule.auto:
		e.requireApprovals(rule)
	}
}

func (e *evaluation) checkDuration(rule *rule) {
	longest, before := rule.approval.MaxDuration, len(e.refusals)
	switch {
	case e.facts.op != opGrant && e.facts.op != opExtend: // a rule for new accounts allows their permanent role
	case e.facts.permanent && !rule.permanent:
		e.refuse("rule %q allows no permanent grant: request a duration of at most %s", rule.name, longest)
	case !e.facts.permanent && e.in.Duration > longest:
		e.refuse("rule %q allows at most %s, but the request is for %s", rule.name, longest, e.in.Duration)
	}
	e.tooLong = e.refusals[before:]
}

func (e *evaluation) checkLevelChange(rule *rule) {
	e.result.Rules.AllowLevelChange = rule.levelChange == levelAllow ||
		rule.levelChange == levelAsk && e.in.AllowLevelChange
	if !e.in.LevelChange || e.result.Rules.AllowLevelChange {
		return
	}
	if rule.levelChange == levelForbid {
		e.refuse("rule %q forbids moving a principal to another level: its roles are at %s level, "+
			"and a role at %s level would remove them", rule.name, e.in.Before.Level, e.in.Scope.Level)
		return
	}
	e.refuse("it would move the principal from %s to %s level and remove %s: "+
		"to allow that, request it again with allowLevelChange", e.in.Before.Level, e.in.Scope.Level,
		describe.Plural(e.in.Before.Len(), "role"))
}

// applyLastRole sets the rule for the principal's last role. It refuses the request if
// the console does not have the role to downgrade to: otherwise this would be found only
// when the grant ends, when nobody can choose another role.
func (e *evaluation) applyLastRole(rule *rule) {
	e.result.Rules.LastRole = rule.lastRole
	if rule.downgrade == nil {
		return
	}
	holding := *rule.downgrade
	e.result.Rules.Downgrade = &holding
	if _, known := e.in.RoleNames[holding.RoleID]; !known && len(e.in.RoleNames) > 0 {
		e.refuse("lastRole of rule %q names role %s, which the console does not have: correct the policy",
			rule.name, holding.RoleID)
	}
}

// ineligible returns who may not approve this request: the requester and the recipient.
func (e *evaluation) ineligible() []string {
	out := []string{e.facts.requester}
	for _, name := range e.in.Principal.Names() {
		if name = access.Fold(name); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// requireApprovals sets the steps, without ineligible people. It refuses the request if
// too few people are left.
func (e *evaluation) requireApprovals(rule *rule) {
	a := &e.result.Approval
	a.Steps = make([]access.ApprovalStep, len(rule.approval.Steps))
	for i, s := range rule.approval.Steps {
		a.Steps[i] = e.eligibleStep(s)
	}
	short, ok := satisfiable(a.Steps)
	switch i := short.step; {
	case ok:
	case i != allSteps:
		e.refuse("not enough eligible approvers: step %d of rule %q needs %d of %s, which without %s %s",
			i+1, rule.name, a.Steps[i].Need, describe.Or(a.Steps[i].Groups),
			describe.Or(e.excluded(rule.approval.Steps[i])),
			haveMembers(len(a.Steps[i].Groups), short.available))
	default:
		e.refuse("not enough eligible approvers: the steps of rule %q need %d different people, "+
			"but their groups have only %d without %s",
			rule.name, totalNeed(a.Steps), short.available, describe.Or(e.excluded(rule.approval.Steps...)))
	}
}

// eligibleStep is the step without ineligible people, and explains who they are.
func (e *evaluation) eligibleStep(s access.ApprovalStep) access.ApprovalStep {
	for _, person := range e.excluded(s) {
		role := "recipient"
		if person == e.facts.requester {
			role = "requester"
		}
		e.explain("%s is in %s but not eligible as the %s", person, describe.Or(s.Groups), role)
	}
	return withoutPeople(s, e.ineligible()...)
}

// excluded returns the people of the steps who are ineligible.
func (e *evaluation) excluded(steps ...access.ApprovalStep) []string {
	var out []string
	for _, person := range e.ineligible() {
		if slices.ContainsFunc(steps, func(s access.ApprovalStep) bool { return slices.Contains(s.People, person) }) {
			out = append(out, person)
		}
	}
	return out
}

// applyBreakGlass lets the request start before it is approved, if the rule allows that.
func (e *evaluation) applyBreakGlass(rule *rule) {
	if rule.breakGlass == nil {
		e.refuse("rule %q allows no break-glass: request it without break-glass", rule.name)
		return
	}
	truth, err := e.eval(rule.breakGlass.when, e.facts.op)
	switch {
	case err != nil:
		e.refuse("the break-glass condition of rule %q cannot be evaluated for this request: %v", rule.name, err)
		return
	case !truth:
		e.refuse("rule %q allows break-glass only when %s: request it without break-glass",
			rule.name, rule.breakGlass.when)
		return
	}
	review := rule.breakGlass.review
	review.ApprovalStep = e.eligibleStep(review.ApprovalStep)
	if short, ok := satisfiable([]access.ApprovalStep{review.ApprovalStep}); !ok {
		e.refuse("not enough eligible reviewers: rule %q needs %d of %s, which without %s %s",
			rule.name, review.Need, describe.Or(review.Groups),
			describe.Or(e.excluded(rule.breakGlass.review.ApprovalStep)),
			haveMembers(len(review.Groups), short.available))
		return
	}
	a := &e.result.Approval
	a.Required, a.Steps, a.Review = false, nil, &review
	a.DecideWithin, a.EscalateAfter, a.EscalateTo, a.ValidFor = 0, 0, nil, 0
}
