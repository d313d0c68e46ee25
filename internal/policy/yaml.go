package policy

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"sentinelone-provisioner/internal/access"
)

// maxSize bounds the file, in bytes; policies that people write are far smaller.
const maxSize = 1 << 20

// yamlLine matches the start of the YAML parser's errors.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// document returns the root of the only document; nil after a fault.
func (p *parser) document(data []byte) *yaml.Node {
	if len(data) > maxSize {
		p.faultAt(1, 0, "the file is larger than 1 MiB: a policy must be smaller")
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		p.faultAt(1, 0, "the file is empty: add at least one rule")
		return nil
	case err != nil:
		line, text := 1, err.Error()
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				line = n
			}
			text = text[len(m[0]):]
		}
		p.faultAt(line, 0, "invalid YAML: %s; correct the syntax", text)
		return nil
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		p.faultAt(max(more.Line, 1), 0, "a second document begins here: a policy is one document, remove the others")
		return nil
	}
	if len(doc.Content) == 0 {
		p.faultAt(1, 0, "the file is empty: add at least one rule")
		return nil
	}
	return resolveAlias(doc.Content[0])
}

// resolveAlias returns the node that an alias stands for; other nodes unchanged.
func resolveAlias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// field is a key that a mapping may have, and the function that reads its value.
type field struct {
	key  string
	read func(value *yaml.Node)
}

// mapping reads keys and values. Unknown and repeated keys are faults. It returns whether
// n is a mapping.
func (p *parser) mapping(n *yaml.Node, what string, fields []field) bool {
	if n.Kind != yaml.MappingNode {
		p.fault(n, "%s is %s: write keys with values", what, describeNode(n))
		return false
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolveAlias(n.Content[i+1])
		at := slices.IndexFunc(fields, func(f field) bool { return f.key == key.Value && key.Kind == yaml.ScalarNode })
		if at < 0 {
			p.fault(key, "unknown key %q in %s: the keys are %s", key.Value, what, keys(fields))
			continue
		}
		if first, twice := lines[key.Value]; twice {
			p.fault(key, "%q is given twice in %s, first on line %d: remove one", key.Value, what, first)
			continue
		}
		lines[key.Value] = key.Line
		fields[at].read(value)
	}
	return true
}

func keys(fields []field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.key
	}
	return strings.Join(names, ", ")
}

// describeNode says what a node is, for faults: "a list", "the number 7".
func describeNode(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		switch n.Tag {
		case "!!null":
			return "empty"
		case "!!bool", "!!int", "!!float":
			return "the " + map[string]string{"!!bool": "boolean", "!!int": "number", "!!float": "number"}[n.Tag] +
				" " + n.Value
		}
		return strconv.Quote(n.Value)
	default:
	}
	return "of an unknown kind"
}

// list reads each entry of a list.
func (p *parser) list(n *yaml.Node, what string, each func(entry *yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		p.fault(n, "%s is %s: write a list", what, describeNode(n))
		return
	}
	for _, entry := range n.Content {
		each(resolveAlias(entry))
	}
}

// nonEmptyString reads a string; "" after a fault.
func (p *parser) nonEmptyString(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" || strings.TrimSpace(n.Value) == "" {
		p.fault(n, "%s is %s: write a string", what, describeNode(n))
		return ""
	}
	return n.Value
}

// id reads a string or a number as it is written; "" after a fault.
func (p *parser) id(n *yaml.Node, what string) string {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!int" {
		return n.Value
	}
	return p.nonEmptyString(n, what)
}

// boolean reads true or false; false after a fault.
func (p *parser) boolean(n *yaml.Node, what string) bool {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		p.fault(n, "%s is %s: write true or false", what, describeNode(n))
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// positiveInt reads an integer; 0 after a fault.
func (p *parser) positiveInt(n *yaml.Node, what string) int {
	value, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || value < 1 {
		p.fault(n, "%s is %s: write an integer of at least 1", what, describeNode(n))
		return 0
	}
	return value
}

// duration reads a positive duration; 0 after a fault.
func (p *parser) duration(n *yaml.Node, what string) access.Duration {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
		p.fault(n, "%s is %s: write a duration such as 8h or 90m", what, describeNode(n))
		return 0
	}
	switch d, err := time.ParseDuration(n.Value); {
	case err != nil:
		p.fault(n, "%s: invalid duration %q: write it as 8h or 90m; a day is 24h", what, n.Value)
	case d <= 0:
		p.fault(n, "%s is %s: a duration must be positive", what, n.Value)
	default:
		return access.Duration(d)
	}
	return 0
}
