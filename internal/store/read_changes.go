package store

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// Changes lists the assignments added and removed within the time of the query, oldest
// first, with the names last known at its end. Without a proven snapshot it is
// [ErrNoSnapshot].
func (s *Store) Changes(ctx context.Context, q ChangesQuery) ([]Change, error) {
	out := []Change{}
	err := s.read(ctx, func(tx queryer) error {
		v := view{q: tx, d: s.d, console: q.Console, at: microsOrMax(q.Until)}
		if _, err := latest(ctx, tx, q.Console, math.MaxInt64); err != nil {
			return err
		}
		after := int64(math.MinInt64)
		if q.Since != nil {
			after = micros(*q.Since)
		}
		var err error
		if out, err = v.changes(ctx, out, after); err != nil {
			return err
		}
		return v.addNames(ctx, out)
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b Change) int {
		return cmp.Or(a.At.Compare(b.At), compareAccess(a.AccessRow, b.AccessRow), -cmp.Compare(a.Action, b.Action))
	})
	return out, nil
}

// changes appends the changes after a time (microseconds since 1970), up to the view's.
func (v view) changes(ctx context.Context, out []Change, after int64) ([]Change, error) {
	q := v.query(
		`SELECT a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id, f.promoted_at, t.promoted_at
		FROM assignments a
		JOIN snapshots f ON f.seq = a.since AND f.state = 'promoted'
		LEFT JOIN snapshots t ON t.seq = a.until
		WHERE a.console = $1`,
	)
	q.add(` AND ((f.promoted_at <= $2 AND f.promoted_at > %s)`, after)
	q.add(` OR (t.promoted_at <= $2 AND t.promoted_at > %s))`, after)
	err := forEachRow(ctx, v.q, "read the changes", q.text.String(), q.args, func(rows *sql.Rows) error {
		var c Change
		var from int64
		var to sql.NullInt64
		if err := rows.Scan(&c.Kind, &c.ID, &c.RoleID, &c.Level, &c.ScopeID, &from, &to); err != nil {
			return err
		}
		c.Since = fromMicros(from)
		if from > after && from <= v.at {
			c.At, c.Action = c.Since, Added
			out = append(out, c)
		}
		if to.Valid && to.Int64 > after && to.Int64 <= v.at {
			c.At, c.Action = fromMicros(to.Int64), Removed
			out = append(out, c)
		}
		return nil
	})
	return out, err
}

// addNames fills in names. Deleted principals, roles and scopes get their last one.
func (v view) addNames(ctx context.Context, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	p, err := v.lastPlaces(ctx)
	if err != nil {
		return err
	}
	ids := make([]string, len(changes))
	for i, c := range changes {
		ids[i] = c.ID
	}
	who, err := v.lastNames(ctx, ids)
	if err != nil {
		return err
	}
	for i := range changes {
		c := &changes[i]
		person := who[principalKey{c.Kind, c.ID}]
		c.Email, c.Name = person.email, person.name
		c.RoleName, c.Predefined = p.roles[c.RoleID].Name, p.roles[c.RoleID].Predefined
		c.ScopeName = p.scopeName(c.Level, c.ScopeID)
	}
	return nil
}

type principalName struct{ email, name string }

// lastNames reads the last known names of principals. It sorts ids in place.
func (v view) lastNames(ctx context.Context, ids []string) (map[principalKey]principalName, error) {
	out := map[principalKey]principalName{}
	slices.Sort(ids)
	for chunk := range slices.Chunk(slices.Compact(ids), 5000) {
		q := v.query(`SELECT e.collection, e.id, e.email, e.name FROM entities e
			JOIN snapshots f ON f.seq = e.since AND f.state = 'promoted' AND f.promoted_at <= $2
			WHERE e.console = $1 AND e.collection IN ('users', 'serviceUsers')`)
		q.add(" AND "+v.d.in("e.id", "%s")+" ORDER BY f.promoted_at", list(v.d, chunk))
		err := forEachRow(ctx, v.q, "read principal names", q.text.String(), q.args, func(rows *sql.Rows) error {
			var c access.Collection
			var id string
			var p principalName
			err := rows.Scan(&c, &id, &p.email, &p.name)
			out[principalKey{c.PrincipalKind(), id}] = p
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
