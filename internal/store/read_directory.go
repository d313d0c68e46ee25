package store

import (
	"context"

	"sentinelone-provisioner/internal/access"
)

// Directory is what roles and scopes were called by the last proven sync of a console.
// The zero value knows nothing.
type Directory struct{ places places }

// Directory reads the names of a console. Before its first proven sync it knows none.
func (s *Store) Directory(ctx context.Context, console string) (Directory, error) {
	var d Directory
	err := s.read(ctx, func(tx queryer) (err error) {
		d.places, err = view{q: tx, d: s.d, console: console, at: moment(nil)}.places(ctx)
		return err
	})
	return d, err
}

// Role is the name of a role; "" if it is not known.
func (d Directory) Role(id string) string { return d.places.roles[id].Name }

// Scope is the name of a scope, "Account / Site" for a site; "" if it is not known, and
// for the tenant.
func (d Directory) Scope(s access.Scope) string { return d.places.scopeName(s.Level, s.ID) }

// ScopesNamed lists the scopes of that id, name or "Account / Site". What matches
// nothing is a [*NoMatchError].
func (d Directory) ScopesNamed(name string) ([]access.ScopeRef, error) {
	found, err := d.places.scopesNamed(name)
	var out []access.ScopeRef
	for _, s := range found {
		out = append(out, access.ScopeRef{Level: s.level, ID: s.id, Name: d.places.scopeName(s.level, s.id)})
	}
	return out, err
}
