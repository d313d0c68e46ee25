package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// FaultError is one thing that is wrong with a policy file.
type FaultError struct {
	File   string
	Line   int // from 1
	Column int // from 1; 0 where the line says it all
	Text   string
}

// Error is "policy.yaml:12:7: what is wrong".
func (f FaultError) Error() string {
	if f.Column > 0 {
		return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text)
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
}

// Faults takes the error of [Load] or [Parse] apart. A file that could not be read has
// none.
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

// err joins what was found wrong, in the order of the file.
func (r *reader) err() error {
	slices.SortStableFunc(r.faults, func(a, b FaultError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	all := make([]error, len(r.faults))
	for i, f := range r.faults {
		all[i] = f
	}
	return errors.Join(all...)
}
