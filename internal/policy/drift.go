package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// DriftAction is what a drift rule does about an assignment that no request explains.
type DriftAction string

// The actions.
const (
	DriftReport DriftAction = "report" // nothing but to report it; the default
	DriftAdopt  DriftAction = "adopt"  // it counts as baseline from then on
	DriftRevert DriftAction = "revert" // a revoke by the system removes it
)

// SystemRequester is the requester of the revokes by which drift rules revert.
const SystemRequester = "system"

// driftKinds are the kinds of drift that rules are about, as package drift has them; the first is what a rule that
// adopts is about unless it names kinds. Overdue access is always released, and what is missing is not given again
// without a request.
var driftKinds = []string{"unexplained", "unauthorized"}

// driftRule is one rule of the section drift. The rule in it is one for revokes.
type driftRule struct {
	*rule

	kinds  []string
	action DriftAction
	after  time.Duration
}

// parseDriftRule reads one rule. Which assignments it is about, say kinds and when.
func (p *parser) parseDriftRule(n *yaml.Node) {
	before := len(p.faults)
	d := driftRule{kinds: driftKinds, rule: &rule{
		line: n.Line, ops: []string{opRevoke}, lastRole: access.LastRoleStop, levelChange: levelForbid, auto: true,
	}}
	draft := &ruleDraft{rule: d.rule, node: n, nodes: map[string]*yaml.Node{}}
	a := &d.approval
	fields := []field{
		{"name", func(n *yaml.Node) { d.name = p.nonEmptyString(n, "name") }},
		{"kinds", func(n *yaml.Node) { d.kinds = p.parseDriftKinds(n) }},
		{"when", func(n *yaml.Node) { d.when = p.parseCondition(n, "when") }},
		{"action", func(n *yaml.Node) { d.action = p.parseDriftAction(n) }},
		{"after", func(n *yaml.Node) { d.after = time.Duration(p.duration(n, "after")) }},
		{"approvals", func(n *yaml.Node) { a.Steps, d.auto = p.parseSteps(n), false }},
		{"decideWithin", func(n *yaml.Node) { a.DecideWithin = p.duration(n, "decideWithin") }},
		{"lastRole", func(n *yaml.Node) { p.parseLastRole(d.rule, n) }},
	}
	for i, f := range fields {
		fields[i].read = func(n *yaml.Node) { draft.nodes[f.key] = n; f.read(n) }
	}
	if !p.mapping(n, "a drift rule", fields) {
		return
	}
	if d.action == DriftAdopt && draft.nodes["kinds"] == nil {
		d.kinds = driftKinds[:1] // what was written without a request is no baseline unless the rule says so
	}
	p.checkDriftRule(draft, d)
	if d.when.readsRequester() {
		p.fault(draft.nodes["when"], "the condition of drift rule %q reads requester: the system requests a revert, "+
			"so write a condition about principal, role and scope", d.name)
	}
	if len(p.faults) == before {
		p.checkSatisfiable(draft)
	}
	p.policy.drift = append(p.policy.drift, d)
}

// checkDriftRule rejects what is missing, and keys that have no effect.
func (p *parser) checkDriftRule(draft *ruleDraft, d driftRule) {
	if d.name == "" && draft.nodes["name"] == nil {
		p.fault(draft.node, "a drift rule has no name: add one; the ledger records it")
	}
	for _, other := range p.policy.drift {
		if other.name == d.name && d.name != "" {
			p.fault(draft.node, "a drift rule named %q is on line %d already: choose another name", d.name, other.line)
		}
	}
	switch {
	case draft.nodes["action"] == nil:
		p.fault(draft.node, "drift rule %q has no action: add report, adopt or revert", d.name)
	case d.action == DriftReport:
		p.rejectKeys(draft, "a drift rule that reports", "after", "approvals", "decideWithin", "lastRole")
	case d.action == DriftAdopt:
		p.rejectKeys(draft, "a drift rule that adopts", "approvals", "decideWithin", "lastRole")
	case draft.nodes["approvals"] != nil:
		p.checkTimes(draft)
	case draft.nodes["decideWithin"] != nil:
		p.rejectKeys(draft, "a drift rule without approvals", "decideWithin")
	}
}

func (p *parser) parseDriftKinds(n *yaml.Node) []string {
	var out []string
	p.list(n, "kinds", func(entry *yaml.Node) {
		kind := p.nonEmptyString(entry, "a kind of drift")
		if kind != "" && !slices.Contains(driftKinds, kind) {
			p.fault(entry, "kinds lists %q: write %s; overdue access is always released, and what is missing is not "+
				"given again without a request", kind, describe.Or(driftKinds))
		}
		out = append(out, kind)
	})
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		p.fault(n, "kinds is empty: write a list of %s, or remove it", describe.Or(driftKinds))
	}
	return out
}

func (p *parser) parseDriftAction(n *yaml.Node) DriftAction {
	switch a := DriftAction(n.Value); a {
	case DriftReport, DriftAdopt, DriftRevert:
		if n.Kind == yaml.ScalarNode {
			return a
		}
	}
	p.fault(n, "action is %s: write report, adopt or revert", describeNode(n))
	return DriftReport
}

// DriftDecision is what the policy says about one assignment that is drift.
type DriftDecision struct {
	Action DriftAction   `json:"action"`
	Rule   string        `json:"rule,omitempty"` // "" for none, which reports
	After  time.Duration `json:"-"`              // how long after it was first seen
	// Why says why it is only reported though there are rules, such as a condition that fails; else "".
	Why string `json:"why,omitempty"`
}

// ActsOnDrift says that a rule does more than report.
func (p *Policy) ActsOnDrift() bool {
	return slices.ContainsFunc(p.drift, func(d driftRule) bool { return d.action != DriftReport })
}

// Drift decides about an assignment of that kind of drift: in has its principal, role and scope. The first rule that
// matches applies. A condition that fails reports.
func (p *Policy) Drift(kind string, in Input) DriftDecision {
	e := p.driftEvaluation(in)
	for _, d := range p.drift {
		if !slices.Contains(d.kinds, kind) {
			continue
		}
		matches := e.matches(d.rule)
		if len(e.refusals) > 0 {
			return DriftDecision{Action: DriftReport, Why: strings.Join(e.refusals, "; ")}
		}
		if matches {
			return DriftDecision{Action: d.action, Rule: d.name, After: d.after}
		}
	}
	return DriftDecision{Action: DriftReport}
}

// Revert decides about the revoke by which the drift rule of that name reverts: the approvals that the rule asks for,
// and how far the revoke may go. It is refused if the rule does not revert such an assignment.
func (p *Policy) Revert(name string, in Input) Result {
	e := p.driftEvaluation(in)
	i := slices.IndexFunc(p.drift, func(d driftRule) bool { return d.name == name && d.action == DriftRevert })
	switch {
	case i < 0:
		e.refuse("the policy has no drift rule %q that reverts", name)
	case !e.matches(p.drift[i].rule):
		e.refuse("the drift rule %q is not about this assignment", name)
	default:
		e.apply(p.drift[i].rule)
		e.result.Approval.Rule = fmt.Sprintf("drift: %s", name)
	}
	e.conclude()
	return e.result
}

func (p *Policy) driftEvaluation(in Input) *evaluation {
	in.Op, in.Requester = access.OpRevoke, SystemRequester
	e := &evaluation{policy: p, in: in, facts: p.facts(in), vars: map[string]map[string]any{}}
	e.facts.op = opRevoke
	e.result = Result{
		Approval: access.Approval{Hash: p.hash}, Explanation: []string{},
		Rules: access.Rules{LastRole: access.LastRoleStop},
	}
	return e
}
