package policy

import (
	"bytes"
	"time"
	_ "time/tzdata" // so that a policy means the same on machines without time zones

	"go.yaml.in/yaml/v3"

	"sentinelone-provisioner/internal/textfile"
)

// maxRules bounds how long the checks take: each rule is compared with every other.
const maxRules = 500

// parser fills a policy from a YAML document and collects every fault with its line.
type parser struct {
	policy *Policy
	lines  [][]byte // of the file
	faults []FaultError
	// strict are faults of a new file only: a policy on record stays what it was.
	strict []FaultError
}

// Parse is [Load] for text that is already in memory. Faults and messages use the name
// for the file.
func Parse(name string, data []byte) (*Policy, error) {
	p, _, err := parse(name, data)
	return p, err
}

// parse returns what is wrong with a new file of that text only, too.
func parse(name string, data []byte) (_ *Policy, strict []FaultError, _ error) {
	plain, err := textfile.Text(data)
	if err != nil {
		plain = data // a policy on record stays what it was; Load refuses a new one
	}
	p := &parser{lines: bytes.Split(plain, []byte("\n")), policy: &Policy{
		name: name, text: bytes.Clone(data), hash: HashOf(data), zone: time.UTC, groups: map[string][]string{},
	}}
	if root := p.document(plain); root != nil {
		p.parsePolicy(root)
	}
	if err := p.err(); err != nil {
		return nil, p.strict, err
	}
	return p.policy, p.strict, nil
}

// parsePolicy reads the whole document. It reads groups first, wherever they stand,
// because rules name them.
func (p *parser) parsePolicy(root *yaml.Node) {
	var groups, rules, separate, drift *yaml.Node
	ok := p.mapping(root, "the policy", []field{
		{"timezone", p.parseZone},
		{"groups", func(n *yaml.Node) { groups = n }},
		{"rules", func(n *yaml.Node) { rules = n }},
		{"separationOfDuties", func(n *yaml.Node) { separate = n }},
		{"drift", func(n *yaml.Node) { drift = n }},
	})
	if !ok {
		return
	}
	if groups != nil {
		p.parseGroups(groups)
	}
	if separate != nil {
		p.list(separate, "separationOfDuties", p.parseSeparation)
	}
	if drift != nil {
		p.list(drift, "drift", p.parseDriftRule)
	}
	if rules == nil {
		p.fault(root, "rules are missing: add at least one")
		return
	}
	if len(rules.Content) > maxRules {
		p.fault(rules, "there are %d rules, but at most %d are allowed: merge or remove some",
			len(rules.Content), maxRules)
		return
	}
	p.list(rules, "rules", p.parseRule)
	if rules.Kind == yaml.SequenceNode && len(rules.Content) == 0 {
		p.fault(rules, "rules are empty: add at least one")
	}
	p.checkShadowed()
}

func (p *parser) parseZone(n *yaml.Node) {
	name := p.nonEmptyString(n, "timezone")
	if name == "" {
		return
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		p.fault(n, "unknown timezone %q: write a name such as Europe/Brussels or UTC", name)
		return
	}
	p.policy.zone = zone
}
