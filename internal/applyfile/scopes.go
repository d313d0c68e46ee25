package applyfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/selector"
	"sentinelone-provisioner/internal/wire"
)

// scopeSeparator stands between the scopes of a line.
const scopeSeparator = ";"

// scopeTexts are the scopes of a line. A name with a semicolon is one scope if the last sync
// knows it.
func (r Reader) scopeTexts(row Row) []string {
	if !strings.Contains(row.Scope, scopeSeparator) {
		return []string{row.Scope}
	}
	if found, _ := r.Scopes.ScopesNamed(strings.TrimSpace(row.Scope)); len(found) > 0 { // none is an error
		return []string{row.Scope}
	}
	return strings.Split(row.Scope, scopeSeparator)
}

// readScopes reads the scopes of a line, and says what it assumed about their levels.
func (r Reader) readScopes(row Row, in *wire.GrantInput) (inferred string, faults []error) {
	texts := r.scopeTexts(row)
	if len(texts) > access.MaxScopes {
		return "", []error{fmt.Errorf("scope lists %d: the maximum is %d; write the others in a line of their own",
			len(texts), access.MaxScopes)}
	}
	var all []access.ScopeSelector
	var assumed []string
	for _, text := range texts {
		text = trim(text)
		s, said, err := selector.Scope(text, row.Level, r.Scopes)
		if err == nil && len(texts) > 1 {
			err = s.Limits()
		}
		if _, unknown := errors.AsType[*selector.LevelError](err); unknown {
			err = fmt.Errorf("%w: write account or site in column level", err)
		}
		if err != nil {
			faults = append(faults, err)
		}
		if said != "" {
			assumed = append(assumed, said)
		}
		all = append(all, s)
	}
	inferred = strings.Join(assumed, "; ")
	switch {
	case len(all) == 1:
		in.Scope = all[0]
		return inferred, faults
	case row.Action == ActionRevoke:
		return inferred, append(faults, errors.New("a revoke has one scope: write a line for each"))
	}
	in.Scopes = all
	if len(faults) == 0 {
		if err := in.ValidateScopes(); err != nil {
			faults = append(faults, err)
		}
	}
	return inferred, faults
}

// inOrder are scopes in an order that does not depend on the file.
func inOrder(all []access.ScopeSelector) []access.ScopeSelector {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b access.ScopeSelector) int {
		return strings.Compare(a.ID+"\x00"+a.Name, b.ID+"\x00"+b.Name)
	})
	return all
}

// atSameScopes says whether a plan is at the scopes of the line, in any order.
func (c Change) atSameScopes(plan access.Plan) bool {
	wanted := c.Want.Scopes
	if len(wanted) == 0 {
		wanted = []access.ScopeSelector{c.Want.Scope}
	}
	left := slices.Clone(plan.AllScopes())
	for _, w := range wanted {
		i := slices.IndexFunc(left, func(s access.ScopeRef) bool {
			return s.Level == w.Level && is(w.ID, s.ID) && isSite(w.Name, s.Name)
		})
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return len(left) == 0
}
