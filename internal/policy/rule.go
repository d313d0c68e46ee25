package policy

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"sentinelone-provisioner/internal/access"
)

// What a rule says where the file does not.
const (
	defaultDecideWithin = access.Duration(72 * time.Hour)
	defaultMaxDuration  = access.Duration(366 * 24 * time.Hour)
)

// Kinds of request, as conditions and `for` spell them.
const (
	opGrant  = string(access.OpGrant)
	opRevoke = string(access.OpRevoke)
)

// rule is one rule of the file.
type rule struct {
	name   string
	line   int
	ops    []string   // kinds of request it is about
	bad    bool       // something is wrong with it
	when   *condition // nil: always
	always bool       // when is nil or constantly true

	deny string // the reason; "" in a rule that allows
	auto bool

	approval    access.Approval // what it asks for, with all members
	permanent   bool
	lastRole    access.LastRoleRule
	downgrade   *access.Holding
	levelChange levelRule
	glass       *breakGlass
}

// levelRule says whether a grant may move the principal to another level.
type levelRule string

const (
	levelForbid levelRule = "forbid"
	levelAsk    levelRule = "ask" // if the request says allowLevelChange
	levelAllow  levelRule = "allow"
)

// breakGlass lets a request start at once.
type breakGlass struct {
	when   *condition // nil: always
	review access.Review
}

// reading is a rule while it is read: the nodes are for faults.
type reading struct {
	*rule

	node  *yaml.Node
	given map[string]*yaml.Node // by key
}

func (r *reader) rule(p *Policy, n *yaml.Node) {
	before := len(r.faults)
	in := &reading{node: n, given: map[string]*yaml.Node{}, rule: &rule{
		line: n.Line, ops: []string{opGrant}, lastRole: access.LastRoleStop, levelChange: levelAsk,
		approval: access.Approval{MaxDuration: defaultMaxDuration},
	}}
	if !r.mapping(n, "a rule", r.ruleFields(p, in)) {
		return
	}
	if in.name == "" && in.given["name"] == nil {
		r.fault(n, "a rule has no name: give it one, which decisions are explained with")
	}
	for _, other := range p.rules {
		if other.name == in.name && in.name != "" {
			r.fault(n, "a rule named %q is on line %d already: choose another name", in.name, other.line)
		}
	}
	r.together(in)
	if len(r.faults) == before {
		r.satisfiable(p, in)
		r.checkConstant(p, in.rule)
	}
	in.bad = len(r.faults) > before
	p.rules = append(p.rules, in.rule)
}

func (r *reader) ruleFields(p *Policy, in *reading) []field {
	a := &in.approval
	fields := []field{
		{"name", func(n *yaml.Node) { in.name = r.text(n, "name") }},
		{"for", func(n *yaml.Node) { in.ops = r.ops(n) }},
		{"when", func(n *yaml.Node) { in.when = r.condition(p, n, "when") }},
		{"deny", func(n *yaml.Node) { in.deny = r.text(n, "deny") }},
		{"autoApprove", func(n *yaml.Node) { in.auto = r.truth(n, "autoApprove") }},
		{"approvals", func(n *yaml.Node) { a.Steps = r.steps(p, n) }},
		{"maxDuration", func(n *yaml.Node) { a.MaxDuration = r.duration(n, "maxDuration") }},
		{"permanent", func(n *yaml.Node) { in.permanent = r.truth(n, "permanent") }},
		{"decideWithin", func(n *yaml.Node) { a.DecideWithin = r.duration(n, "decideWithin") }},
		{"remindEvery", func(n *yaml.Node) { a.RemindEvery = r.duration(n, "remindEvery") }},
		{"escalateAfter", func(n *yaml.Node) { a.EscalateAfter = r.duration(n, "escalateAfter") }},
		{"escalateTo", func(n *yaml.Node) { a.EscalateTo = r.escalateTo(p, n) }},
		{"lastRole", func(n *yaml.Node) { r.lastRole(in.rule, n) }},
		{"levelChange", func(n *yaml.Node) { in.levelChange = r.levelChange(n) }},
		{"breakGlass", func(n *yaml.Node) { in.glass = r.breakGlass(p, n) }},
	}
	for i, f := range fields {
		fields[i].read = func(n *yaml.Node) {
			in.given[f.key] = n
			f.read(n)
		}
	}
	return fields
}

// ops reads which kinds of request a rule is about.
func (r *reader) ops(n *yaml.Node) []string {
	var out []string
	r.list(n, "for", func(entry *yaml.Node) {
		switch op := r.text(entry, "a kind of request in for"); {
		case op == "":
		case op != opGrant && op != opRevoke:
			r.fault(entry, "for lists %q: kinds of request are grant and revoke", op)
		case slices.Contains(out, op):
			r.fault(entry, "for lists %s twice", op)
		default:
			out = append(out, op)
		}
	})
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		r.fault(n, "for is empty: write [grant], [revoke] or both, or leave it out for grants")
	}
	return out
}

// steps reads approvals.
func (r *reader) steps(p *Policy, n *yaml.Node) []access.ApprovalStep {
	var out []access.ApprovalStep
	r.list(n, "approvals", func(entry *yaml.Node) { out = append(out, r.step(p, entry, "an approval step")) })
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		r.fault(n, "approvals are empty: write autoApprove: true if nobody is to be asked")
	}
	return out
}

func (r *reader) step(p *Policy, n *yaml.Node, what string) access.ApprovalStep {
	var out access.ApprovalStep
	var need, from bool
	ok := r.mapping(n, what, []field{
		{"need", func(n *yaml.Node) { out.Need, need = r.whole(n, "need"), true }},
		{"from", func(n *yaml.Node) {
			out.Groups, out.People = r.people(p, n, "from")
			from = true
		}},
	})
	if ok && (!need || !from) {
		r.fault(n, "%s says %s: write {need: 1, from: [group]}",
			what, missing(need, "not how many it needs", "not from whom"))
	}
	return out
}

func missing(first bool, without, otherwise string) string {
	if !first {
		return without
	}
	return otherwise
}

func (r *reader) escalateTo(p *Policy, n *yaml.Node) []string {
	names, people := r.people(p, n, "escalateTo")
	if slices.Contains(names, access.Anyone) {
		r.fault(n, "escalateTo cannot be %q: nobody would be told; name a group", access.Anyone)
	}
	return people
}

func (r *reader) levelChange(n *yaml.Node) levelRule {
	switch rule := levelRule(n.Value); rule {
	case levelForbid, levelAsk, levelAllow:
		if n.Kind == yaml.ScalarNode {
			return rule
		}
	}
	r.fault(n, "levelChange is %s: write forbid, ask or allow", kindOf(n))
	return levelAsk
}

func (r *reader) breakGlass(p *Policy, n *yaml.Node) *breakGlass {
	out := &breakGlass{}
	var within, reviewers bool
	ok := r.mapping(n, "breakGlass", []field{
		{"when", func(n *yaml.Node) { out.when = r.condition(p, n, "breakGlass.when") }},
		{"reviewWithin", func(n *yaml.Node) { out.review.Within, within = r.duration(n, "reviewWithin"), true }},
		{"reviewers", func(n *yaml.Node) {
			out.review.ApprovalStep = r.step(p, n, "reviewers")
			reviewers = true
		}},
	})
	if ok && (!within || !reviewers) {
		r.fault(n, "breakGlass says %s: what starts at once must be reviewed, or it is ended",
			missing(within, "not within what time it is reviewed (reviewWithin)", "not who reviews it (reviewers)"))
	}
	return out
}

// lastRole reads stop, delete, or the role that is left instead.
func (r *reader) lastRole(in *rule, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		switch rule := access.LastRoleRule(n.Value); rule {
		case access.LastRoleStop, access.LastRoleDelete:
			in.lastRole = rule
		default:
			r.fault(n, "lastRole is %s: write stop, delete, or downgrade with role, level and scope", kindOf(n))
		}
		return
	}
	found := false
	ok := r.mapping(n, "lastRole", []field{{"downgrade", func(n *yaml.Node) {
		in.lastRole, in.downgrade, found = access.LastRoleDowngrade, r.holding(n), true
	}}})
	if ok && !found {
		r.fault(n, "lastRole is empty: write stop, delete, or downgrade with role, level and scope")
	}
}

// holding reads a role at a scope, by ids: a policy is read without a console.
func (r *reader) holding(n *yaml.Node) *access.Holding {
	var out access.Holding
	ok := r.mapping(n, "downgrade", []field{
		{"role", func(n *yaml.Node) { out.RoleID = r.digits(n, "role") }},
		{"level", func(n *yaml.Node) {
			if out.Level = access.Level(r.text(n, "level")); out.Level != "" && !out.Level.Assignable() {
				r.fault(n, "level is %q: write tenant, account or site", out.Level)
			}
		}},
		{"scope", func(n *yaml.Node) { out.ScopeID = r.digits(n, "scope") }},
	})
	switch {
	case !ok:
	case out.RoleID == "" && !has(n, "role"):
		r.fault(n, "downgrade names no role: give the id of the role that is left")
	case out.Level == "" && !has(n, "level"):
		r.fault(n, "downgrade names no level: write tenant, account or site")
	case out.Level == access.Tenant && has(n, "scope"):
		r.fault(n, "downgrade: the tenant has no id: leave scope out")
	case out.Level != access.Tenant && !has(n, "scope"):
		r.fault(n, "downgrade names no scope: give the id of the %s", out.Level)
	}
	return &out
}

// digits reads an id of the console.
func (r *reader) digits(n *yaml.Node, what string) string {
	text := r.id(n, what)
	if strings.Trim(text, "0123456789") != "" {
		r.fault(n, "%s is %q: give its id, which is digits only; `starter access` shows ids with -o json", what, text)
		return ""
	}
	return text
}

func has(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

func quote(text string) string { return strconv.Quote(text) }
