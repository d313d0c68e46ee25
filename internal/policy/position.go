package policy

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// position is the place in the file of a place in a condition, whose lines count from 1
// and columns from 0. In a text that YAML folds it is the text's first line.
func (r *reader) position(n *yaml.Node, line, column int) (fileLine, fileColumn int) {
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		at := n.Line + line
		if n.Line >= len(r.lines) || at > len(r.lines) {
			return n.Line, 0
		}
		first := r.lines[n.Line]
		indent := len(first) - len(bytes.TrimLeft(first, " "))
		return at, indent + column + 1
	case line == 1 && n.Style&yaml.FoldedStyle == 0 && !folded(r, n):
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			column++
		}
		return n.Line, n.Column + column
	}
	return n.Line, 0
}

// folded says whether a text of one line spans several in the file.
func folded(r *reader, n *yaml.Node) bool {
	if n.Line < 1 || n.Line > len(r.lines) {
		return true
	}
	words := strings.Fields(n.Value)
	return len(words) > 0 && !bytes.Contains(r.lines[n.Line-1], []byte(words[len(words)-1]))
}

// oneLine is the text without line breaks.
func oneLine(text string) string {
	return strings.Join(strings.Fields(text), " ")
}
