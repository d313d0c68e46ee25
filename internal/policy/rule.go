package policy

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// Defaults of a rule.
const (
	defaultDecideWithin = access.Duration(72 * time.Hour)
	defaultMaxDuration  = access.Duration(366 * 24 * time.Hour)
)

// rule is one rule of the file.
type rule struct {
	name   string
	line   int
	ops    []string   // kinds of request it applies to
	bad    bool       // it has a fault
	when   *condition // nil: always
	always bool       // when is nil or constantly true

	deny string // the reason; "" in a rule that allows
	auto bool

	approval    access.Approval // with all members of the groups
	permanent   bool
	lastRole    access.LastRoleRule
	downgrade   *access.Holding
	levelChange levelRule
	breakGlass  *breakGlass
}

// levelRule is whether a grant may move the principal to another level.
type levelRule string

const (
	levelForbid levelRule = "forbid"
	levelAsk    levelRule = "ask" // only if the request has allowLevelChange
	levelAllow  levelRule = "allow"
)

// breakGlass lets a request start before it is approved.
type breakGlass struct {
	when   *condition // nil: always
	review access.Review
}

// ruleDraft is a rule while it is parsed, with its nodes for faults.
type ruleDraft struct {
	*rule

	node  *yaml.Node
	nodes map[string]*yaml.Node // values by key
}

func (p *parser) parseRule(n *yaml.Node) {
	before := len(p.faults)
	draft := &ruleDraft{node: n, nodes: map[string]*yaml.Node{}, rule: &rule{
		line: n.Line, ops: []string{opGrant}, lastRole: access.LastRoleStop, levelChange: levelAsk,
		approval: access.Approval{MaxDuration: defaultMaxDuration},
	}}
	if !p.mapping(n, "a rule", p.ruleFields(draft)) {
		return
	}
	if draft.name == "" && draft.nodes["name"] == nil {
		p.fault(n, "a rule has no name: add one; plans and receipts show it")
	}
	for _, other := range p.policy.rules {
		if other.name == draft.name && draft.name != "" {
			p.fault(n, "a rule named %q is on line %d already: choose another name", draft.name, other.line)
		}
	}
	p.checkOutcome(draft)
	if len(p.faults) == before {
		p.checkSatisfiable(draft)
		p.checkConstant(draft.rule)
	}
	draft.bad = len(p.faults) > before
	p.policy.rules = append(p.policy.rules, draft.rule)
}

// ruleFields are the keys of a rule. Reading one also keeps its node in the draft.
func (p *parser) ruleFields(draft *ruleDraft) []field {
	a := &draft.approval
	fields := []field{
		{"name", func(n *yaml.Node) { draft.name = p.nonEmptyString(n, "name") }},
		{"for", func(n *yaml.Node) { draft.ops = p.parseOps(n) }},
		{"when", func(n *yaml.Node) { draft.when = p.parseCondition(n, "when") }},
		{"deny", func(n *yaml.Node) { draft.deny = p.nonEmptyString(n, "deny") }},
		{"autoApprove", func(n *yaml.Node) { draft.auto = p.boolean(n, "autoApprove") }},
		{"approvals", func(n *yaml.Node) { a.Steps = p.parseSteps(n) }},
		{"maxDuration", func(n *yaml.Node) { a.MaxDuration = p.duration(n, "maxDuration") }},
		{"permanent", func(n *yaml.Node) { draft.permanent = p.boolean(n, "permanent") }},
		{"approvalValidFor", func(n *yaml.Node) { a.ValidFor = p.duration(n, "approvalValidFor") }},
		{"decideWithin", func(n *yaml.Node) { a.DecideWithin = p.duration(n, "decideWithin") }},
		{"remindEvery", func(n *yaml.Node) { a.RemindEvery = p.duration(n, "remindEvery") }},
		{"escalateAfter", func(n *yaml.Node) { a.EscalateAfter = p.duration(n, "escalateAfter") }},
		{"escalateTo", func(n *yaml.Node) { a.EscalateTo = p.parseEscalateTo(n) }},
		{"lastRole", func(n *yaml.Node) { p.parseLastRole(draft.rule, n) }},
		{"levelChange", func(n *yaml.Node) { draft.levelChange = p.parseLevelChange(n) }},
		{"breakGlass", func(n *yaml.Node) { draft.breakGlass = p.parseBreakGlass(n) }},
	}
	for i, f := range fields {
		fields[i].read = func(n *yaml.Node) {
			draft.nodes[f.key] = n
			f.read(n)
		}
	}
	return fields
}

// parseOps reads the kinds of request that a rule applies to.
func (p *parser) parseOps(n *yaml.Node) []string {
	var out []string
	p.list(n, "for", func(entry *yaml.Node) {
		switch op := p.nonEmptyString(entry, "a kind of request in for"); {
		case op == "":
		case !slices.Contains(allKinds, op):
			p.fault(entry, "for lists %q: write %s", op, describe.Or(allKinds))
		case slices.Contains(out, op):
			p.fault(entry, "for lists %s twice: remove one", op)
		default:
			out = append(out, op)
		}
	})
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		p.fault(n, "for is empty: write a list of %s", describe.Or(allKinds))
	}
	return out
}

func (p *parser) parseSteps(n *yaml.Node) []access.ApprovalStep {
	var out []access.ApprovalStep
	p.list(n, "approvals", func(entry *yaml.Node) { out = append(out, p.parseStep(entry, "an approval step")) })
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		p.fault(n, "approvals are empty: add a step, or write autoApprove: true to require none")
	}
	return out
}

func (p *parser) parseStep(n *yaml.Node, what string) access.ApprovalStep {
	var out access.ApprovalStep
	var need, from bool
	ok := p.mapping(n, what, []field{
		{"need", func(n *yaml.Node) { out.Need, need = p.positiveInt(n, "need"), true }},
		{"from", func(n *yaml.Node) {
			out.Groups, out.People = p.parseGroupList(n, "from")
			from = true
		}},
	})
	switch {
	case !ok:
	case !need:
		p.fault(n, "%s has no need: write {need: 1, from: [group]}", what)
	case !from:
		p.fault(n, "%s has no from: write {need: 1, from: [group]}", what)
	}
	return out
}

func (p *parser) parseEscalateTo(n *yaml.Node) []string {
	names, people := p.parseGroupList(n, "escalateTo")
	if slices.Contains(names, access.Anyone) {
		p.fault(n, "escalateTo cannot be %q, because nobody would be notified: name a group", access.Anyone)
	}
	return people
}

func (p *parser) parseLevelChange(n *yaml.Node) levelRule {
	switch rule := levelRule(n.Value); rule {
	case levelForbid, levelAsk, levelAllow:
		if n.Kind == yaml.ScalarNode {
			return rule
		}
	}
	p.fault(n, "levelChange is %s: write forbid, ask or allow", describeNode(n))
	return levelAsk
}

func (p *parser) parseBreakGlass(n *yaml.Node) *breakGlass {
	out := &breakGlass{}
	var within, reviewers bool
	ok := p.mapping(n, "breakGlass", []field{
		{"when", func(n *yaml.Node) { out.when = p.parseCondition(n, "breakGlass.when") }},
		{"reviewWithin", func(n *yaml.Node) { out.review.Within, within = p.duration(n, "reviewWithin"), true }},
		{"reviewers", func(n *yaml.Node) {
			out.review.ApprovalStep = p.parseStep(n, "reviewers")
			reviewers = true
		}},
	})
	switch {
	case !ok:
	case !within:
		p.fault(n, "breakGlass has no reviewWithin: add the time in which it must be reviewed")
	case !reviewers:
		p.fault(n, "breakGlass has no reviewers: add {need: 1, from: [group]}")
	}
	return out
}

// parseLastRole reads stop, delete, or the role to downgrade to.
func (p *parser) parseLastRole(rule *rule, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		switch value := access.LastRoleRule(n.Value); value {
		case access.LastRoleStop, access.LastRoleDelete:
			rule.lastRole = value
		default:
			p.fault(n, "lastRole is %s: write stop, delete, or downgrade with role, level and scope", describeNode(n))
		}
		return
	}
	found := false
	ok := p.mapping(n, "lastRole", []field{{"downgrade", func(n *yaml.Node) {
		rule.lastRole, rule.downgrade, found = access.LastRoleDowngrade, p.parseHolding(n), true
	}}})
	if ok && !found {
		p.fault(n, "lastRole is empty: write stop, delete, or downgrade with role, level and scope")
	}
}

// parseHolding reads a role at a scope. Both are given by id, because a policy is checked
// without a console.
func (p *parser) parseHolding(n *yaml.Node) *access.Holding {
	var out access.Holding
	ok := p.mapping(n, "downgrade", []field{
		{"role", func(n *yaml.Node) { out.RoleID = p.digits(n, "role") }},
		{"level", func(n *yaml.Node) {
			if out.Level = access.Level(p.nonEmptyString(n, "level")); out.Level != "" && !out.Level.Assignable() {
				p.fault(n, "level is %q: write tenant, account or site", out.Level)
			}
		}},
		{"scope", func(n *yaml.Node) { out.ScopeID = p.digits(n, "scope") }},
	})
	switch {
	case !ok:
	case out.RoleID == "" && !has(n, "role"):
		p.fault(n, "downgrade names no role: add the id of the role to keep")
	case out.Level == "" && !has(n, "level"):
		p.fault(n, "downgrade names no level: add tenant, account or site")
	case out.Level == access.Tenant && has(n, "scope"):
		p.fault(n, "downgrade: the tenant has no id: remove scope")
	case out.Level != access.Tenant && !has(n, "scope"):
		p.fault(n, "downgrade names no scope: add the id of the %s", out.Level)
	}
	return &out
}

// digits reads an id of the console; "" after a fault.
func (p *parser) digits(n *yaml.Node, what string) string {
	text := p.id(n, what)
	if strings.Trim(text, "0123456789") != "" {
		p.fault(n, "%s is %q: write its id, which has only digits; `starter access -o json` shows ids", what, text)
		return ""
	}
	return text
}

// has returns whether a mapping has a key.
func has(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}
