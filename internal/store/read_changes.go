package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"iter"
	"math"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// ReadChanges hands use the assignments added and removed within the time of the query, oldest
// first, with the names last known at its end. Going through them again gives the same rows. They
// end with an error if reading fails. Without a proven snapshot it is [ErrNoSnapshot].
func (s *Store) ReadChanges(
	ctx context.Context, q ChangesQuery, use func(rows iter.Seq2[Change, error]) error,
) error {
	return s.read(ctx, func(tx queryer) error {
		if _, err := latest(ctx, tx, q.Console, math.MaxInt64); err != nil {
			return err
		}
		c := changesReader{
			view:  view{q: tx, d: s.d, console: q.Console, at: microsOrMax(q.Until)},
			after: math.MinInt64, most: s.few,
		}
		if q.Since != nil {
			c.after = micros(*q.Since)
		}
		return use(sequence(func(fn func(Change) error) error { return c.each(ctx, fn) }))
	})
}

// Changes returns the rows of [Store.ReadChanges].
func (s *Store) Changes(ctx context.Context, q ChangesQuery) ([]Change, error) {
	return collect(func(use func(iter.Seq2[Change, error]) error) error { return s.ReadChanges(ctx, q, use) })
}

// changesReader is one call of ReadChanges.
type changesReader struct {
	view

	after  int64   // microseconds since 1970
	most   int     // rows that are sorted in memory
	places *places // of all times; nil until they are read
}

// each calls fn with the changes, in order.
func (c *changesReader) each(ctx context.Context, fn func(Change) error) error {
	found, all, err := c.few(ctx)
	if err != nil || all && len(found) == 0 {
		return err
	}
	if err := c.readPlaces(ctx); err != nil {
		return err
	}
	group := grouped(sameMoment, func(rows []Change) error {
		slices.SortStableFunc(rows, compareChanges)
		for _, r := range rows {
			if err := fn(r); err != nil {
				return err
			}
		}
		return nil
	})
	if !all {
		return c.eachSorted(ctx, group)
	}
	if err := c.addNames(ctx, found); err != nil {
		return err
	}
	slices.SortStableFunc(found, compareChanges)
	for _, r := range found {
		if err := group.add(r); err != nil {
			return err
		}
	}
	return group.flush()
}

// sameMoment says that two changes are of one principal, found by one sync.
func sameMoment(a, b Change) bool {
	return a.At.Equal(b.At) && ofSamePrincipal(a.AccessRow, b.AccessRow)
}

func compareChanges(a, b Change) int {
	return cmp.Or(a.At.Compare(b.At), compareAccess(a.AccessRow, b.AccessRow), -cmp.Compare(a.Action, b.Action))
}

func (c *changesReader) readPlaces(ctx context.Context) error {
	if c.places != nil {
		return nil
	}
	p, err := c.lastPlaces(ctx)
	c.places = &p
	return err
}

// query is the union of what was added and what was removed. columns and joins come on top of those of
// the assignment a and the time of the change, at.
func (c *changesReader) query(columns, joins string) *query {
	q := c.view.query("SELECT * FROM (")
	for i, side := range []struct{ action, snapshot string }{{Added, "f"}, {Removed, "t"}} {
		if i > 0 {
			q.text.WriteString(" UNION ALL ")
		}
		q.text.WriteString("SELECT " + side.snapshot + ".promoted_at AS at, '" + side.action + `' AS action,
			a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id, f.promoted_at AS began,
			w.names AS authors` +
			columns + `
			FROM assignments a
			JOIN snapshots f ON f.seq = a.since AND f.state = 'promoted'
			LEFT JOIN snapshots t ON t.seq = a.until
			LEFT JOIN change_authors w ON w.console = a.console AND w.snapshot_seq = ` + side.snapshot + `.seq
			  AND w.principal_kind = a.principal_kind AND w.principal_id = a.principal_id` + joins + `
			WHERE a.console = $1 AND ` + side.snapshot + ".promoted_at <= $2")
		q.add(" AND "+side.snapshot+".promoted_at > %s", c.after)
	}
	q.text.WriteString(") c")
	return q
}

func scanChange(rows *sql.Rows, more ...any) (Change, error) {
	var c Change
	var at, began int64
	var authors sql.NullString
	err := rows.Scan(append([]any{
		&at, &c.Action, &c.Kind, &c.ID, &c.RoleID, &c.Level, &c.ScopeID, &began, &authors,
	}, more...)...)
	if err != nil {
		return c, err
	}
	c.At, c.Since = fromMicros(at), fromMicros(began)
	c.By, err = authorsOf(authors)
	return c, err
}

// few reads the changes without names, in no order; all is false if there are too many to
// sort them here.
func (c *changesReader) few(ctx context.Context) (found []Change, all bool, err error) {
	q := c.query("", "")
	err = forEachRow(ctx, c.q, "read the changes", q.text.String(), q.args, func(rows *sql.Rows) error {
		change, err := scanChange(rows)
		if err != nil {
			return err
		}
		if found = append(found, change); len(found) > c.most {
			return errStopped
		}
		return nil
	})
	if errors.Is(err, errStopped) {
		return nil, false, nil
	}
	return found, true, err
}

// eachSorted adds the changes to the group in the order of their times and principals, which the
// database sorts.
func (c *changesReader) eachSorted(ctx context.Context, group *grouping[Change]) error {
	// The last version of a principal is the one that the latest snapshot has begun.
	q := c.query(", COALESCE(e.email, '') AS email, COALESCE(e.name, '') AS name, "+
		"COALESCE(e.email_folded, '') AS email_folded", `
			LEFT JOIN (SELECT e.collection, e.id, MAX(e.since) AS since FROM entities e
				WHERE e.console = $1 AND e.collection IN ('users', 'serviceUsers') AND e.since IN `+provenSnapshots+`
				GROUP BY e.collection, e.id) l ON l.collection = `+collectionOfKind+` AND l.id = a.principal_id
			LEFT JOIN entities e
				ON e.console = $1 AND e.collection = l.collection AND e.id = l.id AND e.since = l.since`)
	q.add(" ORDER BY c.at, c.principal_kind DESC, c.email_folded, c.name, c.principal_id")
	err := forEachRow(ctx, c.q, "read the changes", q.text.String(), q.args, func(rows *sql.Rows) error {
		var email, name, folded string
		change, err := scanChange(rows, &email, &name, &folded)
		if err != nil {
			return err
		}
		change.Email, change.Name = email, name
		c.addPlaces(&change.AccessRow)
		return group.add(change)
	})
	if err != nil {
		return err
	}
	return group.flush()
}

func (c *changesReader) addPlaces(r *AccessRow) {
	r.RoleName, r.Predefined = c.places.roles[r.RoleID].Name, c.places.roles[r.RoleID].Predefined
	r.ScopeName = c.places.scopeName(r.Level, r.ScopeID)
}

// addNames fills in names. Deleted principals, roles and scopes get their last one.
func (c *changesReader) addNames(ctx context.Context, changes []Change) error {
	ids := make([]string, len(changes))
	for i, x := range changes {
		ids[i] = x.ID
	}
	who, err := c.lastNames(ctx, ids)
	for i := range changes {
		person := who[principalKey{changes[i].Kind, changes[i].ID}]
		changes[i].Email, changes[i].Name = person.email, person.name
		c.addPlaces(&changes[i].AccessRow)
	}
	return err
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
