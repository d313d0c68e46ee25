package store

import (
	"context"

	"sentinelone-provisioner/internal/access"
)

// Directory has the names of the roles and scopes of a console, as of its last proven
// sync. The zero value has none.
type Directory struct{ places places }

// Directory reads the names of a console. Before the first proven sync it is empty.
func (s *Store) Directory(ctx context.Context, console string) (Directory, error) {
	var d Directory
	err := s.read(ctx, func(tx queryer) (err error) {
		d.places, err = view{q: tx, d: s.d, console: console, at: microsOrMax(nil)}.places(ctx)
		return err
	})
	return d, err
}

// Role is the name of a role by its id; "" if unknown.
func (d Directory) Role(id string) string { return d.places.roles[id].Name }

// Scope is the name of a scope, "Account / Site" for a site; "" if unknown and for the
// tenant.
func (d Directory) Scope(s access.Scope) string { return d.places.scopeName(s.Level, s.ID) }

// ScopesNamed lists the scopes with that id, name or "Account / Site". Without a match it
// is a [*NoMatchError].
func (d Directory) ScopesNamed(name string) ([]access.ScopeRef, error) {
	found, err := d.places.scopesNamed(name)
	var out []access.ScopeRef
	for _, s := range found {
		out = append(out, access.ScopeRef{Level: s.level, ID: s.id, Name: d.places.scopeName(s.level, s.id)})
	}
	return out, err
}
