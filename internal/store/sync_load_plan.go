package store

import (
	"context"
	"database/sql"

	"sentinelone-provisioner/internal/access"
)

// plan is what one chunk of a page does to the tables.
type plan struct {
	seen    []seenRow
	unseen  []int64  // base rows noted as seen before, and now found changed
	again   []string // ids whose earlier pending version of this drain is replaced
	revert  []int64  // pending rows of ids which are now found unchanged after all
	changed []row    // new, or other than what readers see
	based   []string // ids among changed that readers see in another version
}

type seenRow struct {
	entityRow  int64
	touched    bool // last activity differs
	lastActive *int64
}

// sortOut compares a chunk with what is known. A page may be loaded twice, and an
// id may come twice within a drain, the second time as something else: what came
// last counts.
func sortOut(rows []row, known map[string]versions) plan {
	var p plan
	for _, r := range rows {
		v := known[r.id]
		switch {
		case v.base != nil && v.base.digest == r.digest:
			if v.pending != nil {
				p.again = append(p.again, r.id)
				p.revert = append(p.revert, v.pending.rowID)
			}
			p.seen = append(p.seen, see(v.base, r))
		case v.pending != nil && v.pending.digest == r.digest:
			p.changed = append(p.changed, r) // writes the last activity, and the same again
			p.again = append(p.again, r.id)
			if v.base != nil {
				p.based = append(p.based, r.id)
			}
		default:
			if v.pending != nil {
				p.again = append(p.again, r.id)
			}
			if v.base != nil {
				p.unseen = append(p.unseen, v.base.rowID)
				p.based = append(p.based, r.id)
			}
			p.changed = append(p.changed, r)
		}
	}
	return p
}

func see(base *version, r row) seenRow {
	s := seenRow{entityRow: base.rowID}
	was := base.lastActive
	if r.lastActive == nil {
		s.touched = was.Valid
	} else if !was.Valid || was.Int64 != *r.lastActive {
		s.touched, s.lastActive = true, r.lastActive
	}
	return s
}

// undo takes back what this drain said earlier about the same ids.
func (l *loading) undo(ctx context.Context, p plan) error {
	d := l.s.d
	if len(p.again) > 0 && l.c.PrincipalKind() != "" {
		_, err := exec(ctx, l.t.Tx, "take back pending assignments",
			`DELETE FROM assignments WHERE console = $1 AND principal_kind = $2 AND since = $3
			 AND `+d.in("principal_id", "$4"),
			l.snap.console, string(l.c.PrincipalKind()), l.snap.seq, list(d, p.again))
		if err != nil {
			return err
		}
		_, err = exec(ctx, l.t.Tx, "take back closing assignments",
			`DELETE FROM closing WHERE snapshot_seq = $1 AND collection = $2 AND `+d.in("principal_id", "$3"),
			l.snap.seq, string(l.c), list(d, p.again))
		if err != nil {
			return err
		}
	}
	if len(p.revert) > 0 {
		_, err := exec(ctx, l.t.Tx, "take back pending rows",
			`DELETE FROM entities WHERE since = $1 AND `+d.inRows("row_id", "$2"),
			l.snap.seq, list(d, p.revert))
		if err != nil {
			return err
		}
	}
	if len(p.unseen) > 0 {
		_, err := exec(ctx, l.t.Tx, "take back seen rows",
			`DELETE FROM seen WHERE snapshot_seq = $1 AND collection = $2 AND `+d.inRows("entity_row", "$3"),
			l.snap.seq, string(l.c), list(d, p.unseen))
		if err != nil {
			return err
		}
	}
	return nil
}

// insert adds rows. Those of an id that comes for the first time in its drain, as
// nearly all do, are new to each table; see loading.transact for when they are not.
func (l *loading) insert(ctx context.Context, b bulk, rows [][]any) error {
	if l.fresh && l.s.d.postgres {
		return l.t.copyRows(ctx, b, rows)
	}
	return l.s.d.insert(ctx, l.t.Tx, b, rows)
}

// keep notes what was received as it was.
func (l *loading) keep(ctx context.Context, p plan) error {
	rows := make([][]any, len(p.seen))
	for i, s := range p.seen {
		rows[i] = []any{l.snap.seq, string(l.c), s.entityRow, int64(flag(s.touched)), s.lastActive}
	}
	return l.insert(ctx, bulk{
		what:  "note unchanged rows",
		into:  "seen (snapshot_seq, collection, entity_row, touched, last_active)",
		types: []string{"bigint", "text", "bigint", "bigint", "bigint"},
		conflict: `(snapshot_seq, collection, entity_row)
			DO UPDATE SET touched = excluded.touched, last_active = excluded.last_active`,
	}, rows)
}

func (l *loading) insertEntities(ctx context.Context, changed []row) error {
	rows := make([][]any, len(changed))
	for i, r := range changed {
		rows[i] = []any{
			l.snap.console, string(l.c), r.id, r.name, r.email, fold(r.email), r.parent, r.doc, r.digest,
			r.lastActive, l.snap.seq,
		}
	}
	const text = "text"
	return l.insert(ctx, bulk{
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

// loadAssignments adds what changed principals hold now and did not, and notes what
// they held and do not now. What they keep is not touched.
func (l *loading) loadAssignments(ctx context.Context, p plan) error {
	held, err := l.held(ctx, p.based)
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
	err = l.insert(ctx, bulk{
		what:     "add assignments",
		into:     "assignments (console, principal_kind, principal_id, role_id, level, scope_id, since)",
		types:    []string{"text", "text", "text", "text", "text", "text", "bigint"},
		conflict: "DO NOTHING",
	}, add)
	if err != nil {
		return err
	}
	return l.insert(ctx, bulk{
		what:     "note closing assignments",
		into:     "closing (snapshot_seq, collection, principal_id, role_id, level, scope_id, since)",
		types:    []string{"bigint", "text", "text", "text", "text", "text", "bigint"},
		conflict: "DO NOTHING",
	}, closing)
}

// held is what readers see the principals holding, each with the snapshot it began in.
func (l *loading) held(ctx context.Context, ids []string) (map[access.Assignment]int64, error) {
	out := map[access.Assignment]int64{}
	if len(ids) == 0 {
		return out, nil
	}
	kind := l.c.PrincipalKind()
	query := l.s.d.probe("a.since, a.principal_id, a.role_id, a.level, a.scope_id, a.until", "assignments a",
		"a.console = $1 AND a.principal_kind = $2 AND a.since <> $4 AND "+promoted("a"), "a.principal_id", "$3")
	err := each(ctx, l.t.Tx, "look up held roles", query,
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
