package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/access"
)

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
		for _, c := range []access.Collection{access.Users, access.ServiceUsers} {
			t, err := membersOf(ctx, q, snap, all, c)
			if err != nil {
				return err
			}
			t.into(out, c.PrincipalKind())
		}
		return nil
	})
	return out, err
}

// roleTally has, by role id, how many principals of a collection hold the role, and
// at how many scopes in all. The JSON of drains.members.
type roleTally map[string]held

type held struct {
	Members     int `json:"m"`
	Assignments int `json:"a"`
}

// add counts a page.
func (t roleTally) add(entities []access.Entity) {
	roles := map[string]int{} // of one principal after the other
	for _, e := range entities {
		p, ok := e.(access.Principal)
		if !ok {
			continue
		}
		clear(roles)
		for _, h := range p.Held {
			roles[h.RoleID]++
		}
		for role, n := range roles {
			h := t[role]
			t[role] = held{Members: h.Members + 1, Assignments: h.Assignments + n}
		}
	}
}

// assignments is how many there are in all.
func (t roleTally) assignments() int {
	n := 0
	for _, h := range t {
		n += h.Assignments
	}
	return n
}

func (t roleTally) into(out map[string]RoleMembers, kind access.Kind) {
	for role, h := range t {
		m := out[role]
		m.Assignments += h.Assignments
		if kind == access.ServiceUser {
			m.ServiceUsers = h.Members
		} else {
			m.Users = h.Members
		}
		out[role] = m
	}
}

// readMembers reads what was counted so far in a drain.
func readMembers(id string, c access.Collection, into *string) step {
	return step{
		what:  "read the members counted",
		query: "SELECT d.members FROM drains d" + ofSnapshot,
		args:  []any{id, string(c)},
		read: func(row scanner) error {
			err := row.Scan(into)
			if errors.Is(err, sql.ErrNoRows) {
				err = nil // whoever holds the drain says so better
			}
			return err
		},
	}
}

// addMembers adds a page to what was counted so far.
func addMembers(counted string, page []access.Entity) (string, error) {
	t, err := parseMembers(counted)
	if err != nil {
		return "", err
	}
	t.add(page)
	return toJSON(t)
}

func tallied(ctx context.Context, q queryer, snap snapshotRow, c access.Collection) (roleTally, error) {
	var body string
	err := q.QueryRowContext(ctx, `SELECT members FROM drains WHERE snapshot_seq = $1 AND collection = $2`,
		snap.seq, string(c)).Scan(&body)
	if err != nil {
		return nil, fmt.Errorf("read the members counted: %w", err)
	}
	return parseMembers(body)
}

func parseMembers(body string) (roleTally, error) {
	t := roleTally{}
	if err := json.Unmarshal([]byte(body), &t); err != nil {
		return nil, fmt.Errorf("read the members counted: %w", err)
	}
	return t, nil
}

// membersOf takes what was counted page by page. Where a principal came twice in the
// drain, or the snapshot does not cover the collection, it counts the rows.
func membersOf(
	ctx context.Context, q queryer, snap snapshotRow, all map[access.Collection]drainRow, c access.Collection,
) (roleTally, error) {
	d, covered := all[c]
	if covered {
		seen, pending, err := came(ctx, q, snap, d)
		if err != nil {
			return nil, err
		}
		if seen+pending == d.received {
			return tallied(ctx, q, snap, c)
		}
	}
	query, args := membersQuery(snap, c, covered)
	out := roleTally{}
	return out, each(ctx, q, "count members", query, args, func(rows *sql.Rows) error {
		var role string
		var h held
		err := rows.Scan(&role, &h.Members, &h.Assignments)
		out[role] = h
		return err
	})
}

// membersQuery counts visible and pending assignments, less those that close and
// those of principals who are gone.
func membersQuery(snap snapshotRow, c access.Collection, covered bool) (string, []any) {
	with, without := "", ""
	args := []any{snap.console, snap.seq, string(c.PrincipalKind())}
	if covered {
		args = append(args, string(c))
		with = "WITH gone AS MATERIALIZED (" + goneRows("$4") + ") "
		without = ` AND a.principal_id NOT IN (SELECT id FROM gone)
			AND (a.principal_id, a.role_id, a.level, a.scope_id, a.since) NOT IN (
				SELECT x.principal_id, x.role_id, x.level, x.scope_id, x.since FROM closing x
				WHERE x.snapshot_seq = $2 AND x.collection = $4)`
	}
	// Grouping by principal first follows the key and needs no sorting.
	return with + `SELECT g.role_id, COUNT(*), SUM(g.held) FROM (
		SELECT a.role_id, COUNT(*) AS held FROM assignments a
		WHERE a.console = $1 AND a.principal_kind = $3 AND a.until IS NULL
		  AND (a.since = $2 OR ` + promotedIn("a") + `)` + without + `
		GROUP BY a.principal_id, a.role_id) g
		GROUP BY g.role_id`, args
}
