package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"sentinelone-provisioner/internal/access"
)

// reader reads YAML nodes as what the format says they are, and notes every fault
// with its line.
type reader struct {
	file   string
	lines  [][]byte
	faults []FaultError
}

// maxSize is more than any policy that people wrote.
const maxSize = 1 << 20

func (r *reader) fault(n *yaml.Node, format string, args ...any) {
	r.faultAt(n.Line, 0, format, args...)
}

func (r *reader) faultAt(line, column int, format string, args ...any) {
	r.faults = append(r.faults, FaultError{
		File: r.file, Line: line, Column: column, Text: fmt.Sprintf(format, args...),
	})
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// document is the one document of the file; nil after a fault.
func (r *reader) document(data []byte) *yaml.Node {
	if len(data) > maxSize {
		r.faultAt(1, 0, "the file is larger than 1 MiB: that is no policy")
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		r.faultAt(1, 0, "the file is empty: give at least one rule")
		return nil
	case err != nil:
		line, text := 1, err.Error()
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				line = n
			}
			text = text[len(m[0]):]
		}
		r.faultAt(line, 0, "this is not YAML: %s", text)
		return nil
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		r.faultAt(max(more.Line, 1), 0, "a second document begins after the first: a policy is one document")
		return nil
	}
	if len(doc.Content) == 0 {
		r.faultAt(1, 0, "the file is empty: give at least one rule")
		return nil
	}
	return target(doc.Content[0])
}

// target follows an alias.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// field reads the value of one key.
type field struct {
	key  string
	read func(value *yaml.Node)
}

// mapping reads keys and values; keys that are none of the fields, or given twice, are
// faults. It says whether n is a mapping.
func (r *reader) mapping(n *yaml.Node, what string, fields []field) bool {
	if n.Kind != yaml.MappingNode {
		r.fault(n, "%s is %s: write it as keys with values", what, kindOf(n))
		return false
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], target(n.Content[i+1])
		at := slices.IndexFunc(fields, func(f field) bool { return f.key == key.Value && key.Kind == yaml.ScalarNode })
		if at < 0 {
			r.fault(key, "unknown key %q in %s: it has %s", key.Value, what, keys(fields))
			continue
		}
		if first, twice := lines[key.Value]; twice {
			r.fault(key, "%q is given twice in %s, first on line %d", key.Value, what, first)
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

func kindOf(n *yaml.Node) string {
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
			return "the " + map[string]string{"!!bool": "truth value", "!!int": "number", "!!float": "number"}[n.Tag] +
				" " + n.Value
		}
		return strconv.Quote(n.Value)
	default:
	}
	return "nothing that is known"
}

// list reads each entry of a list.
func (r *reader) list(n *yaml.Node, what string, each func(entry *yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, "%s is %s: write a list", what, kindOf(n))
		return
	}
	for _, entry := range n.Content {
		each(target(entry))
	}
}

// text reads a text that is not empty.
func (r *reader) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" || strings.TrimSpace(n.Value) == "" {
		r.fault(n, "%s is %s: write a text", what, kindOf(n))
		return ""
	}
	return n.Value
}

// id reads a text or a number, as it is written.
func (r *reader) id(n *yaml.Node, what string) string {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!int" {
		return n.Value
	}
	return r.text(n, what)
}

func (r *reader) truth(n *yaml.Node, what string) bool {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		r.fault(n, "%s is %s: write true or false", what, kindOf(n))
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// whole reads a whole number from 1.
func (r *reader) whole(n *yaml.Node, what string) int {
	value, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || value < 1 {
		r.fault(n, "%s is %s: write a whole number from 1", what, kindOf(n))
		return 0
	}
	return value
}

// duration reads a time span above 0; 0 after a fault.
func (r *reader) duration(n *yaml.Node, what string) access.Duration {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
		r.fault(n, "%s is %s: write a duration such as 8h or 90m", what, kindOf(n))
		return 0
	}
	switch d, err := time.ParseDuration(n.Value); {
	case err != nil:
		r.fault(n, "%s: %q is no duration: write it as 8h or 90m; a day is 24h", what, n.Value)
	case d <= 0:
		r.fault(n, "%s is %s: a duration is more than 0", what, n.Value)
	default:
		return access.Duration(d)
	}
	return 0
}
