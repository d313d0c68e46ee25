package store

import (
	"context"
	"database/sql"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// RoleScope is a role at a scope that somebody holds, with names; "" for names that the snapshot does not have.
type RoleScope struct {
	access.Holding

	Role    string
	Scope   string // of the account or the site; "" for the tenant
	Account string // of a site; "" for others
}

// RoleScopes lists at most limit different pairs of a role and a scope that somebody holds, after one, sorted by role,
// level and scope. The zero value comes before all. The database goes through all assignments of the console for it,
// since no index has them in this order: ask for some thousands at once.
func (p *Pinned) RoleScopes(ctx context.Context, after access.Holding, limit int) ([]RoleScope, error) {
	v := p.view()
	q := v.query("SELECT DISTINCT a.role_id, a.level, a.scope_id FROM assignments a WHERE " + p.sees("a"))
	q.add(" AND (a.role_id, a.level, a.scope_id) > (%s, %s, %s) ORDER BY a.role_id, a.level, a.scope_id LIMIT %s",
		after.RoleID, string(after.Level), after.ScopeID, limit)
	var out []RoleScope
	err := forEachRow(ctx, v.q, "read the roles at scopes", q.text.String(), q.args, func(rows *sql.Rows) error {
		var r RoleScope
		err := rows.Scan(&r.RoleID, &r.Level, &r.ScopeID)
		out = append(out, r)
		return err
	})
	if err == nil {
		err = p.addNames(ctx, out)
	}
	return out, p.s.explain(err)
}

// addNames fills in the names of roles and scopes.
func (p *Pinned) addNames(ctx context.Context, rows []RoleScope) error {
	var roles, accounts, sites []string
	for _, r := range rows {
		roles = append(roles, r.RoleID)
		switch r.Level {
		case access.AccountLevel:
			accounts = append(accounts, r.ScopeID)
		case access.SiteLevel:
			sites = append(sites, r.ScopeID)
		case access.Tenant, access.GroupLevel:
		}
	}
	ofSite, err := p.names(ctx, access.Sites, sites)
	if err != nil {
		return err
	}
	for _, site := range ofSite {
		accounts = append(accounts, site.parent)
	}
	ofAccount, err := p.names(ctx, access.Accounts, accounts)
	if err != nil {
		return err
	}
	ofRole, err := p.names(ctx, access.Roles, roles)
	for i, r := range rows {
		rows[i].Role = ofRole[r.RoleID].name
		switch r.Level {
		case access.AccountLevel:
			rows[i].Scope = ofAccount[r.ScopeID].name
		case access.SiteLevel:
			rows[i].Scope = ofSite[r.ScopeID].name
			rows[i].Account = ofAccount[ofSite[r.ScopeID].parent].name
		case access.Tenant, access.GroupLevel:
		}
	}
	return err
}

type placeName struct{ name, parent string }

// names are the names of those of a collection with these ids, which may repeat.
func (p *Pinned) names(ctx context.Context, c access.Collection, ids []string) (map[string]placeName, error) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	out := make(map[string]placeName, len(ids))
	v := p.view()
	text := v.d.probe("e.id, e.name, e.parent_id", "entities e", p.sees("e")+" AND e.collection = $4", "e.id", "$3")
	err := forEachRow(ctx, v.q, "find names of "+string(c), text,
		[]any{v.console, v.at, list(v.d, ids), string(c)}, func(rows *sql.Rows) error {
			var id string
			var n placeName
			err := rows.Scan(&id, &n.name, &n.parent)
			out[id] = n
			return err
		})
	return out, err
}

// Assignments lists at most limit assignments after one, sorted by kind, principal, role, level and scope. The zero
// value comes before all.
func (p *Pinned) Assignments(ctx context.Context, after access.Assignment, limit int) ([]access.Assignment, error) {
	v := p.view()
	q := v.query(`SELECT a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id FROM assignments a
		WHERE ` + p.sees("a"))
	q.add(` AND (a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id) > (%s, %s, %s, %s, %s)
		ORDER BY a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id LIMIT %s`,
		string(after.PrincipalKind), after.PrincipalID, after.RoleID, string(after.Level), after.ScopeID, limit)
	return p.assignments(ctx, "read the assignments", q, limit)
}

// Members lists at most limit principals that hold a role at an account or site itself, each once for each scope,
// after one, sorted by kind, principal and scope: assignments without a role. The zero value comes before all.
func (p *Pinned) Members(
	ctx context.Context, level access.Level, after access.Assignment, limit int,
) ([]access.Assignment, error) {
	out := make([]access.Assignment, 0, limit)
	for len(out) < limit {
		found, err := p.holders(ctx, level, after, limit-len(out))
		if err != nil || len(found) == 0 {
			return out, err
		}
		for _, a := range found {
			if a.RoleID = ""; a != after { // one scope after the other
				out, after = append(out, a), a
			}
		}
	}
	return out, nil
}

// holders lists at most limit assignments at a level to principals and scopes after one, sorted by kind, principal and
// scope. They are not made distinct here: PostgreSQL would sort the rest of the console for it.
func (p *Pinned) holders(
	ctx context.Context, level access.Level, after access.Assignment, limit int,
) ([]access.Assignment, error) {
	v := p.view()
	q := v.query(`SELECT a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id FROM assignments a
		WHERE ` + p.sees("a"))
	q.add(` AND a.level = %s AND (a.principal_kind, a.principal_id) >= (%s, %s)
		AND (a.principal_kind, a.principal_id, a.scope_id) > (%s, %s, %s)
		ORDER BY a.principal_kind, a.principal_id, a.scope_id LIMIT %s`,
		string(level), string(after.PrincipalKind), after.PrincipalID,
		string(after.PrincipalKind), after.PrincipalID, after.ScopeID, limit)
	return p.assignments(ctx, "read the members", q, limit)
}

// RoleLevels lists at most limit principals that hold a role at a level, each once for each role, after one, sorted by
// kind, principal, role and level: assignments without a scope. The zero value comes before all.
func (p *Pinned) RoleLevels(ctx context.Context, after access.Assignment, limit int) ([]access.Assignment, error) {
	v := p.view()
	q := v.query(`SELECT DISTINCT a.principal_kind, a.principal_id, a.role_id, a.level, '' FROM assignments a
		WHERE ` + p.sees("a"))
	q.add(` AND (a.principal_kind, a.principal_id, a.role_id, a.level) > (%s, %s, %s, %s)
		ORDER BY a.principal_kind, a.principal_id, a.role_id, a.level LIMIT %s`,
		string(after.PrincipalKind), after.PrincipalID, after.RoleID, string(after.Level), limit)
	return p.assignments(ctx, "read the roles at levels", q, limit)
}

func (p *Pinned) assignments(ctx context.Context, what string, q *query, limit int) ([]access.Assignment, error) {
	out := make([]access.Assignment, 0, limit)
	err := p.page(ctx, what, q, func(rows *sql.Rows) error {
		var a access.Assignment
		err := rows.Scan(&a.PrincipalKind, &a.PrincipalID, &a.RoleID, &a.Level, &a.ScopeID)
		out = append(out, a)
		return err
	})
	return out, err
}

// Unlisted lists at most limit ids of roles, accounts or sites after one, sorted, that assignments name and the
// snapshot does not have: the console does not show them to the owner of the token. The database goes through all
// assignments of the console for it.
func (p *Pinned) Unlisted(ctx context.Context, c access.Collection, after string, limit int) ([]string, error) {
	var out []string
	for {
		ids, err := p.named(ctx, c, after)
		if err != nil || len(ids) == 0 {
			return out, p.s.explain(err)
		}
		known, err := p.names(ctx, c, slices.Clone(ids))
		if err != nil {
			return nil, p.s.explain(err)
		}
		for _, id := range ids {
			if _, is := known[id]; is {
				continue
			}
			if out = append(out, id); len(out) == limit {
				return out, nil
			}
		}
		if len(ids) < fewNames {
			return out, nil
		}
		after = ids[len(ids)-1]
	}
}

// fewNames is how many ids are looked up at once.
const fewNames = 20_000

// named are at most fewNames ids of a collection that assignments name, sorted.
func (p *Pinned) named(ctx context.Context, c access.Collection, after string) (out []string, err error) {
	column, level := nameIn(c)
	v := p.view()
	q := v.query("SELECT DISTINCT " + column + " FROM assignments a WHERE " + p.sees("a"))
	if level != "" {
		q.add(" AND a.level = %s", level)
	}
	q.add(" AND "+column+" > %s ORDER BY "+column+" LIMIT %s", after, fewNames)
	err = forEachRow(ctx, v.q, "read the "+string(c)+" of assignments", q.text.String(), q.args,
		func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			out = append(out, id)
			return err
		})
	return out, err
}

// nameIn is the column in which assignments name a collection, and the level of those that do; "" for all levels.
func nameIn(c access.Collection) (column, level string) {
	switch c {
	case access.Accounts:
		return "a.scope_id", string(access.AccountLevel)
	case access.Sites:
		return "a.scope_id", string(access.SiteLevel)
	case access.Roles, access.Users, access.ServiceUsers:
	}
	return "a.role_id", ""
}

// IsAssigned reports whether assignments name a role, an account or a site, listed or not. The database goes through
// all assignments of the console for it.
func (p *Pinned) IsAssigned(ctx context.Context, c access.Collection, id string) (found bool, err error) {
	column, level := nameIn(c)
	v := p.view()
	q := v.query("SELECT 1 FROM assignments a WHERE " + p.sees("a"))
	if level != "" {
		q.add(" AND a.level = %s", level)
	}
	q.add(" AND "+column+" = %s LIMIT 1", id)
	err = forEachRow(ctx, v.q, "look for "+id+" among the assignments", q.text.String(), q.args,
		func(*sql.Rows) error {
			found = true
			return nil
		})
	return found, p.s.explain(err)
}
