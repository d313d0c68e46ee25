package inspect

import (
	"errors"

	"sentinelone-provisioner/internal/console"
)

// ScopeError says that the console refuses collections because of the scope of the token's user. Its
// role may have every permission.
type ScopeError struct {
	Collections []string
	causes      []error // the console's answers, one per collection
}

// Error implements error: the console's own answer to the first, which says what to do.
func (e *ScopeError) Error() string {
	return "the console does not list " + enumerate(e.Collections) + ": " + e.causes[0].Error()
}

// Unwrap returns the console's answers, one per collection.
func (e *ScopeError) Unwrap() []error { return e.causes }

// wrongScope is nil if no collection is refused because of a scope.
func (r Report) wrongScope() error {
	e := &ScopeError{}
	for _, p := range r.Permissions {
		if isWrongScope(p.Err) {
			e.Collections = append(e.Collections, string(p.Collection))
			e.causes = append(e.causes, p.Err)
		}
	}
	if len(e.causes) == 0 {
		return nil
	}
	return e
}

func isWrongScope(err error) bool {
	answer, ok := errors.AsType[*console.Error](err)
	return ok && answer.WrongScope()
}
