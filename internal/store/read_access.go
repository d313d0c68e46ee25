package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// Access lists who holds which role at which scope, sorted by principal, scope and role. A
// name that matches several principals, roles or scopes returns the rows of all of them; a
// name without a match is a [*NoMatchError]. Without a proven snapshot it is
// [ErrNoSnapshot].
func (s *Store) Access(ctx context.Context, q AccessQuery) ([]AccessRow, error) {
	out := []AccessRow{}
	err := s.read(ctx, func(tx queryer) error {
		a := accessReader{AccessQuery: q, view: view{q: tx, d: s.d, console: q.Console, at: microsOrMax(q.AsOf)}}
		rows, err := a.run(ctx)
		out = append(out, rows...)
		return err
	})
	if err != nil {
		return nil, err
	}
	sortAccess(out)
	return out, nil
}

// accessReader is one call of Access.
type accessReader struct {
	AccessQuery
	view       view
	places     places
	principals map[principalKey]bool // nil: all
	roles      []string              // nil: all
	scopes     []scopeKey            // nil: all
}

func (a *accessReader) run(ctx context.Context) ([]AccessRow, error) {
	if _, err := latest(ctx, a.view.q, a.Console, a.view.at); err != nil {
		return nil, err
	}
	if err := a.resolve(ctx); err != nil {
		return nil, err
	}
	var held []AccessRow
	q := a.query()
	err := forEachRow(ctx, a.view.q, "read the assignments", q.text.String(), q.args, func(rows *sql.Rows) error {
		r, err := a.scan(rows)
		if err == nil && a.isRelevant(r) {
			held = append(held, r)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := a.addNames(ctx, held); err != nil {
		return nil, err
	}
	var out []AccessRow
	for _, r := range held {
		out = append(out, a.expand(r)...)
	}
	return out, nil
}

func (a *accessReader) resolve(ctx context.Context) error {
	var err error
	if a.places, err = a.view.places(ctx); err != nil {
		return err
	}
	if a.Principal != "" {
		found, err := a.view.principals(ctx, a.Kind, a.Principal)
		if err != nil {
			return err
		}
		a.principals = map[principalKey]bool{}
		for _, k := range found {
			a.principals[k] = true
		}
	}
	if a.Role != "" {
		if a.roles, err = a.places.rolesNamed(a.Role); err != nil {
			return err
		}
	}
	if a.Scope != "" {
		if a.scopes, err = a.places.scopesNamed(a.Scope); err != nil {
			return err
		}
	}
	return nil
}

// query selects every assignment that may be part of the answer; isRelevant and expand
// check the rest.
func (a *accessReader) query() *query {
	q := a.view.query(`SELECT a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id, f.promoted_at
		FROM assignments a JOIN snapshots f ON f.seq = a.since WHERE ` + a.view.sees("a"))
	if a.Kind != "" {
		q.add(" AND a.principal_kind = %s", string(a.Kind))
	}
	d := a.view.d
	if a.principals != nil {
		ids := []string{}
		for k := range a.principals {
			ids = append(ids, k.id)
		}
		// With both kinds named the database can use the primary key.
		q.add(" AND a.principal_kind IN ('user', 'serviceUser') AND "+d.in("a.principal_id", "%s"), list(d, ids))
	}
	if a.roles != nil {
		q.add(" AND "+d.in("a.role_id", "%s"), list(d, a.roles))
	}
	if a.scopes != nil {
		q.add(" AND "+d.in("a.scope_id", "%s"), list(d, a.scopeIDs()))
	}
	return q
}

// scopeIDs are the ids of the scopes of the query and, with Inherited, of those above.
func (a *accessReader) scopeIDs() []string {
	out := []string{}
	for _, s := range a.scopes {
		out = append(out, s.id)
		if a.Inherited {
			out = append(out, "", a.places.sites[s.id].AccountID)
		}
	}
	return out
}

func (a *accessReader) scan(rows *sql.Rows) (AccessRow, error) {
	var r AccessRow
	var since int64
	err := rows.Scan(&r.Kind, &r.ID, &r.RoleID, &r.Level, &r.ScopeID, &since)
	r.Since = fromMicros(since)
	r.RoleName, r.Predefined = a.places.roles[r.RoleID].Name, a.places.roles[r.RoleID].Predefined
	r.ScopeName = a.places.scopeName(r.Level, r.ScopeID)
	return r, err
}

// isRelevant says whether an assignment gives a row of the answer.
func (a *accessReader) isRelevant(r AccessRow) bool {
	if a.principals != nil && !a.principals[principalKey{r.Kind, r.ID}] {
		return false
	}
	return a.scopes == nil || len(a.expandTo(r)) > 0
}

// addNames fills in the names of the principals. Principals of visible assignments are
// visible, so their last version is the one of the view.
func (a *accessReader) addNames(ctx context.Context, rows []AccessRow) error {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	who, err := a.view.lastNames(ctx, ids)
	for i := range rows {
		p := who[principalKey{rows[i].Kind, rows[i].ID}]
		rows[i].Email, rows[i].Name = p.email, p.name
	}
	return err
}

// expand turns an assignment into the rows of the answer: itself and the scopes below that
// it reaches.
func (a *accessReader) expand(r AccessRow) []AccessRow {
	if a.scopes != nil {
		return a.expandTo(r)
	}
	out := []AccessRow{r}
	if !a.Inherited || a.principals == nil {
		return out
	}
	for _, site := range a.sitesBelow(r) {
		out = append(out, a.inheritedAt(r, scopeKey{access.SiteLevel, site}))
	}
	return out
}

func (a *accessReader) expandTo(r AccessRow) []AccessRow {
	var out []AccessRow
	for _, s := range a.scopes {
		switch {
		case s.level == r.Level && s.id == r.ScopeID:
			out = append(out, r)
		case a.Inherited && a.reachesDown(r, s):
			out = append(out, a.inheritedAt(r, s))
		}
	}
	return out
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

// inheritedAt is the row as inherited at s.
func (a *accessReader) inheritedAt(r AccessRow, s scopeKey) AccessRow {
	r.Via = &Via{Level: r.Level, ScopeID: r.ScopeID, ScopeName: r.ScopeName}
	r.Level, r.ScopeID, r.ScopeName = s.level, s.id, a.places.scopeName(s.level, s.id)
	return r
}

func sortAccess(rows []AccessRow) {
	slices.SortFunc(rows, compareAccess)
}

func compareAccess(a, b AccessRow) int {
	return cmp.Or(
		-cmp.Compare(a.Kind, b.Kind), // users before service users
		cmp.Compare(foldCase(a.Email), foldCase(b.Email)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID),
		cmp.Compare(depth(a.Level), depth(b.Level)), cmp.Compare(a.ScopeName, b.ScopeName),
		cmp.Compare(a.ScopeID, b.ScopeID), cmp.Compare(a.RoleName, b.RoleName), cmp.Compare(a.RoleID, b.RoleID),
		cmp.Compare(viaDepth(a), viaDepth(b)),
	)
}

// depth orders levels, tenant first.
func depth(l access.Level) int {
	return slices.Index([]access.Level{access.Tenant, access.AccountLevel, access.SiteLevel, access.GroupLevel}, l)
}

// viaDepth orders a role held at the scope itself before inherited ones, and these by
// level.
func viaDepth(r AccessRow) int {
	if r.Via == nil {
		return -1
	}
	return depth(r.Via.Level)
}
