package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// Access answers who has which role where, sorted by principal, scope and role. A
// name that matches several things returns the rows of all of them, one that matches
// nothing is a [*NoMatchError]. Without a proven snapshot it is [ErrNoSnapshot].
func (s *Store) Access(ctx context.Context, q AccessQuery) ([]AccessRow, error) {
	out := []AccessRow{}
	err := s.read(ctx, func(tx queryer) error {
		a := asking{AccessQuery: q, view: view{q: tx, d: s.d, console: q.Console, at: moment(q.AsOf)}}
		rows, err := a.answer(ctx)
		out = append(out, rows...)
		return err
	})
	if err != nil {
		return nil, err
	}
	sortAccess(out)
	return out, nil
}

// asking is one question under way.
type asking struct {
	AccessQuery
	view   view
	places places
	who    map[principalKey]bool // nil: everybody
	roles  []string              // nil: every role
	scopes []scopeKey            // nil: everywhere
}

func (a *asking) answer(ctx context.Context) ([]AccessRow, error) {
	if _, err := latest(ctx, a.view.q, a.Console, a.view.at); err != nil {
		return nil, err
	}
	if err := a.resolve(ctx); err != nil {
		return nil, err
	}
	var held []AccessRow
	q := a.query()
	err := each(ctx, a.view.q, "read the assignments", q.text.String(), q.args, func(rows *sql.Rows) error {
		r, err := a.scan(rows)
		if err == nil && a.matters(r) {
			held = append(held, r)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := a.name(ctx, held); err != nil {
		return nil, err
	}
	var out []AccessRow
	for _, r := range held {
		out = append(out, a.reach(r)...)
	}
	return out, nil
}

func (a *asking) resolve(ctx context.Context) error {
	var err error
	if a.places, err = a.view.places(ctx); err != nil {
		return err
	}
	if a.Principal != "" {
		found, err := a.view.principals(ctx, a.Kind, a.Principal)
		if err != nil {
			return err
		}
		a.who = map[principalKey]bool{}
		for _, k := range found {
			a.who[k] = true
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

// query selects every assignment that may matter; reach looks closer.
func (a *asking) query() *query {
	q := a.view.query(`SELECT a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id, f.promoted_at
		FROM assignments a JOIN snapshots f ON f.seq = a.since WHERE ` + a.view.sees("a"))
	if a.Kind != "" {
		q.add(" AND a.principal_kind = %s", string(a.Kind))
	}
	d := a.view.d
	if a.who != nil {
		ids := []string{}
		for k := range a.who {
			ids = append(ids, k.id)
		}
		// Naming both kinds lets the index on them be used.
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

// scopeIDs are the scopes asked for and, for an inherited answer, those above them.
func (a *asking) scopeIDs() []string {
	out := []string{}
	for _, s := range a.scopes {
		out = append(out, s.id)
		if a.Inherited {
			out = append(out, "", a.places.sites[s.id].AccountID)
		}
	}
	return out
}

func (a *asking) scan(rows *sql.Rows) (AccessRow, error) {
	var r AccessRow
	var since int64
	err := rows.Scan(&r.Kind, &r.ID, &r.RoleID, &r.Level, &r.ScopeID, &since)
	r.Since = fromMicros(since)
	r.RoleName, r.Predefined = a.places.roles[r.RoleID].Name, a.places.roles[r.RoleID].Predefined
	r.ScopeName = a.places.scopeName(r.Level, r.ScopeID)
	return r, err
}

// matters says whether an assignment leads to a row of the answer.
func (a *asking) matters(r AccessRow) bool {
	if a.who != nil && !a.who[principalKey{r.Kind, r.ID}] {
		return false
	}
	return a.scopes == nil || len(a.reachScopes(r)) > 0
}

// name fills in what the principals are called. Those of visible assignments are
// visible, so their last version is the one of the view.
func (a *asking) name(ctx context.Context, rows []AccessRow) error {
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

// reach turns an assignment into the rows of the answer: itself, and where it
// reaches.
func (a *asking) reach(r AccessRow) []AccessRow {
	if a.scopes != nil {
		return a.reachScopes(r)
	}
	out := []AccessRow{r}
	if !a.Inherited || a.who == nil {
		return out
	}
	for _, site := range a.below(r) {
		out = append(out, a.via(r, scopeKey{access.SiteLevel, site}))
	}
	return out
}

func (a *asking) reachScopes(r AccessRow) []AccessRow {
	var out []AccessRow
	for _, s := range a.scopes {
		switch {
		case s.level == r.Level && s.id == r.ScopeID:
			out = append(out, r)
		case a.Inherited && a.above(r, s):
			out = append(out, a.via(r, s))
		}
	}
	return out
}

// above says whether a role held at the row's scope reaches s from further up.
func (a *asking) above(r AccessRow, s scopeKey) bool {
	switch r.Level {
	case access.Tenant:
		return s.level != access.Tenant
	case access.AccountLevel:
		return s.level == access.SiteLevel && a.places.sites[s.id].AccountID == r.ScopeID
	case access.SiteLevel, access.GroupLevel:
	}
	return false
}

// below lists the sites that a role held at the row's scope reaches.
func (a *asking) below(r AccessRow) []string {
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

// via is the row as it reaches s.
func (a *asking) via(r AccessRow, s scopeKey) AccessRow {
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
		cmp.Compare(fold(a.Email), fold(b.Email)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID),
		cmp.Compare(depth(a.Level), depth(b.Level)), cmp.Compare(a.ScopeName, b.ScopeName),
		cmp.Compare(a.ScopeID, b.ScopeID), cmp.Compare(a.RoleName, b.RoleName), cmp.Compare(a.RoleID, b.RoleID),
		cmp.Compare(viaDepth(a), viaDepth(b)),
	)
}

// depth orders levels from the top of the tree.
func depth(l access.Level) int {
	return slices.Index([]access.Level{access.Tenant, access.AccountLevel, access.SiteLevel, access.GroupLevel}, l)
}

// viaDepth puts a role held here before one that reaches here, and those by level.
func viaDepth(r AccessRow) int {
	if r.Via == nil {
		return -1
	}
	return depth(r.Via.Level)
}
