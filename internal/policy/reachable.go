package policy

import (
	"errors"
	"slices"

	"cel.dev/cel-go/cel"
)

// maybe is what can be told of a condition without the question.
type maybe int

const (
	never maybe = iota
	perhaps
	always
	fails // whatever is asked
)

// reachable refuses rules that can never match: those whose condition is false
// whatever is asked, and those before which others always match. Variables that have
// few values are tried in every combination, all others are left open; what depends
// on those is taken to be possible.
func (r *reader) reachable(p *Policy) {
	r.sameTwice(p)
	if len(r.faults) > 0 { // a condition may be missing, and then everything would match
		return
	}
	tried := p.used()
	open := unknown(tried)
	seen := make([]tally, len(p.rules))
	p.combinations(tried, func(f facts) {
		vars, err := cel.PartialVars(f.values(p.groups), open...)
		if err != nil {
			return
		}
		denied, decidedBy := p.try(f, vars, seen)
		for i, rule := range p.rules {
			if seen[i].now == never || rule.deny != "" {
				continue
			}
			switch by := firstOf(denied, decidedBy, i); {
			case by < 0:
				seen[i].free = true
			default:
				seen[i].note(by)
			}
		}
	})
	for i, rule := range p.rules {
		r.verdict(p, rule, seen[i])
	}
}

// tally is what was seen of one rule in all combinations.
type tally struct {
	now                maybe // in this one
	matched, evaluated bool  // in some
	failure            error
	free               bool  // in some it may match and nothing else surely comes first
	behind             []int // else one of these rules does
}

func (t *tally) note(by int) {
	if !slices.Contains(t.behind, by) {
		t.behind = append(t.behind, by)
	}
}

// try evaluates every rule for one combination. It says which rule surely denies, and
// which surely decides; -1 for none.
func (p *Policy) try(f facts, vars any, seen []tally) (denied, decidedBy int) {
	denied, decidedBy = -1, -1
	for i, rule := range p.rules {
		seen[i].now = rule.foresee(f, vars, &seen[i])
		if seen[i].now != always {
			continue
		}
		if rule.deny != "" && denied < 0 {
			denied = i
		}
		if rule.deny == "" && decidedBy < 0 {
			decidedBy = i
		}
	}
	return denied, decidedBy
}

// firstOf is the rule that surely comes before rule i; -1 for none.
func firstOf(denied, decidedBy, i int) int {
	if denied >= 0 {
		return denied
	}
	if decidedBy >= 0 && decidedBy < i {
		return decidedBy
	}
	return -1
}

func (in *rule) foresee(f facts, vars any, t *tally) maybe {
	if !in.about(f.op) {
		return never
	}
	switch truth, err := in.when.holds(vars); {
	case errors.Is(err, errUndecided):
		t.matched, t.evaluated = true, true
		return perhaps
	case err != nil:
		t.failure = err
		return perhaps
	case truth:
		t.matched, t.evaluated = true, true
		return always
	}
	t.evaluated = true
	return never
}

func (r *reader) verdict(p *Policy, rule *rule, t tally) {
	switch {
	case t.failure != nil && !t.matched:
		r.faultAt(rule.line, 0, "the condition of rule %q fails whatever is asked: %v", rule.name, t.failure)
	case !t.matched:
		r.faultAt(rule.line, 0, "rule %q can never match: its condition is false whatever is asked: %s",
			rule.name, rule.when)
	case rule.deny == "" && !t.free:
		slices.Sort(t.behind)
		names := make([]string, len(t.behind))
		for i, by := range t.behind {
			names[i] = p.rules[by].String()
		}
		r.faultAt(rule.line, 0, "rule %q can never match: before it comes %s, whatever is asked",
			rule.name, list(names))
	}
}

// used lists the domains that some condition uses; op always, since rules are about
// kinds of request.
func (p *Policy) used() []domain {
	var out []domain
	for _, d := range domains() {
		used := d.name == "op"
		for _, rule := range p.rules {
			used = used || rule.when != nil && rule.when.uses[d.name]
		}
		if used {
			out = append(out, d)
		}
	}
	return out
}

// combinations calls fn with every combination of values.
func (p *Policy) combinations(ds []domain, fn func(facts)) {
	var f facts
	var walk func(int)
	walk = func(i int) {
		if i == len(ds) {
			fn(f)
			return
		}
		for _, set := range ds[i].values {
			set(&f)
			walk(i + 1)
		}
	}
	walk(0)
}

// sameTwice refuses two rules with one condition: the second would say nothing.
func (r *reader) sameTwice(p *Policy) {
	for i, later := range p.rules {
		if later.bad { // its condition may be missing
			continue
		}
		same := slices.IndexFunc(p.rules[:i], func(earlier *rule) bool {
			return !earlier.bad && later.when.String() == earlier.when.String() &&
				!slices.ContainsFunc(later.ops, earlier.notAbout)
		})
		if same >= 0 {
			r.faultAt(later.line, 0, "rule %q can never match: rule %q on line %d has the same condition: %s",
				later.name, p.rules[same].name, p.rules[same].line, later.when)
		}
	}
}
