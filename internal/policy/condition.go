package policy

import (
	"errors"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"go.yaml.in/yaml/v3"
)

// condition is a compiled `when`.
type condition struct {
	text    string // formatted by CEL, so that equal conditions have equal texts
	program cel.Program
	names   bool // it reads the variable requester
}

// parseCondition compiles a `when`: CEL in a string, or a YAML boolean. It returns nil
// after a fault.
func (p *parser) parseCondition(n *yaml.Node, what string) *condition {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" && p.nonEmptyString(n, what) == "" {
		if n.Kind != yaml.ScalarNode {
			p.fault(n, "%s is %s: write a condition in CEL", what, describeNode(n))
		}
		return nil
	}
	env, err := environment()
	if err != nil {
		p.fault(n, "%s cannot be compiled: %v", what, err)
		return nil
	}
	ast, issues := env.Compile(n.Value)
	if issues.Err() != nil {
		for _, e := range issues.Errors() {
			line, column := p.position(n, e.Location.Line(), e.Location.Column())
			p.faultAt(line, column, "%s: %s", what, oneLine(e.Message))
		}
		return nil
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		p.fault(n, "%s is a %s, not a condition: write an expression that is true or false",
			what, cel.FormatCELType(ast.OutputType()))
		return nil
	}
	if !p.checkNames(n, ast, what) {
		return nil
	}
	c := &condition{names: reads(ast, "requester")}
	if c.text, err = cel.AstToString(ast); err != nil {
		c.text = n.Value
	}
	c.program, err = env.Program(ast, cel.EvalOptions(cel.OptPartialEval), cel.CostLimit(costLimit))
	if err != nil {
		p.fault(n, "%s: %s", what, oneLine(err.Error()))
		return nil
	}
	return c
}

// errUndecided is the result of a condition that depends on unknown variables.
var errUndecided = errors.New("the condition depends on unknown variables")

// eval returns whether the condition is true; a nil condition always is. vars is a map of
// values by variable, or the result of [cel.PartialVars], with which eval may return
// errUndecided.
func (c *condition) eval(vars any) (bool, error) {
	if c == nil {
		return true, nil
	}
	value, _, err := c.program.Eval(vars)
	switch {
	case err != nil:
		return false, errors.New(oneLine(err.Error()))
	case types.IsUnknown(value):
		return false, errUndecided
	}
	truth, ok := value.Value().(bool)
	if !ok {
		return false, fmt.Errorf("it is a %s, not a boolean", value.Type().TypeName())
	}
	return truth, nil
}

// readsRequester returns whether the condition may depend on the requester's name.
func (c *condition) readsRequester() bool { return c != nil && c.names }

// String is the condition's text; "true" for a nil condition.
func (c *condition) String() string {
	if c == nil {
		return "true"
	}
	return c.text
}
