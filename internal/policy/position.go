package policy

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// position maps a position in a condition (line from 1, column from 0) to one in the file
// (both from 1; column 0 if unknown). In a text that YAML folds it is the first line.
func (p *parser) position(n *yaml.Node, line, column int) (fileLine, fileColumn int) {
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		at := n.Line + line
		if n.Line >= len(p.lines) || at > len(p.lines) {
			return n.Line, 0
		}
		first := p.lines[n.Line]
		indent := len(first) - len(bytes.TrimLeft(first, " "))
		return at, indent + column + 1
	case line == 1 && n.Style&yaml.FoldedStyle == 0 && !p.spansLines(n):
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			column++
		}
		return n.Line, n.Column + column
	}
	return n.Line, 0
}

// spansLines returns whether a plain or quoted text continues on further lines of the file.
func (p *parser) spansLines(n *yaml.Node) bool {
	if n.Line < 1 || n.Line > len(p.lines) {
		return true
	}
	words := strings.Fields(n.Value)
	return len(words) > 0 && !bytes.Contains(p.lines[n.Line-1], []byte(words[len(words)-1]))
}
