package policy

import (
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // so that a policy means the same on machines without time zones

	"go.yaml.in/yaml/v3"

	"sentinelone-provisioner/internal/access"
)

// maxRules bounds how long checking takes: every rule is compared with every other.
const maxRules = 500

// policy reads the whole file. Groups first, wherever they stand: rules name them.
func (r *reader) policy(p *Policy, root *yaml.Node) {
	var groups, rules, separate *yaml.Node
	ok := r.mapping(root, "the policy", []field{
		{"timezone", func(n *yaml.Node) { r.zone(p, n) }},
		{"groups", func(n *yaml.Node) { groups = n }},
		{"rules", func(n *yaml.Node) { rules = n }},
		{"separationOfDuties", func(n *yaml.Node) { separate = n }},
	})
	if !ok {
		return
	}
	if groups != nil {
		r.groups(p, groups)
	}
	if separate != nil {
		r.list(separate, "separationOfDuties", func(n *yaml.Node) { r.separation(p, n) })
	}
	if rules == nil {
		r.fault(root, "rules are missing: give at least one")
		return
	}
	if len(rules.Content) > maxRules {
		r.fault(rules, "there are %d rules, and at most %d can be checked", len(rules.Content), maxRules)
		return
	}
	r.list(rules, "rules", func(n *yaml.Node) { r.rule(p, n) })
	if rules.Kind == yaml.SequenceNode && len(rules.Content) == 0 {
		r.fault(rules, "rules are empty: give at least one")
	}
	r.checkShadowed(p)
}

func (r *reader) zone(p *Policy, n *yaml.Node) {
	name := r.text(n, "timezone")
	if name == "" {
		return
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		r.fault(n, "timezone %q is not known: write a name such as Europe/Brussels or UTC", name)
		return
	}
	p.zone = zone
}

// groups reads the groups with their members. Their names are the file's own, so they
// are no fields.
func (r *reader) groups(p *Policy, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.fault(n, "groups are %s: write names of groups with lists of people", kindOf(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], target(n.Content[i+1])
		name := r.text(key, "a group's name")
		switch _, twice := p.groups[name]; {
		case name == "":
		case name == access.Anyone:
			r.fault(key, "the group %q is everybody and cannot be defined: choose another name", name)
		case twice:
			r.fault(key, "group %q is given twice", name)
		default:
			p.groups[name] = r.members(name, value)
		}
	}
}

// mail is what looks like an address; whether it exists is not ours to tell.
var mail = regexp.MustCompile(`^[^\s@<>,;"]+@[^\s@<>,;"]+$`)

func (r *reader) members(group string, n *yaml.Node) []string {
	before := len(r.faults)
	lines := map[string]*yaml.Node{}
	out := []string{}
	r.list(n, "group "+quote(group), func(entry *yaml.Node) {
		text := r.text(entry, "a member of group "+quote(group))
		if text == "" {
			return
		}
		name := Fold(text)
		first, twice := lines[name]
		switch {
		case !mail.MatchString(name):
			r.fault(entry, "member %q of group %q is no e-mail address: people are named as in ana@example.com",
				text, group)
		case twice:
			r.fault(entry, "group %q has %s twice: as %q on line %d and as %q here",
				group, name, first.Value, first.Line, text)
		default:
			lines[name] = entry
			out = append(out, name)
		}
	})
	if len(out) == 0 && len(r.faults) == before {
		r.fault(n, "group %q has no members: nobody could approve", group)
	}
	slices.Sort(out)
	return out
}

// people reads a list of groups: their names and all members.
func (r *reader) people(p *Policy, n *yaml.Node, what string) (names, people []string) {
	people = []string{}
	r.list(n, what, func(entry *yaml.Node) {
		name := r.text(entry, "a group in "+what)
		members, known := p.groups[name]
		switch {
		case name == "":
			return
		case slices.Contains(names, name):
			r.fault(entry, "group %q is in %s twice", name, what)
			return
		case !known && name != access.Anyone:
			r.fault(entry, "unknown group %q in %s: groups are %s", name, what, p.groupNames())
		}
		names = append(names, name)
		people = append(people, members...)
	})
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		r.fault(n, "%s is empty: name at least one group", what)
	}
	if slices.Contains(names, access.Anyone) && len(names) > 1 {
		r.fault(n, "%s has other groups beside %q, which is everybody: leave them out", what, access.Anyone)
	}
	slices.Sort(people)
	return names, slices.Compact(people)
}

func (p *Policy) groupNames() string {
	names := []string{access.Anyone}
	for name := range p.groups {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
