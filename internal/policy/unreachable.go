package policy

import (
	"errors"
	"slices"

	"cel.dev/cel-go/cel"
)

// checkConstant rejects a rule whose condition has the same outcome for every request:
// always false, or always an error. It evaluates the condition with no variable known
// but the groups, so it finds `permanent && 1 > 2` and not `permanent && !permanent`.
// A condition that is always true is allowed; it means the same as an absent one.
func (p *parser) checkConstant(rule *rule) {
	vars, err := cel.PartialVars(map[string]any{"groups": p.policy.groups}, requestVariables()...)
	if err != nil {
		p.faultAt(rule.line, 0, "cannot check the condition of rule %q: %v", rule.name, err)
		return
	}
	switch truth, err := rule.when.eval(vars); {
	case errors.Is(err, errUndecided):
	case err != nil:
		p.faultAt(rule.line, 0, "the condition of rule %q fails for every request: %v; correct the condition",
			rule.name, err)
	case !truth:
		p.faultAt(rule.line, 0, "rule %q can never match: its condition is always false: %s; "+
			"correct the condition or remove the rule", rule.name, rule.when)
	default:
		rule.always = true
	}
}

// checkShadowed rejects a rule that another rule always precedes. It compares the texts
// of conditions and knows constant ones; it does not reason about what they mean.
func (p *parser) checkShadowed() {
	for i, rule := range p.policy.rules {
		for j, other := range p.policy.rules {
			if i == j || rule.bad || other.bad { // a bad rule may lack its condition
				continue
			}
			if why := other.shadows(rule, j < i); why != "" {
				p.faultAt(rule.line, 0, "rule %q can never match: %s %s; change or remove one of the two",
					rule.name, other, why)
				break
			}
		}
	}
}

// shadows says why the rule always precedes the other, so that the other never decides; ""
// if it does not.
func (r *rule) shadows(other *rule, earlier bool) string {
	switch {
	case slices.ContainsFunc(other.ops, r.notAbout):
		return ""
	case earlier && r.when.String() == other.when.String():
		return "has the same condition: " + r.when.String()
	case !r.always || other.deny != "":
		return ""
	case r.deny != "":
		return "denies every request"
	case earlier:
		return "matches every request before it"
	}
	return ""
}
