package access

import (
	"errors"
	"fmt"
	"strings"
)

// PrincipalSelector names a principal by exactly one of id, email and name.
type PrincipalSelector struct {
	Kind  Kind   `json:"kind"`
	ID    string `json:"id,omitempty"`
	Email string `json:"email,omitempty"` // users only
	Name  string `json:"name,omitempty"`  // full name of a user, name of a service user
}

// RoleSelector names a role by its id or its name. Only the id is unique.
type RoleSelector struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// ScopeSelector names a scope by its level and its id or name. The tenant has neither. The
// name of a site may be "Account / Site".
type ScopeSelector struct {
	Level Level  `json:"level"`
	ID    string `json:"id,omitempty"`
	Name  string `json:"name,omitempty"`
}

// Validate returns the first fault of the selector; nil if there is none.
func (s PrincipalSelector) Validate() error {
	if s.Kind != User && s.Kind != ServiceUser {
		return fmt.Errorf("principal.kind is %q: write user or serviceUser", s.Kind)
	}
	if s.Kind == ServiceUser && s.Email != "" {
		return errors.New("principal.email is given for a service user, which has none: give its name or id")
	}
	if given(s.ID, s.Email, s.Name) != 1 {
		if s.Kind == User {
			return errors.New("principal: give one of email, name and id")
		}
		return errors.New("principal: give one of name and id")
	}
	return checkID("principal.id", s.ID)
}

// Validate returns the first fault of the selector; nil if there is none.
func (s RoleSelector) Validate() error {
	if given(s.ID, s.Name) != 1 {
		return errors.New("role: give one of name and id")
	}
	return checkID("role.id", s.ID)
}

// Validate returns the first fault of the selector; nil if there is none.
func (s ScopeSelector) Validate() error {
	switch {
	case s.Level == GroupLevel:
		return errors.New("scope.level is group, where roles cannot be granted: write tenant, account or site")
	case !s.Level.Assignable():
		return fmt.Errorf("scope.level is %q: write tenant, account or site", s.Level)
	case s.Level == Tenant && given(s.ID, s.Name) > 0:
		return errors.New("scope: the tenant has neither id nor name: leave them out")
	case s.Level != Tenant && given(s.ID, s.Name) != 1:
		return fmt.Errorf("scope: give one of name and id of the %s", s.Level)
	}
	return checkID("scope.id", s.ID)
}

// Limits returns which texts of the selector are too long; nil if none is.
func (s PrincipalSelector) Limits() error {
	return errors.Join(Length("principal.kind", string(s.Kind), MaxIDBytes), Length("principal.id", s.ID, MaxIDBytes),
		Length("principal.email", s.Email, MaxPersonBytes), Length("principal.name", s.Name, MaxNameBytes))
}

// Limits returns which texts of the selector are too long; nil if none is.
func (s RoleSelector) Limits() error {
	return errors.Join(Length("role.id", s.ID, MaxIDBytes), Length("role.name", s.Name, MaxNameBytes))
}

// Limits returns which texts of the selector are too long; nil if none is. The name of a
// site may have that of its account before it.
func (s ScopeSelector) Limits() error {
	return errors.Join(Length("scope.level", string(s.Level), MaxIDBytes), Length("scope.id", s.ID, MaxIDBytes),
		Length("scope.name", s.Name, 2*MaxNameBytes))
}

func given(values ...string) int {
	n := 0
	for _, v := range values {
		if strings.TrimSpace(v) != "" {
			n++
		}
	}
	return n
}

func checkID(field, id string) error {
	if strings.Trim(id, "0123456789") != "" {
		return fmt.Errorf("%s is %q: console ids are digits only", field, id)
	}
	return nil
}

// String is how messages call what is selected.
func (s PrincipalSelector) String() string {
	word := "user"
	if s.Kind == ServiceUser {
		word = "service user"
	}
	if s.ID != "" {
		return word + " with id " + s.ID
	}
	return fmt.Sprintf("%s %q", word, s.Email+s.Name)
}

// String is how messages call what is selected.
func (s RoleSelector) String() string {
	if s.ID != "" {
		return "role with id " + s.ID
	}
	return fmt.Sprintf("role %q", s.Name)
}

// String is how messages call what is selected.
func (s ScopeSelector) String() string {
	switch {
	case s.Level == Tenant:
		return "the tenant"
	case s.ID != "":
		return string(s.Level) + " with id " + s.ID
	}
	return fmt.Sprintf("%s %q", s.Level, s.Name)
}

// NoMatchError is the error of a selector that matches nothing, or too much.
type NoMatchError struct {
	What    string   // "user \"ana@example.com\""
	Matches []string // each with its id; none if nothing matches
	Similar []string // what it may have meant, if nothing matches
	Hint    string   // what to do beside naming an id
}

// Error lists the matches and their ids.
func (e *NoMatchError) Error() string {
	var b strings.Builder
	switch {
	case len(e.Matches) > 0:
		fmt.Fprintf(&b, "%s matches %d: %s; name one by its id", e.What, len(e.Matches), strings.Join(e.Matches, ", "))
	case len(e.Similar) > 0:
		fmt.Fprintf(&b, "no %s is on the console; did you mean %s?", e.What, strings.Join(e.Similar, ", "))
	default:
		fmt.Fprintf(&b, "no %s is on the console, or the token cannot see it", e.What)
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}
