package wire

import (
	"errors"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// ValidateScopes returns all faults of the one scope, or of the list of them, joined; nil if there
// is none.
func (in GrantInput) ValidateScopes() error {
	switch {
	case len(in.Scopes) == 0:
		return in.Scope.Validate()
	case in.Scope != access.ScopeSelector{}:
		return errors.New("scope and scopes are both given: leave one of them out")
	case len(in.Scopes) > access.MaxScopes:
		return nil // Limits says so
	}
	var faults []error
	for i, s := range in.Scopes {
		faults = append(faults, atScope(i, s.Validate()))
		switch {
		case s.Level != in.Scopes[0].Level:
			faults = append(faults, fmt.Errorf("scopes are at %s and at %s level, and a principal has one level: "+
				"request each level separately", in.Scopes[0].Level, s.Level))
		case slices.ContainsFunc(in.Scopes[:i], func(x access.ScopeSelector) bool { return sameScope(x, s) }):
			faults = append(faults, fmt.Errorf("scopes lists %s twice: leave one of them out", s))
		}
	}
	return errors.Join(faults...)
}

// limitsOfScopes checks how many scopes there are, and their names.
func (in GrantInput) limitsOfScopes() error {
	if len(in.Scopes) > access.MaxScopes {
		return fmt.Errorf("scopes lists %d: the maximum is %d; request the others separately",
			len(in.Scopes), access.MaxScopes)
	}
	var faults []error
	for i, s := range in.Scopes {
		faults = append(faults, atScope(i, s.Limits()))
	}
	return errors.Join(faults...)
}

func atScope(i int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("scopes[%d]: %w", i, err)
}

func sameScope(a, b access.ScopeSelector) bool {
	return a.Level == b.Level && a.ID == b.ID && access.Fold(a.Name) == access.Fold(b.Name)
}
