package policy

import (
	"bytes"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"go.yaml.in/yaml/v3"
)

// look notes which variables a condition uses and refuses what type checking passes
// but could never be meant. It says whether there was nothing to refuse.
func (r *reader) look(p *Policy, n *yaml.Node, checked *cel.Ast, c *condition, what string) bool {
	native, before := checked.NativeRep(), len(r.faults)
	refuse := func(e ast.Expr, format string, args ...any) {
		line, column := n.Line, 0
		if at := native.SourceInfo().GetStartLocation(e.ID()); at.Line() > 0 {
			line, column = r.position(n, at.Line(), at.Column()-1) // from 1, unlike those of issues
		}
		r.faultAt(line, column, what+": "+format, args...)
	}
	group := func(e ast.Expr, name string) {
		if _, known := p.groups[name]; !known {
			refuse(e, "unknown group %q: groups are %s", name, p.groupNames())
		}
	}
	ast.PreOrderVisit(native.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind:
			c.uses[e.AsIdent()] = true
		case ast.SelectKind:
			if of := e.AsSelect().Operand(); of.Kind() == ast.IdentKind {
				c.uses[of.AsIdent()+"."+e.AsSelect().FieldName()] = true
				if of.AsIdent() == "groups" {
					group(e, e.AsSelect().FieldName())
				}
			}
		case ast.CallKind:
			if name, ok := indexed(e, "groups"); ok {
				group(e, name)
			}
		case ast.StructKind:
			refuse(e, "a condition makes no objects")
		case ast.LiteralKind:
			if text, ok := e.AsLiteral().(types.String); ok && strings.Contains(string(text), "@") &&
				Fold(string(text)) != string(text) {
				refuse(e, "%q never matches, since addresses are compared in lower case and without spaces: write %q",
					text, Fold(string(text)))
			}
		default: // its parts are visited by themselves
		}
	}))
	return len(r.faults) == before
}

// indexed is the name in variable["name"].
func indexed(e ast.Expr, variable string) (string, bool) {
	call := e.AsCall()
	if call.FunctionName() != operators.Index || len(call.Args()) != 2 || call.Args()[0].Kind() != ast.IdentKind ||
		call.Args()[0].AsIdent() != variable || call.Args()[1].Kind() != ast.LiteralKind {
		return "", false
	}
	name, ok := call.Args()[1].AsLiteral().(types.String)
	return string(name), ok
}

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
	return strings.Join(slices.DeleteFunc(strings.Fields(text), func(s string) bool { return s == "" }), " ")
}
