package store

import (
	"context"
	"database/sql"

	"sentinelone-provisioner/internal/access"
)

// loadPlan is what one chunk of a page changes in the tables.
type loadPlan struct {
	unchanged          []unchangedRow
	noLongerUnchanged  []int64  // base rows recorded as unchanged by this drain, and now found changed
	repeatedIDs        []string // ids whose pending version, received earlier in this drain, is replaced
	obsoletePending    []int64  // pending rows of ids that are now found unchanged
	changed            []row    // new, or different from what readers see
	changedIDsWithBase []string // ids in changed of which readers see another version
}

type unchangedRow struct {
	entityRow       int64
	activityChanged bool // the last activity differs
	lastActive      *int64
}

// planLoad compares a chunk with the stored versions. A page may be loaded twice, and an
// id may come twice in a drain with different contents: the last one wins.
func planLoad(rows []row, known map[string]versions) loadPlan {
	var p loadPlan
	for _, r := range rows {
		v := known[r.id]
		switch {
		case v.base != nil && v.base.digest == r.digest:
			if v.pending != nil {
				p.repeatedIDs = append(p.repeatedIDs, r.id)
				p.obsoletePending = append(p.obsoletePending, v.pending.rowID)
			}
			p.unchanged = append(p.unchanged, newUnchangedRow(v.base, r))
		case v.pending != nil && v.pending.digest == r.digest:
			p.changed = append(p.changed, r) // the same version again, perhaps with a newer last activity
			p.repeatedIDs = append(p.repeatedIDs, r.id)
			if v.base != nil {
				p.changedIDsWithBase = append(p.changedIDsWithBase, r.id)
			}
		default:
			if v.pending != nil {
				p.repeatedIDs = append(p.repeatedIDs, r.id)
			}
			if v.base != nil {
				p.noLongerUnchanged = append(p.noLongerUnchanged, v.base.rowID)
				p.changedIDsWithBase = append(p.changedIDsWithBase, r.id)
			}
			p.changed = append(p.changed, r)
		}
	}
	return p
}

func newUnchangedRow(base *version, r row) unchangedRow {
	s := unchangedRow{entityRow: base.rowID}
	was := base.lastActive
	if r.lastActive == nil {
		s.activityChanged = was.Valid
	} else if !was.Valid || was.Int64 != *r.lastActive {
		s.activityChanged, s.lastActive = true, r.lastActive
	}
	return s
}

// revertEarlier deletes what this drain stored earlier for the same ids.
func (l *pageLoad) revertEarlier(ctx context.Context, p loadPlan) error {
	d := l.s.d
	if len(p.repeatedIDs) > 0 && l.c.PrincipalKind() != "" {
		_, err := exec(ctx, l.t.Tx, "delete replaced pending assignments",
			`DELETE FROM assignments WHERE console = $1 AND principal_kind = $2 AND since = $3
			 AND `+d.in("principal_id", "$4"),
			l.snap.console, string(l.c.PrincipalKind()), l.snap.seq, list(d, p.repeatedIDs))
		if err != nil {
			return err
		}
		_, err = exec(ctx, l.t.Tx, "delete replaced closing assignments",
			`DELETE FROM closing WHERE snapshot_seq = $1 AND collection = $2 AND `+d.in("principal_id", "$3"),
			l.snap.seq, string(l.c), list(d, p.repeatedIDs))
		if err != nil {
			return err
		}
	}
	if len(p.obsoletePending) > 0 {
		_, err := exec(ctx, l.t.Tx, "delete obsolete pending rows",
			`DELETE FROM entities WHERE since = $1 AND `+d.inRows("row_id", "$2"),
			l.snap.seq, list(d, p.obsoletePending))
		if err != nil {
			return err
		}
	}
	if len(p.noLongerUnchanged) > 0 {
		_, err := exec(ctx, l.t.Tx, "delete rows no longer unchanged",
			`DELETE FROM unchanged WHERE snapshot_seq = $1 AND collection = $2 AND `+d.inRows("entity_row", "$3"),
			l.snap.seq, string(l.c), list(d, p.noLongerUnchanged))
		if err != nil {
			return err
		}
	}
	return nil
}

// insert adds rows. Nearly all ids come for the first time in their drain, so their rows
// are new to each table and COPY can add them; LoadPage retries without COPY if not.
func (l *pageLoad) insert(ctx context.Context, b bulkInsert, rows [][]any) error {
	if l.assumeNew && l.s.d.postgres {
		return l.t.copyRows(ctx, b, rows)
	}
	return l.s.d.insert(ctx, l.t.Tx, b, rows)
}

// insertUnchanged records the rows that were received unchanged.
func (l *pageLoad) insertUnchanged(ctx context.Context, p loadPlan) error {
	rows := make([][]any, len(p.unchanged))
	for i, s := range p.unchanged {
		rows[i] = []any{l.snap.seq, string(l.c), s.entityRow, int64(boolToInt(s.activityChanged)), s.lastActive}
	}
	return l.insert(ctx, bulkInsert{
		what:  "record unchanged rows",
		into:  "unchanged (snapshot_seq, collection, entity_row, touched, last_active)",
		types: []string{"bigint", "text", "bigint", "bigint", "bigint"},
		conflict: `(snapshot_seq, collection, entity_row)
			DO UPDATE SET touched = excluded.touched, last_active = excluded.last_active`,
	}, rows)
}

func (l *pageLoad) insertEntities(ctx context.Context, changed []row) error {
	rows := make([][]any, len(changed))
	for i, r := range changed {
		rows[i] = []any{
			l.snap.console, string(l.c), r.id, r.name, r.email, foldCase(r.email), r.parent, r.doc, r.digest,
			r.lastActive, l.snap.seq,
		}
	}
	const text = "text"
	return l.insert(ctx, bulkInsert{
		what: "add rows",
		into: `entities (console, collection, id, name, email, email_folded, parent_id, doc, digest,
			last_active, since)`,
		types: []string{
			text, text, text, text, text, text, text, text, text, "bigint", "bigint",
		},
		conflict: `(console, collection, id, since) DO UPDATE SET name = excluded.name, email = excluded.email,
			email_folded = excluded.email_folded, parent_id = excluded.parent_id, doc = excluded.doc,
			digest = excluded.digest, last_active = excluded.last_active`,
	}, rows)
}

// loadAssignments adds the assignments that changed principals gained and records those
// they lost in closing. Assignments they keep stay untouched.
func (l *pageLoad) loadAssignments(ctx context.Context, p loadPlan) error {
	held, err := l.heldAssignments(ctx, p.changedIDsWithBase)
	if err != nil {
		return err
	}
	var add, closing [][]any
	for _, r := range p.changed {
		for _, a := range r.held {
			if _, kept := held[a]; kept {
				delete(held, a)
				continue
			}
			add = append(add, []any{
				l.snap.console, string(a.PrincipalKind), a.PrincipalID, a.RoleID, string(a.Level), a.ScopeID,
				l.snap.seq,
			})
		}
	}
	for a, since := range held {
		closing = append(closing, []any{
			l.snap.seq, string(l.c), a.PrincipalID, a.RoleID, string(a.Level), a.ScopeID, since,
		})
	}
	err = l.insert(ctx, bulkInsert{
		what:     "add assignments",
		into:     "assignments (console, principal_kind, principal_id, role_id, level, scope_id, since)",
		types:    []string{"text", "text", "text", "text", "text", "text", "bigint"},
		conflict: "DO NOTHING",
	}, add)
	if err != nil {
		return err
	}
	return l.insert(ctx, bulkInsert{
		what:     "record closing assignments",
		into:     "closing (snapshot_seq, collection, principal_id, role_id, level, scope_id, since)",
		types:    []string{"bigint", "text", "text", "text", "text", "text", "bigint"},
		conflict: "DO NOTHING",
	}, closing)
}

// heldAssignments are the assignments of the principals that readers see, each with the
// seq of the snapshot it began in.
func (l *pageLoad) heldAssignments(ctx context.Context, ids []string) (map[access.Assignment]int64, error) {
	out := map[access.Assignment]int64{}
	if len(ids) == 0 {
		return out, nil
	}
	kind := l.c.PrincipalKind()
	query := l.s.d.probe("a.since, a.principal_id, a.role_id, a.level, a.scope_id, a.until", "assignments a",
		"a.console = $1 AND a.principal_kind = $2 AND a.since <> $4 AND "+promoted("a"), "a.principal_id", "$3")
	err := forEachRow(ctx, l.t.Tx, "look up held roles", query,
		[]any{l.snap.console, string(kind), list(l.s.d, ids), l.snap.seq}, func(rows *sql.Rows) error {
			a := access.Assignment{PrincipalKind: kind}
			var since int64
			var until sql.NullInt64
			err := rows.Scan(&since, &a.PrincipalID, &a.RoleID, &a.Level, &a.ScopeID, &until)
			if err == nil && !until.Valid {
				out[a] = since
			}
			return err
		})
	return out, err
}
