package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// FaultError is one fault of a policy file.
type FaultError struct {
	File   string
	Line   int    // from 1
	Column int    // from 1; 0 if the fault is about the whole line
	Text   string // what is wrong, and what to do
}

// Error is "policy.yaml:12:7: text".
func (f FaultError) Error() string {
	if f.Column > 0 {
		return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text)
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
}

// Faults returns the faults in an error of [Load] or [Parse]; none if the file could not
// be read.
func Faults(err error) []FaultError {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return nil
	}
	var out []FaultError
	for _, e := range joined.Unwrap() {
		if f, ok := errors.AsType[FaultError](e); ok {
			out = append(out, f)
		}
	}
	return out
}

func (p *parser) fault(n *yaml.Node, format string, args ...any) {
	p.faultAt(n.Line, 0, format, args...)
}

// faultAt adds a fault; line and column count from 1, column 0 means the whole line.
func (p *parser) faultAt(line, column int, format string, args ...any) {
	p.faults = append(p.faults, FaultError{
		File: p.policy.name, Line: line, Column: column, Text: fmt.Sprintf(format, args...),
	})
}

// err joins the faults in the order of the file.
func (p *parser) err() error {
	slices.SortStableFunc(p.faults, func(a, b FaultError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	all := make([]error, len(p.faults))
	for i, f := range p.faults {
		all[i] = f
	}
	return errors.Join(all...)
}
