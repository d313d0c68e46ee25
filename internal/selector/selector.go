// Package selector reads principals, roles, scopes and request ids as people type them.
package selector

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// Scopes are the scopes that the last sync knows; [store.Directory] implements it.
type Scopes interface {
	// ScopesNamed lists the scopes with that id, name or "Account / Site".
	ScopesNamed(name string) ([]access.ScopeRef, error)
}

// Principal reads a principal: digits alone are an id, a user's text with an @ is an
// e-mail address, anything else a name.
func Principal(kind access.Kind, text string) (access.PrincipalSelector, error) {
	text = strings.TrimSpace(text)
	s := access.PrincipalSelector{Kind: kind}
	switch {
	case isID(text):
		s.ID = text
	case kind == access.User && strings.Contains(text, "@"):
		s.Email = text
	default:
		s.Name = text
	}
	return s, s.Validate()
}

// Role reads a role: digits alone are an id, anything else a name.
func Role(text string) (access.RoleSelector, error) {
	text = strings.TrimSpace(text)
	s := access.RoleSelector{Name: text}
	if isID(text) {
		s = access.RoleSelector{ID: text}
	}
	return s, s.Validate()
}

// LevelError says that the level of a scope must be given: account or site. The caller adds
// how to give it, as in "pass --level account".
type LevelError struct{ text string }

// Error implements error.
func (e *LevelError) Error() string { return e.text }

// Scope reads a scope and its level. It infers a missing level if only one is possible;
// inferred is then a sentence that says so. If several are possible, or none is known, it
// fails with a [*LevelError].
func Scope(text, level string, known Scopes) (s access.ScopeSelector, inferred string, err error) {
	text = strings.TrimSpace(text)
	s = access.ScopeSelector{Level: access.ParseLevel(level)}
	if strings.EqualFold(text, string(access.Tenant)) && (s.Level == "" || s.Level == access.Tenant) {
		return access.ScopeSelector{Level: access.Tenant}, "", nil
	}
	if s.Level == "" && text != "" {
		if s.Level, inferred, err = inferLevel(text, known); err != nil {
			return s, "", err
		}
	}
	if isID(text) {
		s.ID = text
	} else {
		s.Name = text
	}
	if s.Level == "" {
		return s, "", fmt.Errorf("scope missing: name an account, a site, or %q", access.Tenant)
	}
	return s, inferred, s.Validate()
}

func inferLevel(text string, known Scopes) (access.Level, string, error) {
	found, _ := known.ScopesNamed(text) // the console may know what the last sync did not
	var levels []access.Level
	for _, f := range found {
		if !slices.Contains(levels, f.Level) {
			levels = append(levels, f.Level)
		}
	}
	switch {
	case len(levels) > 1:
		return "", "", &LevelError{fmt.Sprintf("%q is the name of an account and of a site", text)}
	case len(levels) == 1:
		return levels[0], fmt.Sprintf("assuming %q is %s, as in the last sync", text, withArticle(levels[0])), nil
	case strings.Contains(strings.Join(strings.Fields(text), " "), " / "): // blanks of any kind
		return access.SiteLevel, fmt.Sprintf("assuming %q is a site, because of the slash", text), nil
	}
	return "", "", &LevelError{fmt.Sprintf(
		"cannot tell whether %q is an account or a site (not in the last sync)", text)}
}

func withArticle(level access.Level) string {
	if level == access.AccountLevel {
		return "an account"
	}
	return "a " + string(level)
}

func isID(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// safeID matches ids that need no quoting in shells, URLs and Temporal's own tools.
var safeID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$`)

// RequestID checks the id that a person chose for a request, and removes the prefix if
// it is there. The id becomes part of a workflow id, which Temporal does not encrypt.
func RequestID(text, prefix string) (string, error) {
	id := strings.TrimPrefix(strings.TrimSpace(text), prefix)
	if kind := wire.OtherKind(id, ""); kind != "" {
		return "", fmt.Errorf(
			"invalid id %q: ids of workflows of kind %s begin so: leave %s/ out, or choose another id", id, kind, kind)
	}
	if strings.Contains(id, "@") {
		return "", fmt.Errorf("invalid id %q: no e-mail addresses, because Temporal stores ids unencrypted", id)
	}
	if !safeID.MatchString(id) {
		return "", fmt.Errorf("invalid id %q: write letters, digits and any of . _ : -, at most 100, as in INC-42", id)
	}
	return id, nil
}
