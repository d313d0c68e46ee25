package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/access"
)

// Members counts the holders of each role, by role id, as readers would see them if the
// snapshot were promoted: from received rows for the collections it covers, from visible
// rows for the others. A role without holders has no entry. An unknown snapshot is
// [ErrNoSnapshot].
func (s *Store) Members(ctx context.Context, id string) (map[string]RoleMembers, error) {
	out := map[string]RoleMembers{}
	err := s.read(ctx, func(q queryer) error {
		snap, err := findSnapshot(ctx, q, id)
		if err != nil {
			return err
		}
		drains, err := allDrains(ctx, q, snap.seq)
		if err != nil {
			return err
		}
		for _, c := range []access.Collection{access.Users, access.ServiceUsers} {
			rc, err := countRoles(ctx, q, snap, drains, c)
			if err != nil {
				return err
			}
			rc.addTo(out, c.PrincipalKind())
		}
		return nil
	})
	return out, err
}

// roleCounts has, by role id, the number of principals of a collection that hold the
// role and of their assignments. It is stored as JSON in drains.members.
type roleCounts map[string]roleCount

type roleCount struct {
	Members     int `json:"m"`
	Assignments int `json:"a"`
}

// add adds the holders in a page.
func (rc roleCounts) add(entities []access.Entity) {
	roles := map[string]int{} // of one principal; reused for the next
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
			h := rc[role]
			rc[role] = roleCount{Members: h.Members + 1, Assignments: h.Assignments + n}
		}
	}
}

// assignments is the number of assignments of all roles.
func (rc roleCounts) assignments() int {
	n := 0
	for _, h := range rc {
		n += h.Assignments
	}
	return n
}

func (rc roleCounts) addTo(out map[string]RoleMembers, kind access.Kind) {
	for role, h := range rc {
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

// selectRoleCounts reads the counts of a drain as JSON into *into.
func selectRoleCounts(id string, c access.Collection, into *string) statement {
	return statement{
		purpose: "read the role counts",
		sql:     "SELECT d.members FROM drains d" + ofSnapshot,
		args:    []any{id, string(c)},
		scan: func(row scanner) error {
			err := row.Scan(into)
			if errors.Is(err, sql.ErrNoRows) {
				err = nil // lockDrain reports the missing drain with a better message
			}
			return err
		},
	}
}

// addPageCounts adds a page to stored counts and returns them as JSON.
func addPageCounts(counted string, page []access.Entity) (string, error) {
	rc, err := parseRoleCounts(counted)
	if err != nil {
		return "", err
	}
	rc.add(page)
	return toJSON(rc)
}

func savedRoleCounts(ctx context.Context, q queryer, snap snapshotRow, c access.Collection) (roleCounts, error) {
	var body string
	err := q.QueryRowContext(ctx, `SELECT members FROM drains WHERE snapshot_seq = $1 AND collection = $2`,
		snap.seq, string(c)).Scan(&body)
	if err != nil {
		return nil, fmt.Errorf("read the role counts of %s in snapshot %s: %w", c, snap.id, err)
	}
	return parseRoleCounts(body)
}

func parseRoleCounts(body string) (roleCounts, error) {
	rc := roleCounts{}
	if err := json.Unmarshal([]byte(body), &rc); err != nil {
		return nil, fmt.Errorf("decode stored role counts: %w", err)
	}
	return rc, nil
}

// countRoles uses the counts that were added up page by page. They are wrong if a
// principal came twice in the drain and missing if the snapshot does not cover the
// collection; then it counts rows.
func countRoles(
	ctx context.Context, q queryer, snap snapshotRow, drains map[access.Collection]drainRow, c access.Collection,
) (roleCounts, error) {
	d, covered := drains[c]
	if covered {
		unchanged, pending, err := receivedCounts(ctx, q, snap, d)
		if err != nil {
			return nil, err
		}
		if unchanged+pending == d.received {
			return savedRoleCounts(ctx, q, snap, c)
		}
	}
	query, args := roleCountsQuery(snap, c, covered)
	out := roleCounts{}
	return out, forEachRow(ctx, q, "count members", query, args, func(rows *sql.Rows) error {
		var role string
		var h roleCount
		err := rows.Scan(&role, &h.Members, &h.Assignments)
		out[role] = h
		return err
	})
}

// roleCountsQuery counts visible and pending assignments without those that the snapshot
// will close and those of principals it did not receive.
func roleCountsQuery(snap snapshotRow, c access.Collection, covered bool) (string, []any) {
	with, without := "", ""
	args := []any{snap.console, snap.seq, string(c.PrincipalKind())}
	if covered {
		args = append(args, string(c))
		with = "WITH missing AS MATERIALIZED (" + missingRows("$4") + ") "
		without = ` AND a.principal_id NOT IN (SELECT id FROM missing)
			AND (a.principal_id, a.role_id, a.level, a.scope_id, a.since) NOT IN (
				SELECT x.principal_id, x.role_id, x.level, x.scope_id, x.since FROM closing x
				WHERE x.snapshot_seq = $2 AND x.collection = $4)`
	}
	// Grouping by principal first follows the primary key, so the database need not sort.
	return with + `SELECT g.role_id, COUNT(*), SUM(g.held) FROM (
		SELECT a.role_id, COUNT(*) AS held FROM assignments a
		WHERE a.console = $1 AND a.principal_kind = $3 AND a.until IS NULL
		  AND (a.since = $2 OR ` + promotedIn("a") + `)` + without + `
		GROUP BY a.principal_id, a.role_id) g
		GROUP BY g.role_id`, args
}
