package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Export streams the state of a console at a time (now, if nil) to w, from one consistent
// read: the same state gives the same calls in the same order. Last activity is the newest
// known, also in the past: it is not versioned. Without a proven snapshot it is
// [ErrNoSnapshot]. An error of w is returned.
func (s *Store) Export(ctx context.Context, console string, asOf *time.Time, w ExportSink) error {
	return s.read(ctx, func(q queryer) error {
		v := view{q: q, d: s.d, console: console, at: microsOrMax(asOf)}
		if _, err := latest(ctx, q, console, v.at); err != nil {
			return err
		}
		return v.export(ctx, w)
	})
}

func (v view) export(ctx context.Context, w ExportSink) error {
	if err := v.entities(ctx, access.Accounts, decodeDoc(w.Account)); err != nil {
		return err
	}
	if err := v.entities(ctx, access.Sites, decodeDoc(w.Site)); err != nil {
		return err
	}
	if err := v.entities(ctx, access.Roles, decodeDoc(w.Role)); err != nil {
		return err
	}
	if named, is := w.(NamedSink); is {
		for _, kind := range []access.Kind{access.User, access.ServiceUser} {
			if err := v.namedAssignments(ctx, kind, named.NamedAssignment); err != nil {
				return err
			}
		}
		return nil
	}
	for _, c := range []access.Collection{access.Users, access.ServiceUsers} {
		if err := v.entities(ctx, c, decodePrincipal(w.Principal)); err != nil {
			return err
		}
	}
	for _, kind := range []access.Kind{access.User, access.ServiceUser} {
		if err := v.assignments(ctx, kind, w.Assignment); err != nil {
			return err
		}
	}
	return nil
}

// decodePrincipal decodes documents and adds the last activity, which they leave out.
func decodePrincipal(fn func(access.Principal) error) func(doc []byte, lastActive sql.NullInt64) error {
	return func(doc []byte, lastActive sql.NullInt64) error {
		var p access.Principal
		if err := json.Unmarshal(doc, &p); err != nil {
			return fmt.Errorf("decode a stored principal: %w", err)
		}
		if lastActive.Valid {
			at := fromMicros(lastActive.Int64)
			p.LastActiveAt = &at
		}
		return fn(p)
	}
}

// assignments calls fn with the assignments of one kind, sorted by principal, role, level
// and scope: the order of the primary key.
func (v view) assignments(ctx context.Context, kind access.Kind, fn func(access.Assignment) error) error {
	q := v.query("SELECT a.principal_id, a.role_id, a.level, a.scope_id FROM assignments a WHERE " + v.sees("a"))
	q.add(" AND a.principal_kind = %s ORDER BY a.principal_id, a.role_id, a.level, a.scope_id", string(kind))
	return forEachRow(ctx, v.q, "read the assignments", q.text.String(), q.args, func(rows *sql.Rows) error {
		a := access.Assignment{PrincipalKind: kind}
		if err := rows.Scan(&a.PrincipalID, &a.RoleID, &a.Level, &a.ScopeID); err != nil {
			return err
		}
		return fn(a)
	})
}

// namedAssignments is assignments with the address and the name of each principal.
func (v view) namedAssignments(
	ctx context.Context, kind access.Kind, fn func(a access.Assignment, email, name string) error,
) error {
	q := v.query(`SELECT a.principal_id, a.role_id, a.level, a.scope_id, COALESCE(e.email, ''), COALESCE(e.name, '')
		FROM assignments a
		LEFT JOIN entities e ON e.collection = ` + collectionOfKind + ` AND e.id = a.principal_id
			AND ` + v.sees("e") + `
		WHERE ` + v.sees("a"))
	q.add(" AND a.principal_kind = %s ORDER BY a.principal_id, a.role_id, a.level, a.scope_id", string(kind))
	return forEachRow(ctx, v.q, "read the assignments", q.text.String(), q.args, func(rows *sql.Rows) error {
		a := access.Assignment{PrincipalKind: kind}
		var email, name string
		if err := rows.Scan(&a.PrincipalID, &a.RoleID, &a.Level, &a.ScopeID, &email, &name); err != nil {
			return err
		}
		return fn(a, email, name)
	})
}
