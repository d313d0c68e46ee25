package store

import (
	"context"
	"database/sql"

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
	v := p.view(p.s.r)
	q := v.query(`SELECT h.role_id, h.level, h.scope_id, COALESCE(r.name, ''), COALESCE(x.name, ''),
			COALESCE(c.name, '')
		FROM (SELECT DISTINCT a.role_id, a.level, a.scope_id FROM assignments a WHERE ` + v.sees("a"))
	q.add(" AND (a.role_id, a.level, a.scope_id) > (%s, %s, %s) ORDER BY a.role_id, a.level, a.scope_id LIMIT %s) h",
		after.RoleID, string(after.Level), after.ScopeID, limit)
	q.text.WriteString(`
		LEFT JOIN entities r ON r.collection = 'roles' AND r.id = h.role_id AND ` + v.sees("r") + `
		LEFT JOIN entities x ON x.collection = CASE h.level WHEN 'account' THEN 'accounts' ELSE 'sites' END
			AND x.id = h.scope_id AND ` + v.sees("x") + `
		LEFT JOIN entities c ON c.collection = 'accounts' AND h.level = 'site' AND c.id = x.parent_id
			AND ` + v.sees("c") + `
		ORDER BY h.role_id, h.level, h.scope_id`)
	out := make([]RoleScope, 0, limit)
	err := forEachRow(ctx, v.q, "read the roles at scopes", q.text.String(), q.args, func(rows *sql.Rows) error {
		var r RoleScope
		err := rows.Scan(&r.RoleID, &r.Level, &r.ScopeID, &r.Role, &r.Scope, &r.Account)
		out = append(out, r)
		return err
	})
	return out, p.s.explain(err)
}

// Assignments lists at most limit assignments after one, sorted by kind, principal, role, level and scope. The zero
// value comes before all.
func (p *Pinned) Assignments(ctx context.Context, after access.Assignment, limit int) ([]access.Assignment, error) {
	v := p.view(p.s.r)
	q := v.query(`SELECT a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id FROM assignments a
		WHERE ` + v.sees("a"))
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
	v := p.view(p.s.r)
	q := v.query(`SELECT DISTINCT a.principal_kind, a.principal_id, '', a.level, a.scope_id FROM assignments a
		WHERE ` + v.sees("a"))
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
	v := p.view(p.s.r)
	q := v.query(`SELECT DISTINCT a.principal_kind, a.principal_id, a.role_id, a.level, '' FROM assignments a
		WHERE ` + v.sees("a"))
	q.add(` AND (a.principal_kind, a.principal_id, a.role_id, a.level) > (%s, %s, %s, %s)
		ORDER BY a.principal_kind, a.principal_id, a.role_id, a.level LIMIT %s`,
		string(after.PrincipalKind), after.PrincipalID, after.RoleID, string(after.Level), limit)
	return p.assignments(ctx, "read the roles at levels", q, limit)
}

func (p *Pinned) assignments(ctx context.Context, what string, q *query, limit int) ([]access.Assignment, error) {
	out := make([]access.Assignment, 0, limit)
	err := forEachRow(ctx, p.s.r, what, q.text.String(), q.args, func(rows *sql.Rows) error {
		var a access.Assignment
		err := rows.Scan(&a.PrincipalKind, &a.PrincipalID, &a.RoleID, &a.Level, &a.ScopeID)
		out = append(out, a)
		return err
	})
	return out, p.s.explain(err)
}

// Unlisted lists at most limit ids of roles, accounts or sites after one, sorted, that assignments name and the
// snapshot does not have: the console shows them to its administrators, and not to the owner of the token. The
// database goes through all assignments of the console for it.
func (p *Pinned) Unlisted(ctx context.Context, c access.Collection, after string, limit int) ([]string, error) {
	column, level := "a.role_id", ""
	switch c {
	case access.Accounts:
		column, level = "a.scope_id", string(access.AccountLevel)
	case access.Sites:
		column, level = "a.scope_id", string(access.SiteLevel)
	case access.Roles, access.Users, access.ServiceUsers:
	}
	v := p.view(p.s.r)
	q := v.query("SELECT h.id FROM (SELECT DISTINCT " + column + " AS id FROM assignments a WHERE " + v.sees("a"))
	if level != "" {
		q.add(" AND a.level = %s", level)
	}
	q.add(" AND "+column+" > %s) h", after)
	q.text.WriteString(" WHERE NOT EXISTS (SELECT 1 FROM entities e WHERE e.id = h.id AND " + v.sees("e"))
	q.add(" AND e.collection = %s) ORDER BY h.id LIMIT %s", string(c), limit)
	var out []string
	err := forEachRow(ctx, v.q, "read unlisted "+string(c), q.text.String(), q.args, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		out = append(out, id)
		return err
	})
	return out, p.s.explain(err)
}
