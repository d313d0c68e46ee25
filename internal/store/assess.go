package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// Assess tells what promoting the snapshot would do to what readers see. Losses,
// changes and counts leave out the stale collections.
func (s *Store) Assess(ctx context.Context, id string) (Assessment, error) {
	var out Assessment
	err := s.read(ctx, func(q queryer) error {
		snap, err := findSnapshot(ctx, q, id)
		if err != nil {
			return err
		}
		if err := snap.mustBeOpen(); err != nil {
			return err
		}
		all, err := drains(ctx, q, snap.seq)
		if err != nil {
			return err
		}
		known, err := heads(ctx, q, snap.console)
		if err != nil {
			return err
		}
		fresh := out.place(snap, all, known)
		t, err := s.take(ctx, q, snap, fresh)
		if err != nil {
			return err
		}
		out.Losses = t.losses(fresh)
		out.Added, out.Removed = t.changes()
		out.Counts = t.counts(fresh, known)
		return nil
	})
	return out, err
}

// place finds the stale and the moved collections, and returns those not stale.
func (a *Assessment) place(
	snap snapshotRow, all map[access.Collection]drainRow, known map[access.Collection]head,
) []access.Collection {
	var fresh []access.Collection
	for _, c := range access.Collections() {
		d, covered := all[c]
		switch {
		case !covered:
			continue
		case known[c].seq > snap.seq:
			a.Stale = append(a.Stale, c)
			continue
		case d.attempt > 0 && known[c].version != d.base:
			a.Moved = append(a.Moved, c)
		}
		fresh = append(fresh, c)
	}
	return fresh
}

func (t tally) losses(cs []access.Collection) []Loss {
	var out []Loss
	var held, removed int
	principals := false
	for _, c := range cs {
		out = append(out, Loss{What: string(c), Before: t.visible[c], Gone: t.gone(c)})
		if c.PrincipalKind() != "" {
			principals = true
			held += t.held[c]
			removed += t.removed[c]
		}
	}
	if principals {
		out = append(out, Loss{What: Assignments, Before: held, Gone: removed})
	}
	return out
}

// Members counts who holds each role, by role id, as this snapshot would have it: of
// the collections it covers what it received, of the others what readers see. A role
// nobody holds has no entry.
func (s *Store) Members(ctx context.Context, id string) (map[string]RoleMembers, error) {
	out := map[string]RoleMembers{}
	err := s.read(ctx, func(q queryer) error {
		snap, err := findSnapshot(ctx, q, id)
		if err != nil {
			return err
		}
		all, err := drains(ctx, q, snap.seq)
		if err != nil {
			return err
		}
		query, args := membersQuery(snap, all)
		return each(ctx, q, "count members", query, args, func(rows *sql.Rows) error {
			var role string
			var kind access.Kind
			var members, assignments int
			if err := rows.Scan(&role, &kind, &members, &assignments); err != nil {
				return err
			}
			m := out[role]
			m.Assignments += assignments
			if kind == access.ServiceUser {
				m.ServiceUsers = members
			} else {
				m.Users = members
			}
			out[role] = m
			return nil
		})
	})
	return out, err
}

// membersQuery counts visible and pending assignments, less those that close and
// those of principals who are gone.
func membersQuery(snap snapshotRow, all map[access.Collection]drainRow) (string, []any) {
	var with, without []string
	args := []any{snap.console, snap.seq}
	for _, c := range []access.Collection{access.Users, access.ServiceUsers} {
		if _, covered := all[c]; !covered {
			continue
		}
		args = append(args, string(c), string(c.PrincipalKind()))
		collection, kind := fmt.Sprintf("$%d", len(args)-1), fmt.Sprintf("$%d", len(args))
		gone := "gone_" + strings.ToLower(string(c))
		with = append(with, gone+" AS MATERIALIZED ("+goneRows(collection)+")")
		without = append(without,
			" AND NOT (a.principal_kind = "+kind+" AND a.principal_id IN (SELECT id FROM "+gone+"))")
	}
	// Grouping by principal first follows the index and needs no sorting.
	query := `SELECT g.role_id, g.principal_kind, COUNT(*), SUM(g.held) FROM (
		SELECT a.role_id, a.principal_kind, COUNT(*) AS held FROM assignments a
		WHERE a.console = $1 AND a.until IS NULL AND (a.since = $2 OR ` + promotedIn("a") + `)
		  AND a.row_id NOT IN (SELECT x.assignment_row FROM closing x WHERE x.snapshot_seq = $2)` +
		strings.Join(without, "") + `
		GROUP BY a.principal_kind, a.principal_id, a.role_id) g
		GROUP BY g.role_id, g.principal_kind`
	if len(with) > 0 {
		query = "WITH " + strings.Join(with, ", ") + " " + query
	}
	return query, args
}
