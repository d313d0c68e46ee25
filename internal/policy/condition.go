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
	text    string // in one spelling, whatever the spaces of the file
	program cel.Program
}

// condition reads a `when`, which is CEL; true and false may stand as YAML. It is nil
// after a fault.
func (r *reader) condition(p *Policy, n *yaml.Node, what string) *condition {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" && r.text(n, what) == "" {
		if n.Kind != yaml.ScalarNode {
			r.fault(n, "%s is %s: write a condition in CEL", what, kindOf(n))
		}
		return nil
	}
	env, err := environment()
	if err != nil {
		r.fault(n, "%s cannot be read: %v", what, err)
		return nil
	}
	ast, issues := env.Compile(n.Value)
	if issues.Err() != nil {
		for _, e := range issues.Errors() {
			line, column := r.position(n, e.Location.Line(), e.Location.Column())
			r.faultAt(line, column, "%s: %s", what, oneLine(e.Message))
		}
		return nil
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		r.fault(n, "%s is a %s and no condition: it must be true or false", what, cel.FormatCELType(ast.OutputType()))
		return nil
	}
	if !r.checkNames(p, n, ast, what) {
		return nil
	}
	c := &condition{}
	if c.text, err = cel.AstToString(ast); err != nil {
		c.text = n.Value
	}
	c.program, err = env.Program(ast, cel.EvalOptions(cel.OptPartialEval), cel.CostLimit(costLimit))
	if err != nil {
		r.fault(n, "%s: %s", what, oneLine(err.Error()))
		return nil
	}
	return c
}

// errUndecided says that a condition depends on what is not known yet.
var errUndecided = errors.New("the condition depends on values that are not known")

// holds says whether the condition is true; a nil one is. vars is a map of values, or
// one with unknown ones.
func (c *condition) holds(vars any) (bool, error) {
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
		return false, fmt.Errorf("it is a %s, not true or false", value.Type().TypeName())
	}
	return truth, nil
}

// String is the condition's text; "true" for none.
func (c *condition) String() string {
	if c == nil {
		return "true"
	}
	return c.text
}
