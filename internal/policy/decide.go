package policy

import (
	"fmt"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// Decide answers a question. Every rule that denies is looked at, and of those that
// allow the first that matches decides. A condition that fails on the question, or
// costs too much, refuses it: nothing is granted because a rule could not be read. An
// error means that the question itself is none.
func (p *Policy) Decide(q Question) (Answer, error) {
	if err := q.check(); err != nil {
		return Answer{}, fmt.Errorf("%s cannot decide: %w", p.name, err)
	}
	d := &deciding{policy: p, q: q, facts: p.facts(q)}
	d.vars = d.facts.values(p.groups)
	d.answer = Answer{
		Approval: access.Approval{Hash: p.hash}, Explanation: []string{},
		Rules: access.Rules{AllowLevelChange: q.AllowLevelChange, LastRole: access.LastRoleStop},
	}
	d.deny()
	if rule := d.match(); rule != nil {
		d.apply(rule)
	}
	d.separation()
	return d.conclude(), nil
}

// deciding is one question being answered.
type deciding struct {
	policy   *Policy
	q        Question
	facts    facts
	vars     map[string]any
	answer   Answer
	refusals []string
}

func (d *deciding) explain(format string, args ...any) {
	d.answer.Explanation = append(d.answer.Explanation, fmt.Sprintf(format, args...))
}

func (d *deciding) refuse(format string, args ...any) {
	d.refusals = append(d.refusals, fmt.Sprintf(format, args...))
}

// deny looks at every rule that denies.
func (d *deciding) deny() {
	for _, rule := range d.policy.rules {
		if rule.deny == "" {
			continue
		}
		if d.matches(rule) {
			d.refuse("rule %q denies it: %s", rule.name, rule.deny)
		}
	}
}

// match finds the rule that decides; nil for none.
func (d *deciding) match() *rule {
	for i, rule := range d.policy.rules {
		if rule.deny != "" || !d.matches(rule) {
			continue
		}
		for _, later := range d.policy.rules[i+1:] {
			if later.deny == "" && later.about(d.facts.op) {
				d.explain("%s comes later", later)
			}
		}
		return rule
	}
	if d.facts.op == opGrant {
		d.refuse("no rule of the policy allows it")
	}
	return nil
}

// matches evaluates a rule's condition. One that fails refuses the request and counts
// as no match.
func (d *deciding) matches(rule *rule) bool {
	if !rule.about(d.facts.op) {
		d.explain("%s is not about a %s", rule, d.facts.op)
		return false
	}
	truth, err := rule.when.holds(d.vars)
	switch {
	case err != nil:
		d.refuse("the condition of rule %q cannot be evaluated for this request: %v", rule.name, err)
		d.explain("%s fails: %v", rule, err)
	case truth:
		d.explain("%s matches: %s", rule, rule.when)
	default:
		d.explain("%s does not match: %s", rule, rule.when)
	}
	return err == nil && truth
}

// about says whether the rule is about that kind of request.
func (in *rule) about(op string) bool { return slices.Contains(in.ops, op) }

func (in *rule) notAbout(op string) bool { return !in.about(op) }

// String is how explanations call a rule.
func (in *rule) String() string { return fmt.Sprintf("rule %q (line %d)", in.name, in.line) }

// conclude puts the answer into words.
func (d *deciding) conclude() Answer {
	a := &d.answer
	a.Refusal = strings.Join(d.refusals, "; ")
	if a.Refusal != "" {
		a.Approval = access.Approval{Hash: a.Approval.Hash, Rule: a.Approval.Rule, Refusal: a.Refusal}
	}
	a.Approval.Policy = describe.Approval(a.Approval)
	a.Explanation = append(a.Explanation, a.Approval.Policy)
	return *a
}
