package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// ApplyDelta makes what a delta sync received visible to readers, in one transaction: the rows in Parts replace those
// that readers see, and the rest stays as it is. The change gets a snapshot of its own, with the same validity
// intervals as one of a full sync; if nothing has changed, there is no snapshot, and the result is
// [StateUnchanged]. It records how far the feed is read in the same transaction. Repeating it with the same ID
// returns the first answer.
func (s *Store) ApplyDelta(ctx context.Context, in DeltaInput) (DeltaResult, error) {
	rows := map[access.Collection][]row{}
	for c, part := range in.Parts {
		if err := checkPage(c, part.Entities); err != nil {
			return DeltaResult{}, err
		}
		encoded, err := encodeRows(part.Entities)
		if err != nil {
			return DeltaResult{}, err
		}
		rows[c] = encoded
	}
	var out DeltaResult
	err := s.writeOnDurably(ctx, func(t *txn) (err error) {
		d := delta{s: s, t: t, in: in, rows: rows}
		out, err = d.run(ctx)
		return err
	})
	if errors.Is(err, errHeldBack) {
		err = nil
	}
	return out, err
}

// errHeldBack rolls a delta back.
var errHeldBack = errors.New("the delta is held back")

// delta is one call of ApplyDelta.
type delta struct {
	s    *Store
	t    *txn
	in   DeltaInput
	rows map[access.Collection][]row
	p    promotion
}

func (d *delta) run(ctx context.Context) (DeltaResult, error) {
	if err := d.s.d.lockConsole(ctx, d.t.Tx, d.in.Console); err != nil {
		return DeltaResult{}, err
	}
	if before, err := findSnapshot(ctx, d.t, d.in.ID); err == nil && before.proven() {
		earlier, err := earlierPromotion(ctx, d.t, before)
		return DeltaResult{Promotion: earlier}, err
	} else if err != nil && !errors.Is(err, ErrNoSnapshot) {
		return DeltaResult{}, err
	}
	now, err := readFeed(ctx, d.t, d.in.Console, d.in.ID)
	if err != nil {
		return DeltaResult{}, err
	}
	if now.Base != d.in.Base || now.Unfinished {
		return DeltaResult{Overtaken: true}, errHeldBack
	}
	if len(d.in.Parts) == 0 {
		out := DeltaResult{Promotion: Promotion{State: StateUnchanged, Counts: countsOfHeads(now)}}
		return out, d.t.execBatch(ctx, d.s.d.advanceFeed(d.in.Console, d.in.Feed, 0)...)
	}
	return d.apply(ctx)
}

func countsOfHeads(f Feed) map[string]int {
	out := map[string]int{}
	for c, n := range f.Counts {
		out[string(c)] = n
	}
	if hasPrincipals(out) {
		out[Assignments] = f.held
	}
	return out
}

func (d *delta) apply(ctx context.Context) (DeltaResult, error) {
	if err := d.begin(ctx); err != nil {
		return DeltaResult{}, err
	}
	for _, c := range d.p.in.Collections {
		if err := d.load(ctx, c); err != nil {
			return DeltaResult{}, fmt.Errorf("load what a delta sync received of %s: %w", c, err)
		}
	}
	var err error
	if d.p.heads, err = allHeads(ctx, d.t, d.in.Console); err != nil {
		return DeltaResult{}, err
	}
	d.p.counts, err = countSnapshot(ctx, d.t, d.s.d, d.p.snap, d.p.drains, d.p.in.Collections, d.p.heads)
	if err != nil {
		return DeltaResult{}, err
	}
	counts := d.p.counts.counts(d.p.in.Collections, d.p.heads)
	if d.in.Allow != nil {
		if reasons := d.in.Allow(d.p.counts.losses(d.p.in.Collections), counts); len(reasons) > 0 {
			return DeltaResult{Reasons: reasons}, errHeldBack
		}
	}
	return d.finish(ctx, counts)
}

// begin writes the snapshot, with a drain for each collection, as provenance needs them.
func (d *delta) begin(ctx context.Context) error {
	snap := snapshotRow{id: d.in.ID, delta: true}
	err := d.t.execBatch(ctx, statement{
		purpose: "begin the snapshot of a delta sync",
		sql: `INSERT INTO snapshots (id, console, state, started_at, workflow_id, mode)
			VALUES ($1, $2, $3, $4, $5, $6)`,
		args: []any{d.in.ID, d.in.Console, StateDraining, micros(d.in.StartedAt), d.in.WorkflowID, ModeDelta},
	}, statement{purpose: "read the snapshot", sql: snapshotByID, args: []any{snap.id}, scan: snap.scan})
	if err != nil {
		return err
	}
	d.p = promotion{s: d.s, tx: d.t, snap: snap, drains: map[access.Collection]drainRow{}}
	for _, c := range access.Collections() {
		if _, received := d.in.Parts[c]; !received {
			continue
		}
		d.p.in.Collections = append(d.p.in.Collections, c)
		// received is no number of rows, so that none is taken from sums that are kept page by page.
		d.p.drains[c] = drainRow{collection: c, attempt: 1, lastSaved: true, received: -1}
		_, err := exec(ctx, d.t.Tx, "record the collection of a delta sync",
			`INSERT INTO drains (snapshot_seq, collection, attempt, pages, received, last_saved)
			 VALUES ($1, $2, 1, 1, $3, 1)`, snap.seq, string(c), len(d.rows[c]))
		if err != nil {
			return err
		}
	}
	return nil
}

// load writes the rows of one collection beside those that readers see, and names those that are gone.
func (d *delta) load(ctx context.Context, c access.Collection) error {
	l := pageLoad{s: d.s, t: d.t, snap: d.p.snap, c: c}
	for chunk := range slices.Chunk(d.rows[c], loadChunk) {
		if err := l.load(ctx, chunk); err != nil {
			return err
		}
	}
	gone := d.in.Parts[c].Gone
	if d.in.Parts[c].Complete {
		var err error
		if gone, err = d.absent(ctx, c); err != nil {
			return err
		}
	}
	rows := make([][]any, len(gone))
	for i, id := range gone {
		rows[i] = []any{d.p.snap.seq, string(c), id}
	}
	return d.s.d.insert(ctx, d.t.Tx, bulkInsert{
		what: "name the rows that are gone", into: "gone (snapshot_seq, collection, id)",
		types: []string{"bigint", "text", "text"}, conflict: "DO NOTHING",
	}, rows)
}

// absent lists the ids that readers see in a collection and that were not received.
func (d *delta) absent(ctx context.Context, c access.Collection) ([]string, error) {
	received := map[string]bool{}
	for _, r := range d.rows[c] {
		received[r.id] = true
	}
	var out []string
	err := forEachRow(ctx, d.t, "list the rows that readers see",
		`SELECT e.id FROM entities e WHERE e.console = $1 AND e.collection = $2 AND e.until IS NULL AND `+
			promotedIn("e"), []any{d.in.Console, string(c)}, func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			if !received[id] {
				out = append(out, id)
			}
			return err
		})
	return out, err
}

// finish promotes the collections that have changed, and undoes the snapshot if none has.
func (d *delta) finish(ctx context.Context, counts map[string]int) (DeltaResult, error) {
	out := DeltaResult{}
	var statements []statement
	var changed []access.Collection
	for _, c := range d.p.in.Collections {
		statements = append(statements, d.p.closeRows(c)...)
		statements = append(statements, statement{
			purpose: "clear gone", sql: "DELETE FROM gone WHERE snapshot_seq = $1 AND collection = $2",
			args: []any{d.p.snap.seq, string(c)},
		})
		if d.p.counts.changed(c) {
			changed = append(changed, c)
			out.Changed += d.p.counts.pending[c] + d.p.counts.missing(c)
		} else {
			statements = append(statements, statement{
				purpose: "forget a collection that has not changed",
				sql:     "DELETE FROM drains WHERE snapshot_seq = $1 AND collection = $2",
				args:    []any{d.p.snap.seq, string(c)},
			})
		}
	}
	statements = append(statements, d.s.d.advanceFeed(d.in.Console, d.in.Feed, out.Changed)...)
	if len(changed) == 0 {
		out.Promotion = Promotion{State: StateUnchanged, Counts: counts}
		statements = append(statements, statement{
			purpose: "forget the snapshot of a delta sync that changed nothing",
			sql:     "DELETE FROM snapshots WHERE seq = $1", args: []any{d.p.snap.seq},
		})
		return out, d.t.execBatch(ctx, statements...)
	}
	d.p.in.Collections = changed
	promoted, decision, err := d.p.outcome(ctx)
	if err != nil {
		return DeltaResult{}, err
	}
	out.Promotion = promoted
	statements = append(statements, decision...)
	authors, err := d.s.d.keepAuthors(d.in.Console, d.p.snap.seq, d.in.Authors)
	if err != nil {
		return DeltaResult{}, err
	}
	if err := d.t.execBatch(ctx, append(statements, authors...)...); err != nil {
		return DeltaResult{}, err
	}
	return out, d.s.clearOutdated(ctx, d.t, d.p.snap)
}

// keepAuthors records whom the feed names as the authors of a snapshot's changes.
func (d dialect) keepAuthors(console string, seq int64, authors map[PrincipalRef][]string) ([]statement, error) {
	rows := make([][]any, 0, len(authors))
	for p, names := range authors {
		if len(names) == 0 {
			continue
		}
		text, err := toJSON(names)
		if err != nil {
			return nil, err
		}
		rows = append(rows, []any{console, seq, string(p.Kind), p.ID, text})
	}
	return d.insertBatch(bulkInsert{
		what:  "keep who made a change",
		into:  "change_authors (console, snapshot_seq, principal_kind, principal_id, names)",
		types: []string{"text", "bigint", "text", "text", "text"}, conflict: "DO NOTHING",
	}, rows), nil
}
