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

// separation is a set of roles of which nobody may hold two.
type separation struct {
	roles    []string // names or ids
	anywhere bool     // else: at one scope
	reason   string
	line     int
}

func (r *reader) separation(p *Policy, n *yaml.Node) {
	out := separation{line: n.Line}
	ok := r.mapping(n, "an entry of separationOfDuties", []field{
		{"roles", func(n *yaml.Node) { out.roles = r.roles(n) }},
		{"at", func(n *yaml.Node) { out.anywhere = r.at(n) }},
		{"reason", func(n *yaml.Node) { out.reason = r.text(n, "reason") }},
	})
	if !ok {
		return
	}
	for _, key := range []string{"roles", "at", "reason"} {
		if !has(n, key) {
			r.fault(n, "an entry of separationOfDuties has no %s: it needs roles, at (scope or anywhere) and reason",
				key)
		}
	}
	p.separate = append(p.separate, out)
}

func (r *reader) roles(n *yaml.Node) []string {
	before := len(r.faults)
	var out []string
	r.list(n, "roles", func(entry *yaml.Node) {
		name := r.id(entry, "a role")
		switch {
		case name == "":
		case slices.ContainsFunc(out, func(other string) bool { return Fold(other) == Fold(name) }):
			r.fault(entry, "role %q is listed twice", name)
		default:
			out = append(out, name)
		}
	})
	if len(out) < 2 && len(r.faults) == before {
		r.fault(n, "roles lists %s: give the names or ids of two at least", describe.Plural(len(out), "role"))
	}
	return out
}

func (r *reader) at(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode || n.Value != "scope" && n.Value != "anywhere" {
		r.fault(n, "at is %s: write scope (both at the same one) or anywhere", kindOf(n))
	}
	return n.Value == "anywhere"
}

// separation refuses a grant that would bring roles together.
func (d *deciding) separation() {
	if d.facts.op != opGrant {
		return
	}
	names := d.q.RoleNames
	if d.q.Role.Name != "" {
		names = map[string]string{d.q.Role.ID: d.q.Role.Name}
		maps.Copy(names, d.q.RoleNames)
	}
	for _, conflict := range d.policy.Conflicts(d.q.Before, d.q.After, names) {
		d.refuse("%s", conflict)
	}
	for _, s := range d.policy.separate {
		if s.index(d.q.Role.ID, d.q.Role.Name) >= 0 {
			d.apart(s, names)
		}
	}
}

// Conflicts says which duties a change brings together that were apart before, a
// sentence each. It is looked at when a change is asked for, approved and applied.
// Names are those of the console's roles by id. A role whose name is not known counts
// as one of those listed by name, where its name could bring a conflict.
func (p *Policy) Conflicts(before, after access.Holdings, names map[string]string) []string {
	var out []string
	for _, s := range p.separate {
		was := s.together(before, names)
		for _, c := range s.together(after, names) {
			if !slices.ContainsFunc(was, c.covered) {
				out = append(out, fmt.Sprintf("separation of duties: %s %s: %s", c.text, c.where(), s.reason))
			}
		}
	}
	return out
}

// conflict is what one set of roles finds at one scope, or anywhere.
type conflict struct {
	scope string // "" for anywhere
	roles []string
	text  string
}

func (c conflict) where() string {
	if c.scope == "" {
		return "must not be held by one principal"
	}
	return "must not be held together at " + c.scope
}

// covered says whether the other conflict, of before, brought the same roles together.
func (c conflict) covered(was conflict) bool {
	return was.scope == c.scope && !slices.ContainsFunc(c.roles, func(id string) bool {
		return !slices.Contains(was.roles, id)
	})
}

func (s separation) together(h access.Holdings, names map[string]string) []conflict {
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
		if c, found := s.among(ids, names); found {
			c.scope = scope
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b conflict) int { return strings.Compare(a.scope, b.scope) })
	return out
}

// among finds the roles of the set among those that are held.
func (s separation) among(ids []string, names map[string]string) (conflict, bool) {
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
			texts = append(texts, fmt.Sprintf("role %s, whose name is not known,", id))
		default:
			continue
		}
		c.roles = append(c.roles, id)
	}
	c.text = strings.Join(texts, " and ")
	return c, len(distinct) > 1 || len(distinct) == 1 && unnamed > 0
}

// index is which of the roles it is, by id or by name; -1 for none.
func (s separation) index(id, name string) int {
	return slices.IndexFunc(s.roles, func(role string) bool {
		return role == id || name != "" && Fold(role) == Fold(name)
	})
}

// byName says whether some role of the set is given by name.
func (s separation) byName() bool {
	return slices.ContainsFunc(s.roles, func(role string) bool { return !isID(role) })
}

// isID says whether a role is given by its id, which is a number.
func isID(role string) bool { return strings.Trim(role, "0123456789") == "" }
