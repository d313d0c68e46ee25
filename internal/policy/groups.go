package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"sentinelone-provisioner/internal/access"
)

// parseGroups reads the groups with their members. The file chooses the names, so they
// are not fields.
func (p *parser) parseGroups(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		p.fault(n, "groups are %s: write group names with lists of people", describeNode(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolveAlias(n.Content[i+1])
		name := p.nonEmptyString(key, "a group's name")
		switch _, twice := p.policy.groups[name]; {
		case name == "":
		case name == access.Anyone:
			p.fault(key, "group %q always means everybody and cannot be defined: choose another name", name)
		case twice:
			p.fault(key, "group %q is defined twice: merge the two", name)
		default:
			p.policy.groups[name] = p.parseMembers(name, value)
		}
	}
}

// mailAddress matches what looks like an address; whether it exists is not checked.
var mailAddress = regexp.MustCompile(`^[^\s@<>,;"]+@[^\s@<>,;"]+$`)

func (p *parser) parseMembers(group string, n *yaml.Node) []string {
	before := len(p.faults)
	lines := map[string]*yaml.Node{}
	out := []string{}
	p.list(n, "group "+strconv.Quote(group), func(entry *yaml.Node) {
		text := p.nonEmptyString(entry, "a member of group "+strconv.Quote(group))
		if text == "" {
			return
		}
		name := access.Fold(text)
		first, twice := lines[name]
		switch {
		case !mailAddress.MatchString(name):
			p.fault(entry, "member %q of group %q is not an e-mail address: write one such as ana@example.com",
				text, group)
		case twice:
			p.fault(entry, "group %q has %s twice: as %q on line %d and as %q here; remove one",
				group, name, first.Value, first.Line, text)
		default:
			lines[name] = entry
			out = append(out, name)
			if err := access.ValidPerson("member", name); err != nil { // as ana(soc)@example.com, who may not decide
				p.strict = append(p.strict, FaultError{File: p.policy.name, Line: entry.Line, Text: fmt.Sprintf(
					"member %q of group %q cannot decide about anything: write the address alone, "+
						"as in ana@example.com", text, group)})
			}
		}
	})
	if len(out) == 0 && len(p.faults) == before {
		p.fault(n, "group %q has no members: add at least one person", group)
	}
	slices.Sort(out)
	return out
}

// parseGroupList reads a list of group names. It returns the names, and all members
// sorted and without duplicates.
func (p *parser) parseGroupList(n *yaml.Node, what string) (names, people []string) {
	people = []string{}
	p.list(n, what, func(entry *yaml.Node) {
		name := p.nonEmptyString(entry, "a group in "+what)
		members, known := p.policy.groups[name]
		switch {
		case name == "":
			return
		case slices.Contains(names, name):
			p.fault(entry, "group %q is in %s twice: remove one", name, what)
			return
		case !known && name != access.Anyone:
			p.fault(entry, "unknown group %q in %s: the groups are %s", name, what, p.policy.groupNames())
		}
		names = append(names, name)
		people = append(people, members...)
	})
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		p.fault(n, "%s is empty: name at least one group", what)
	}
	if slices.Contains(names, access.Anyone) && len(names) > 1 {
		p.fault(n, "%s has other groups beside %q, which means everybody: remove them", what, access.Anyone)
	}
	slices.Sort(people)
	return names, slices.Compact(people)
}

// groupNames lists the groups for messages.
func (p *Policy) groupNames() string {
	names := []string{access.Anyone}
	for name := range p.groups {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
