package policy

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"go.yaml.in/yaml/v3"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// fixedValues are the values of variables that have few. A comparison with another string
// is a mistake, and would make a deny match nothing.
var fixedValues = map[string][]string{
	"op":             allKinds,
	"mode":           {modeDelete, modeBaseline},
	"principal.kind": {string(access.User), string(access.ServiceUser)},
	"scope.level":    {string(access.Tenant), string(access.AccountLevel), string(access.SiteLevel)},
	"weekday":        {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"},
}

// nameCheck checks that the groups and values in a condition exist. CEL has checked
// variables, fields and types before.
type nameCheck struct {
	*parser

	node   *yaml.Node // the condition
	source *ast.SourceInfo
	what   string
}

// checkNames rejects conditions that name unknown groups or values. It returns whether it
// found no fault.
func (p *parser) checkNames(n *yaml.Node, checked *cel.Ast, what string) bool {
	native, before := checked.NativeRep(), len(p.faults)
	c := &nameCheck{parser: p, node: n, source: native.SourceInfo(), what: what}
	ast.PreOrderVisit(native.Expr(), ast.NewExprVisitor(c.visit))
	return len(p.faults) == before
}

func (c *nameCheck) visit(e ast.Expr) {
	switch e.Kind() {
	case ast.SelectKind:
		if variable, field, ok := strings.Cut(variableOf(e), "."); ok && variable == "groups" {
			c.group(e, field)
		}
	case ast.CallKind:
		c.call(e)
	case ast.StructKind:
		c.refuse(e, "a condition cannot create objects: compare single fields, such as role.name")
	case ast.LiteralKind:
		text, ok := stringOf(e)
		// A dot at the end may be the start of more, as in requester.startsWith("ana@example.").
		if folded := access.Fold(text); ok && strings.Contains(text, "@") && folded != strings.TrimRight(text, ".") {
			c.refuse(e, "%q never matches, because addresses are compared in lower case and without spaces: write %q",
				text, folded)
		}
	default: // the visitor goes into its parts
	}
}

// call checks groups["name"], and comparisons with variables that have fixed values.
func (c *nameCheck) call(e ast.Expr) {
	args := e.AsCall().Args()
	if len(args) != 2 {
		return
	}
	switch e.AsCall().FunctionName() {
	case operators.Index:
		if name, ok := stringOf(args[1]); ok && variableOf(args[0]) == "groups" {
			c.group(e, name)
		}
	case operators.Equals, operators.NotEquals:
		c.values(variableOf(args[0]), args[1])
		c.values(variableOf(args[1]), args[0])
	case operators.In:
		if args[1].Kind() == ast.ListKind {
			c.values(variableOf(args[0]), args[1].AsList().Elements()...)
		}
	}
}

func (c *nameCheck) group(e ast.Expr, name string) {
	if _, known := c.policy.groups[name]; !known {
		c.refuse(e, "unknown group %q: the groups are %s", name, c.policy.groupNames())
	}
}

func (c *nameCheck) values(variable string, compared ...ast.Expr) {
	known, fixed := fixedValues[variable]
	for _, e := range compared {
		if text, ok := stringOf(e); fixed && ok && !slices.Contains(known, text) {
			c.refuse(e, "%s is never %q: write %s", variable, text, describe.Or(known))
		}
	}
}

func (c *nameCheck) refuse(e ast.Expr, format string, args ...any) {
	line, column := c.node.Line, 0
	if at := c.source.GetStartLocation(e.ID()); at.Line() > 0 {
		line, column = c.position(c.node, at.Line(), at.Column()-1) // from 1, unlike those of CEL's issues
	}
	c.faultAt(line, column, c.what+": "+format, args...)
}

// reads returns whether an expression reads a variable.
func reads(checked *cel.Ast, variable string) bool {
	found := false
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		found = found || e.Kind() == ast.IdentKind && e.AsIdent() == variable
	}))
	return found
}

// variableOf is the variable, or the field of one, that e reads: "op" or "scope.level";
// "" if e is something else.
func variableOf(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent()
	case ast.SelectKind:
		if of := e.AsSelect().Operand(); of.Kind() == ast.IdentKind {
			return of.AsIdent() + "." + e.AsSelect().FieldName()
		}
	default:
	}
	return ""
}

// stringOf is the text of a literal.
func stringOf(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().(types.String)
	return string(text), ok
}
