package store

import (
	"cmp"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// placed is a row of the answer before it is written out: an assignment, at its own scope or at one
// that it reaches. There may be one for each of 100,000 sites.
type placed struct {
	held *AccessRow
	at   scopeKey
	name string // of the scope
}

// expand calls fn with the rows that the assignments of one principal give, in order.
func (a *accessReader) expand(held []AccessRow, fn func(AccessRow) error) error {
	var out []placed
	for i := range held {
		out = a.place(out, &held[i])
	}
	slices.SortFunc(out, comparePlaced)
	for _, p := range out {
		if err := fn(p.row()); err != nil {
			return err
		}
	}
	return nil
}

// place appends the scopes at which an assignment is part of the answer.
func (a *accessReader) place(out []placed, r *AccessRow) []placed {
	if a.scopes != nil {
		for _, s := range a.scopes {
			if a.reaches(*r, s) {
				out = append(out, placed{r, s, a.places.scopeName(s.level, s.id)})
			}
		}
		return out
	}
	out = append(out, placed{r, scopeKey{r.Level, r.ScopeID}, r.ScopeName})
	if !a.Inherited || a.principals == nil {
		return out
	}
	for _, site := range a.sitesBelow(*r) {
		out = append(out, placed{r, scopeKey{access.SiteLevel, site}, a.places.scopeName(access.SiteLevel, site)})
	}
	return out
}

// reaches says whether an assignment is one at a scope or, where the answer includes these, one that
// reaches it from above.
func (a *accessReader) reaches(r AccessRow, s scopeKey) bool {
	return s.level == r.Level && s.id == r.ScopeID || a.Inherited && a.reachesDown(r, s)
}

func (p placed) isInherited() bool { return p.at != scopeKey{p.held.Level, p.held.ScopeID} }

// row is the row of the answer.
func (p placed) row() AccessRow {
	r := *p.held
	if p.isInherited() {
		r.Via = &Via{Level: r.Level, ScopeID: r.ScopeID, ScopeName: r.ScopeName}
		r.Level, r.ScopeID, r.ScopeName = p.at.level, p.at.id, p.name
	}
	return r
}

// viaDepth orders a role held at the scope itself before inherited ones, and these by level.
func (p placed) viaDepth() int {
	if !p.isInherited() {
		return -1
	}
	return depth(p.held.Level)
}

func comparePlaced(a, b placed) int {
	return cmp.Or(
		cmp.Compare(depth(a.at.level), depth(b.at.level)), cmp.Compare(a.name, b.name), cmp.Compare(a.at.id, b.at.id),
		cmp.Compare(a.held.RoleName, b.held.RoleName), cmp.Compare(a.held.RoleID, b.held.RoleID),
		cmp.Compare(a.viaDepth(), b.viaDepth()),
	)
}

// reachesDown says whether a role held at the row's scope reaches s from a level above.
func (a *accessReader) reachesDown(r AccessRow, s scopeKey) bool {
	switch r.Level {
	case access.Tenant:
		return s.level != access.Tenant
	case access.AccountLevel:
		return s.level == access.SiteLevel && a.places.sites[s.id].AccountID == r.ScopeID
	case access.SiteLevel, access.GroupLevel:
	}
	return false
}

// sitesBelow lists the ids of the sites that a role held at the row's scope reaches.
func (a *accessReader) sitesBelow(r AccessRow) []string {
	switch r.Level {
	case access.Tenant:
		var out []string
		for id := range a.places.sites {
			out = append(out, id)
		}
		return out
	case access.AccountLevel:
		return a.places.byParent[r.ScopeID]
	case access.SiteLevel, access.GroupLevel:
	}
	return nil
}

// compareAccess orders the assignments of an answer.
func compareAccess(a, b AccessRow) int {
	return cmp.Or(
		comparePrincipals(a, b),
		cmp.Compare(depth(a.Level), depth(b.Level)), cmp.Compare(a.ScopeName, b.ScopeName),
		cmp.Compare(a.ScopeID, b.ScopeID), cmp.Compare(a.RoleName, b.RoleName), cmp.Compare(a.RoleID, b.RoleID),
	)
}

func comparePrincipals(a, b AccessRow) int {
	return cmp.Or(
		-cmp.Compare(a.Kind, b.Kind), // users before service users
		cmp.Compare(foldCase(a.Email), foldCase(b.Email)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID),
	)
}

func ofSamePrincipal(a, b AccessRow) bool { return a.Kind == b.Kind && a.ID == b.ID }

// depth orders levels, tenant first.
func depth(l access.Level) int {
	return slices.Index([]access.Level{access.Tenant, access.AccountLevel, access.SiteLevel, access.GroupLevel}, l)
}

// grouping collects rows that arrive one after the other into groups that belong together.
type grouping[T any] struct {
	same func(a, b T) bool
	use  func(rows []T) error
	rows []T
}

// grouped hands use each group. The rows are reused afterwards.
func grouped[T any](same func(a, b T) bool, use func(rows []T) error) *grouping[T] {
	return &grouping[T]{same: same, use: use}
}

func (g *grouping[T]) add(row T) error {
	if len(g.rows) > 0 && !g.same(g.rows[0], row) {
		if err := g.flush(); err != nil {
			return err
		}
	}
	g.rows = append(g.rows, row)
	return nil
}

func (g *grouping[T]) flush() error {
	if len(g.rows) == 0 {
		return nil
	}
	err := g.use(g.rows)
	g.rows = g.rows[:0]
	return err
}
