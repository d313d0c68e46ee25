package policy

import (
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// Evaluate decides about one request. It evaluates every rule that denies; of the rules
// that allow, the first that matches applies. A condition that fails, or exceeds the cost
// limit, refuses the request, so that no request is granted because a rule could not be
// evaluated. Evaluate returns an error only if the input is invalid.
func (p *Policy) Evaluate(in Input) (Result, error) {
	e, err := p.evaluate(in, false)
	if err != nil {
		return Result{}, err
	}
	return e.result, nil
}

// evaluate is [Policy.Evaluate], or [Policy.DecideAgain] if again.
func (p *Policy) evaluate(in Input, again bool) (*evaluation, error) {
	if len(in.Scopes) > 1 {
		return p.evaluateEach(in, again)
	}
	if err := in.check(); err != nil {
		return nil, fmt.Errorf("%s cannot evaluate the request: %w", p.name, err)
	}
	e := &evaluation{policy: p, in: in, facts: p.facts(in), again: again}
	e.vars = map[string]map[string]any{}
	e.result = Result{
		Approval: access.Approval{Hash: p.hash}, Explanation: []string{},
		Rules: access.Rules{AllowLevelChange: in.AllowLevelChange, LastRole: access.LastRoleStop},
	}
	e.evaluateDenies()
	if rule := e.firstMatch(); rule != nil {
		e.apply(rule)
	} else {
		e.noRule()
	}
	e.checkSeparation()
	e.conclude()
	return e, nil
}

// evaluation is the state of one call of [Policy.Evaluate].
type evaluation struct {
	policy   *Policy
	in       Input
	facts    facts
	again    bool                      // the request was decided before: see [Policy.DecideAgain]
	vars     map[string]map[string]any // facts as CEL takes them, by the kind of request
	result   Result
	refusals []string
	tooLong  []string // refusals that a shorter request would not get
}

func (e *evaluation) explain(format string, args ...any) {
	e.result.Explanation = append(e.result.Explanation, fmt.Sprintf(format, args...))
}

func (e *evaluation) refuse(format string, args ...any) {
	e.refusals = append(e.refusals, fmt.Sprintf(format, args...))
}

func (e *evaluation) evaluateDenies() {
	for _, rule := range e.policy.rules {
		if rule.deny != "" && e.matches(rule) {
			e.refuse("rule %q denies it: %s", rule.name, rule.deny)
		}
	}
}

// firstMatch returns the rule that applies; nil if no rule that allows matches.
func (e *evaluation) firstMatch() *rule {
	for i, rule := range e.policy.rules {
		if rule.deny != "" || !e.matches(rule) {
			continue
		}
		for _, later := range e.policy.rules[i+1:] {
			if later.deny == "" && later.about(e.facts.op) {
				e.explain("%s comes later", later)
			}
		}
		return rule
	}
	return nil
}

// matches evaluates a rule's condition. A condition that fails refuses the request and
// counts as no match.
func (e *evaluation) matches(rule *rule) bool {
	kind := e.kindFor(rule)
	if kind == "" {
		e.explain("%s does not apply to a %s", rule, e.facts.op)
		return false
	}
	truth, err := e.eval(rule.when, kind)
	switch {
	case err != nil:
		e.refuse("the condition of rule %q cannot be evaluated for this request: %v", rule.name, err)
		e.explain("%s fails: %v", rule, err)
	case truth:
		e.explain("%s matches: %s", rule, rule.when)
	default:
		e.explain("%s does not match: %s", rule, rule.when)
	}
	return err == nil && truth
}

// eval evaluates a condition for a request of that kind.
func (e *evaluation) eval(c *condition, kind string) (bool, error) {
	if e.vars[kind] == nil {
		f := e.facts
		f.op = kind
		e.vars[kind] = f.values(e.policy.groups)
	}
	e.result.ReadsRequester = e.result.ReadsRequester || c.readsRequester()
	return c.eval(e.vars[kind])
}

// conclude completes the result: the refusal, and the approval in words.
func (e *evaluation) conclude() {
	out := &e.result
	out.Refusal = strings.Join(e.refusals, "; ")
	if out.Refusal != "" {
		out.Approval = access.Approval{Hash: out.Approval.Hash, Rule: out.Approval.Rule, Refusal: out.Refusal}
	}
	out.Approval.Policy = describe.Approval(out.Approval)
	out.Explanation = append(out.Explanation, out.Approval.Policy)
}
