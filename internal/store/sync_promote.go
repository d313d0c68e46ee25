package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// Promote makes a snapshot visible to readers in one transaction: it promotes the
// collections of the input and drops the others. If one of them moved or became stale it
// changes nothing and lists them in Promotion.Moved; if one is not drained it is an error.
// Repeating it returns the first answer. A discarded or failed snapshot is [ErrDecided],
// an unknown one [ErrNoSnapshot].
func (s *Store) Promote(ctx context.Context, id string, in PromoteInput) (Promotion, error) {
	var out Promotion
	err := s.writeOnDurably(ctx, func(t *txn) error {
		snap, err := s.lockConsoleOf(ctx, t.Tx, id)
		if err != nil {
			return err
		}
		if snap.proven() {
			out, err = earlierPromotion(ctx, t.Tx, snap)
			return err
		}
		if err := snap.checkOpen(); err != nil {
			return err
		}
		p := promotion{s: s, tx: t, snap: snap, in: in}
		out, err = p.run(ctx)
		return err
	})
	return out, err
}

// promotion is one call of Promote.
type promotion struct {
	s      *Store
	tx     *txn
	snap   snapshotRow
	in     PromoteInput
	drains map[access.Collection]drainRow
	heads  map[access.Collection]collectionHead
	counts snapshotCounts
}

func (p *promotion) run(ctx context.Context) (Promotion, error) {
	moved, err := p.check(ctx)
	if err != nil || len(moved) > 0 {
		return Promotion{Moved: moved}, err
	}
	if p.counts, err = countSnapshot(ctx, p.tx, p.s.d, p.snap, p.drains, p.in.Collections, p.heads); err != nil {
		return Promotion{}, err
	}
	out, decision, err := p.outcome(ctx)
	if err != nil {
		return Promotion{}, err
	}
	statements := clearOtherDrains(p.snap, p.drains, p.in.Collections)
	for _, c := range p.in.Collections {
		statements = append(statements, p.closeRows(c)...)
	}
	if err := p.tx.execBatch(ctx, append(statements, decision...)...); err != nil {
		return Promotion{}, err
	}
	return out, p.s.clearOutdated(ctx, p.tx, p.snap)
}

// check locks the drains and returns the collections that moved or became stale.
func (p *promotion) check(ctx context.Context) (moved []access.Collection, err error) {
	if len(p.in.Collections) == 0 {
		return nil, fmt.Errorf("promote snapshot %s: name the collections to promote, or discard it", p.snap.id)
	}
	if err := p.s.lockDrains(ctx, p.tx.Tx, p.snap.seq); err != nil {
		return nil, err
	}
	if p.drains, err = allDrains(ctx, p.tx, p.snap.seq); err != nil {
		return nil, err
	}
	if p.heads, err = allHeads(ctx, p.tx, p.snap.console); err != nil {
		return nil, err
	}
	for _, c := range p.in.Collections {
		d, covered := p.drains[c]
		switch {
		case !covered:
			return nil, fmt.Errorf("promote %[2]s of snapshot %[1]s: it does not cover that collection; leave it out",
				p.snap.id, c)
		case p.heads[c].seq > p.snap.seq, d.attempt > 0 && p.heads[c].version != d.base:
			moved = append(moved, c)
		case !d.complete():
			return nil, errNotDrained(p.snap.id, d)
		}
	}
	return moved, nil
}

// closeRows closes the missing and replaced rows of one collection and updates last
// activity, which is not versioned. New rows are in the tables already; readers see them
// once the state of the snapshot changes.
func (p *promotion) closeRows(c access.Collection) (statements []statement) {
	if p.counts.assignmentsRemoved[c] > 0 {
		statements = p.closeAssignments(c)
	}
	if p.counts.missing(c)+p.counts.replaced[c] > 0 {
		statements = append(statements, statement{
			purpose: "close rows",
			sql: `UPDATE entities SET until = $3
				WHERE ` + p.closingRows(),
			args: []any{p.snap.console, string(c), p.snap.seq},
		})
	}
	if c.PrincipalKind() != "" && p.counts.unchanged[c] > 0 {
		statements = append(statements, statement{
			purpose: "update last activity",
			sql: `UPDATE entities SET last_active = s.last_active FROM unchanged s
				WHERE s.snapshot_seq = $1 AND s.collection = $2 AND s.touched = 1 AND entities.row_id = s.entity_row`,
			args: []any{p.snap.seq, string(c)},
		})
	}
	return append(statements, clearWorkTables(p.snap.seq, c)...)
}

// closingRows is the condition on the rows of collection $2 that snapshot $3 closes.
func (p *promotion) closingRows() string {
	if p.snap.delta {
		return p.s.d.inSelected("row_id", p.s.d.deltaClosedRows())
	}
	return `console = $1 AND collection = $2 AND until IS NULL AND since <> $3
		AND ` + promotedIn("entities") + `
		AND NOT EXISTS (SELECT 1 FROM unchanged s
			WHERE s.snapshot_seq = $3 AND s.collection = $2 AND s.entity_row = entities.row_id)`
}

func (p *promotion) closeAssignments(c access.Collection) (statements []statement) {
	kind := string(c.PrincipalKind())
	closing, heldByMissing := endClosing, `WITH missing AS (`+missingRows("$3")+`)
		UPDATE assignments SET until = $2 FROM missing m
		WHERE assignments.console = $1 AND assignments.principal_kind = $4 AND assignments.principal_id = m.id
		  AND assignments.until IS NULL AND `+promoted("assignments")
	if p.snap.delta {
		closing, heldByMissing = p.s.d.deltaEndClosing(), p.s.d.deltaCloseHeldByGone()
	}
	if p.counts.missing(c) > 0 {
		statements = append(statements, statement{
			purpose: "close assignments of missing principals",
			sql:     heldByMissing,
			args:    []any{p.snap.console, p.snap.seq, string(c), kind},
		})
	}
	return append(statements, statement{
		purpose: "close assignments",
		sql:     closing,
		args:    []any{p.snap.seq, string(c), p.snap.console, kind},
	})
}

// endClosing ends the assignments in the table closing of snapshot $1 and collection $2, of console $3 and kind $4.
// Each is looked up by its key: a join would have SQLite read all assignments of the kind.
const endClosing = `UPDATE assignments SET until = $1
	WHERE (console, principal_kind, principal_id, role_id, level, scope_id, since) IN (
	    SELECT CAST($3 AS TEXT), CAST($4 AS TEXT), x.principal_id, x.role_id, x.level, x.scope_id, x.since
	    FROM closing x WHERE x.snapshot_seq = $1 AND x.collection = $2)
	  AND until IS NULL`

// outcome computes the answer, and the statements that change the state of the snapshot
// and move the heads of its collections.
func (p *promotion) outcome(ctx context.Context) (Promotion, []statement, error) {
	out := Promotion{State: StateUnchanged, Counts: p.counts.counts(p.in.Collections, p.heads)}
	out.Added, out.Removed = p.counts.assignmentDiff()
	if slices.ContainsFunc(p.in.Collections, p.counts.changed) {
		out.State = StatePromoted
	}
	at, err := p.nextPromotionTime(ctx)
	if err != nil {
		return out, nil, err
	}
	out.At = fromMicros(at)
	record, err := p.recordPromotion(out, at)
	if err != nil {
		return out, nil, err
	}
	statements := []statement{record}
	for _, c := range p.in.Collections {
		version := p.heads[c].version
		if p.counts.changed(c) {
			version = p.snap.seq
		}
		statements = append(statements, statement{
			purpose: "move the collection head",
			sql: `INSERT INTO collection_heads (console, collection, seq, version, visible, held)
			        VALUES ($1, $2, $3, $4, $5, $6)
			        ON CONFLICT (console, collection) DO UPDATE SET seq = excluded.seq, version = excluded.version,
			            visible = excluded.visible, held = excluded.held`,
			args: []any{
				p.snap.console, string(c), p.snap.seq, version,
				p.counts.rowsAfter(c), p.counts.assignmentsAfter(c),
			},
		})
	}
	return out, statements, nil
}

// nextPromotionTime is now, in microseconds since 1970, or one microsecond after the
// console's latest promotion if the clock is behind that.
func (p *promotion) nextPromotionTime(ctx context.Context) (int64, error) {
	var latest sql.NullInt64
	err := p.tx.QueryRowContext(ctx, `SELECT MAX(promoted_at) FROM snapshots WHERE console = $1`, p.snap.console).
		Scan(&latest)
	if err != nil {
		return 0, fmt.Errorf("read the time of the latest promotion: %w", err)
	}
	now := micros(p.s.now())
	if latest.Valid {
		now = max(now, latest.Int64+1)
	}
	return now, nil
}

// changeCounts is the JSON of snapshots.changes.
type changeCounts struct {
	Added   int `json:"added"`
	Removed int `json:"removed"`
}

func (p *promotion) recordPromotion(out Promotion, at int64) (statement, error) {
	counts, err := toJSON(out.Counts)
	if err != nil {
		return statement{}, err
	}
	changes, err := toJSON(changeCounts{Added: out.Added, Removed: out.Removed})
	return statement{
		purpose: "record the promotion",
		sql: `UPDATE snapshots SET state = $1, promoted_at = $2, finished_at = $2, decided_by = $3, counts = $4,
		               changes = $5, note = ''
		        WHERE seq = $6`,
		args: []any{out.State, at, p.in.By, counts, changes, p.snap.seq},
	}, err
}

// earlierPromotion is the answer that was given for a snapshot already proven.
func earlierPromotion(ctx context.Context, q queryer, snap snapshotRow) (Promotion, error) {
	out := Promotion{State: snap.state}
	var at int64
	var counts, changes string
	err := q.QueryRowContext(ctx, `SELECT promoted_at, counts, changes FROM snapshots WHERE seq = $1`, snap.seq).
		Scan(&at, &counts, &changes)
	if err != nil {
		return out, fmt.Errorf("read the promotion of snapshot %s: %w", snap.id, err)
	}
	var c changeCounts
	err = errors.Join(json.Unmarshal([]byte(counts), &out.Counts), json.Unmarshal([]byte(changes), &c))
	if err != nil {
		return out, fmt.Errorf("read the promotion of snapshot %s: %w", snap.id, err)
	}
	out.Added, out.Removed, out.At = c.Added, c.Removed, fromMicros(at)
	return out, nil
}
