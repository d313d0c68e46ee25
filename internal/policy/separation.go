package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// separation is a set of roles of which no principal may hold two.
type separation struct {
	roles    []string // names or ids
	anywhere bool     // false: only both at the same scope
	reason   string
	line     int
}

func (p *parser) parseSeparation(n *yaml.Node) {
	out := separation{line: n.Line}
	ok := p.mapping(n, "an entry of separationOfDuties", []field{
		{"roles", func(n *yaml.Node) { out.roles = p.parseRoles(n) }},
		{"at", func(n *yaml.Node) { out.anywhere = p.parseSeparationScope(n) }},
		{"reason", func(n *yaml.Node) { out.reason = p.nonEmptyString(n, "reason") }},
	})
	if !ok {
		return
	}
	for _, key := range []string{"roles", "at", "reason"} {
		if !has(n, key) {
			p.fault(n, "an entry of separationOfDuties has no %s: add roles, at (scope or anywhere) and reason",
				key)
		}
	}
	p.policy.separate = append(p.policy.separate, out)
}

// parseRoles reads the names or ids of at least two roles.
func (p *parser) parseRoles(n *yaml.Node) []string {
	before := len(p.faults)
	var out []string
	p.list(n, "roles", func(entry *yaml.Node) {
		name := p.id(entry, "a role")
		switch {
		case name == "":
		case slices.ContainsFunc(out, func(other string) bool { return access.Fold(other) == access.Fold(name) }):
			p.fault(entry, "role %q is listed twice: remove one", name)
		default:
			out = append(out, name)
		}
	})
	if len(out) < 2 && len(p.faults) == before {
		p.fault(n, "roles lists %s: add names or ids until there are at least two", describe.Plural(len(out), "role"))
	}
	return out
}

// parseSeparationScope returns whether the roles exclude each other anywhere.
func (p *parser) parseSeparationScope(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode || n.Value != "scope" && n.Value != "anywhere" {
		p.fault(n, "at is %s: write scope (both roles at the same scope) or anywhere", describeNode(n))
	}
	return n.Value == "anywhere"
}

// checkSeparation refuses a grant after which the principal would hold roles that exclude
// each other, and records the excluded roles for later checks.
func (e *evaluation) checkSeparation() {
	if !grants(e.facts.op) || e.again {
		return
	}
	names := e.in.RoleNames
	if e.in.Role.Name != "" {
		names = map[string]string{e.in.Role.ID: e.in.Role.Name}
		maps.Copy(names, e.in.RoleNames)
	}
	for _, conflict := range e.policy.Conflicts(e.in.Before, e.in.After, names) {
		e.refuse("%s", conflict)
	}
	for _, s := range e.policy.separate {
		if s.index(e.in.Role.ID, e.in.Role.Name) >= 0 {
			e.recordExcludedRoles(s, names)
		}
	}
}

// Conflicts returns the violations of separation of duties that a change from before to
// after would cause, one sentence each; violations that exist already are left out.
// Requests check it when they are planned, approved and applied. names are the console's
// role names by id. A role without a known name counts as one of the roles listed by name.
func (p *Policy) Conflicts(before, after access.Holdings, names map[string]string) []string {
	var out []string
	for _, s := range p.separate {
		existing := s.conflicts(before, names)
		for _, c := range s.conflicts(after, names) {
			if !slices.ContainsFunc(existing, c.existedIn) {
				out = append(out, fmt.Sprintf("separation of duties: %s %s: %s", c.text, c.where(), s.reason))
			}
		}
	}
	return out
}

// conflict is roles of one set that are held together, at one scope or anywhere.
type conflict struct {
	scope string   // "" for anywhere
	roles []string // ids
	text  string
}

func (c conflict) where() string {
	if c.scope == "" {
		return "must not be held by one principal"
	}
	return "must not be held together at " + c.scope
}

// existedIn returns whether an earlier conflict has all roles of this one.
func (c conflict) existedIn(earlier conflict) bool {
	return earlier.scope == c.scope && !slices.ContainsFunc(c.roles, func(id string) bool {
		return !slices.Contains(earlier.roles, id)
	})
}

// conflicts finds the roles of the set that are held together, by scope.
func (s separation) conflicts(h access.Holdings, names map[string]string) []conflict {
	held := map[string][]string{}
	for _, one := range h.Normal().Held {
		scope := ""
		if !s.anywhere {
			scope = access.Scope{Level: h.Level, ID: one.ScopeID}.String()
		}
		if !slices.Contains(held[scope], one.RoleID) {
			held[scope] = append(held[scope], one.RoleID)
		}
	}
	var out []conflict
	for scope, ids := range held {
		if c, found := s.conflictAmong(ids, names); found {
			c.scope = scope
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b conflict) int { return strings.Compare(a.scope, b.scope) })
	return out
}

// conflictAmong finds the roles of the set among the ids, and returns whether they conflict.
func (s separation) conflictAmong(ids []string, names map[string]string) (conflict, bool) {
	c := conflict{}
	distinct := map[int]bool{}
	var texts []string
	unnamed := 0
	for _, id := range ids {
		name, known := names[id]
		switch i := s.index(id, name); {
		case i >= 0:
			distinct[i] = true
			texts = append(texts, fmt.Sprintf("role %q (%s)", name, id))
		case !known && s.byName():
			unnamed++
			texts = append(texts, fmt.Sprintf("role %s (name unknown)", id))
		default:
			continue
		}
		c.roles = append(c.roles, id)
	}
	c.text = strings.Join(texts, " and ")
	return c, len(distinct) > 1 || len(distinct) == 1 && unnamed > 0
}

// index is the position of a role in the set, by id or by name; -1 if it is not in it.
func (s separation) index(id, name string) int {
	return slices.IndexFunc(s.roles, func(role string) bool {
		return role == id || name != "" && access.Fold(role) == access.Fold(name)
	})
}

// byName returns whether the set lists a role by name.
func (s separation) byName() bool {
	return slices.ContainsFunc(s.roles, func(role string) bool { return !isID(role) })
}

// isID returns whether a listed role is an id, which has only digits.
func isID(role string) bool { return strings.Trim(role, "0123456789") == "" }
