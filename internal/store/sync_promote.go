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

// Promote shows a snapshot to readers, in one transaction: the collections asked for
// are promoted, the other ones dropped. It does nothing, and says so in
// Promotion.Moved, when one of them moved or went stale; it is an error when one is
// not drained. Repeating it returns the first answer; for a snapshot that was
// dropped it is [ErrDecided].
func (s *Store) Promote(ctx context.Context, id string, in PromoteInput) (Promotion, error) {
	var out Promotion
	err := s.writeOn(ctx, func(t *txn) error {
		snap, err := s.claim(ctx, t.Tx, id)
		if err != nil {
			return err
		}
		if snap.proven() {
			out, err = promotionOf(ctx, t.Tx, snap)
			return err
		}
		if err := snap.mustBeOpen(); err != nil {
			return err
		}
		p := promoting{s: s, tx: t, snap: snap, in: in}
		out, err = p.run(ctx)
		return err
	})
	return out, err
}

// promoting is one promotion under way.
type promoting struct {
	s     *Store
	tx    *txn
	snap  snapshotRow
	in    PromoteInput
	all   map[access.Collection]drainRow
	known map[access.Collection]head
	t     tally
}

func (p *promoting) run(ctx context.Context) (Promotion, error) {
	moved, err := p.check(ctx)
	if err != nil || len(moved) > 0 {
		return Promotion{Moved: moved}, err
	}
	if p.t, err = take(ctx, p.tx, p.snap, p.all, p.in.Collections, p.known); err != nil {
		return Promotion{}, err
	}
	out, decision, err := p.decide(ctx)
	if err != nil {
		return Promotion{}, err
	}
	steps := wipeAll(p.snap, p.all, p.in.Collections)
	for _, c := range p.in.Collections {
		steps = append(steps, p.apply(c)...)
	}
	if err := p.tx.together(ctx, append(steps, decision...)...); err != nil {
		return Promotion{}, err
	}
	return out, p.s.sweep(ctx, p.tx, p.snap)
}

// check locks the drains and finds what stands in the way.
func (p *promoting) check(ctx context.Context) (moved []access.Collection, err error) {
	if len(p.in.Collections) == 0 {
		return nil, fmt.Errorf("snapshot %s: name the collections to promote, or discard it", p.snap.id)
	}
	if err := p.s.lockDrains(ctx, p.tx.Tx, p.snap.seq); err != nil {
		return nil, err
	}
	if p.all, err = drains(ctx, p.tx, p.snap.seq); err != nil {
		return nil, err
	}
	if p.known, err = heads(ctx, p.tx, p.snap.console); err != nil {
		return nil, err
	}
	for _, c := range p.in.Collections {
		d, covered := p.all[c]
		switch {
		case !covered:
			return nil, fmt.Errorf("snapshot %s does not cover %s: begin it with that collection", p.snap.id, c)
		case p.known[c].seq > p.snap.seq, d.attempt > 0 && p.known[c].version != d.base:
			moved = append(moved, c)
		case !d.complete():
			return nil, incomplete(p.snap.id, d)
		}
	}
	return moved, nil
}

// apply closes what is gone or replaced in one collection and settles what is not
// versioned. What is new is there already, and shows when the snapshot's state flips.
func (p *promoting) apply(c access.Collection) (steps []step) {
	if p.t.removed[c] > 0 {
		steps = p.closeAssignments(c)
	}
	if p.t.gone(c)+p.t.replaced[c] > 0 {
		steps = append(steps, step{
			what: "close rows",
			query: `UPDATE entities SET until = $3
				WHERE console = $1 AND collection = $2 AND until IS NULL AND since <> $3
				  AND ` + promotedIn("entities") + `
				  AND NOT EXISTS (SELECT 1 FROM seen s
					WHERE s.snapshot_seq = $3 AND s.collection = $2 AND s.entity_row = entities.row_id)`,
			args: []any{p.snap.console, string(c), p.snap.seq},
		})
	}
	if c.PrincipalKind() != "" && p.t.seen[c] > 0 {
		steps = append(steps, step{
			what: "note last activity",
			query: `UPDATE entities SET last_active = s.last_active FROM seen s
				WHERE s.snapshot_seq = $1 AND s.collection = $2 AND s.touched = 1 AND entities.row_id = s.entity_row`,
			args: []any{p.snap.seq, string(c)},
		})
	}
	return append(steps, wipeReceipts(p.snap.seq, c)...)
}

func (p *promoting) closeAssignments(c access.Collection) (steps []step) {
	kind := string(c.PrincipalKind())
	if p.t.gone(c) > 0 {
		steps = append(steps, step{
			what: "close assignments of who is gone",
			query: `WITH gone AS (` + goneRows("$3") + `)
				UPDATE assignments SET until = $2 FROM gone g
				WHERE assignments.console = $1 AND assignments.principal_kind = $4 AND assignments.principal_id = g.id
				  AND assignments.until IS NULL AND ` + promoted("assignments"),
			args: []any{p.snap.console, p.snap.seq, string(c), kind},
		})
	}
	return append(steps, step{
		what: "close assignments",
		query: `UPDATE assignments SET until = $1 FROM closing x
				WHERE x.snapshot_seq = $1 AND x.collection = $2
				  AND assignments.console = $3 AND assignments.principal_kind = $4
				  AND assignments.principal_id = x.principal_id AND assignments.role_id = x.role_id
				  AND assignments.level = x.level AND assignments.scope_id = x.scope_id AND assignments.since = x.since
				  AND assignments.until IS NULL`,
		args: []any{p.snap.seq, string(c), p.snap.console, kind},
	})
}

// decide works out the answer, and what flips the snapshot and moves the heads.
func (p *promoting) decide(ctx context.Context) (Promotion, []step, error) {
	out := Promotion{State: StateUnchanged, Counts: p.t.counts(p.in.Collections, p.known)}
	out.Added, out.Removed = p.t.changes()
	if slices.ContainsFunc(p.in.Collections, p.t.changed) {
		out.State = StatePromoted
	}
	at, err := p.moment(ctx)
	if err != nil {
		return out, nil, err
	}
	out.At = fromMicros(at)
	record, err := p.record(out, at)
	if err != nil {
		return out, nil, err
	}
	steps := []step{record}
	for _, c := range p.in.Collections {
		version := p.known[c].version
		if p.t.changed(c) {
			version = p.snap.seq
		}
		steps = append(steps, step{
			what: "move the head",
			query: `INSERT INTO heads (console, collection, seq, version, visible, held) VALUES ($1, $2, $3, $4, $5, $6)
			        ON CONFLICT (console, collection) DO UPDATE SET seq = excluded.seq, version = excluded.version,
			            visible = excluded.visible, held = excluded.held`,
			args: []any{
				p.snap.console, string(c), p.snap.seq, version,
				p.t.seen[c] + p.t.pending[c], p.t.held[c] + p.t.added[c] - p.t.removed[c],
			},
		})
	}
	return out, steps, nil
}

// moment is now, or just after the console's latest promotion if a clock is behind.
func (p *promoting) moment(ctx context.Context) (int64, error) {
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

func (p *promoting) record(out Promotion, at int64) (step, error) {
	counts, err := toJSON(out.Counts)
	if err != nil {
		return step{}, err
	}
	changes, err := toJSON(changeCounts{Added: out.Added, Removed: out.Removed})
	return step{
		what: "record the promotion",
		query: `UPDATE snapshots SET state = $1, promoted_at = $2, finished_at = $2, decided_by = $3, counts = $4,
		               changes = $5, note = ''
		        WHERE seq = $6`,
		args: []any{out.State, at, p.in.By, counts, changes, p.snap.seq},
	}, err
}

// promotionOf is the answer already given for a proven snapshot.
func promotionOf(ctx context.Context, q queryer, snap snapshotRow) (Promotion, error) {
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
