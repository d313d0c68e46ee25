package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Export streams what readers see of a console at a moment (now, if nil), from one
// unchanging view: the same state gives the same calls in the same order. Last
// activity is the newest known of each version: it is not kept over time. Without a
// proven snapshot it is [ErrNoSnapshot].
func (s *Store) Export(ctx context.Context, console string, asOf *time.Time, w ExportSink) error {
	return s.read(ctx, func(q queryer) error {
		v := view{q: q, d: s.d, console: console, at: moment(asOf)}
		if _, err := latest(ctx, q, console, v.at); err != nil {
			return err
		}
		return v.export(ctx, w)
	})
}

func (v view) export(ctx context.Context, w ExportSink) error {
	if err := v.entities(ctx, access.Accounts, decoded(w.Account)); err != nil {
		return err
	}
	if err := v.entities(ctx, access.Sites, decoded(w.Site)); err != nil {
		return err
	}
	if err := v.entities(ctx, access.Roles, decoded(w.Role)); err != nil {
		return err
	}
	for _, c := range []access.Collection{access.Users, access.ServiceUsers} {
		if err := v.entities(ctx, c, principals(w.Principal)); err != nil {
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

// principals passes documents on with the last activity put back.
func principals(fn func(access.Principal) error) func(doc []byte, lastActive sql.NullInt64) error {
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

// assignments calls fn with those of one kind, by principal, role, level and scope:
// the order of the index.
func (v view) assignments(ctx context.Context, kind access.Kind, fn func(access.Assignment) error) error {
	q := v.query("SELECT a.principal_id, a.role_id, a.level, a.scope_id FROM assignments a WHERE " + v.sees("a"))
	q.add(" AND a.principal_kind = %s ORDER BY a.principal_id, a.role_id, a.level, a.scope_id", string(kind))
	return each(ctx, v.q, "read the assignments", q.text.String(), q.args, func(rows *sql.Rows) error {
		a := access.Assignment{PrincipalKind: kind}
		if err := rows.Scan(&a.PrincipalID, &a.RoleID, &a.Level, &a.ScopeID); err != nil {
			return err
		}
		return fn(a)
	})
}
