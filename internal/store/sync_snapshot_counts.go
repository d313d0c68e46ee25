package store

import (
	"context"
	"fmt"

	"sentinelone-provisioner/internal/access"
)

// tally counts what a snapshot has received, and what readers see now. Maps are by
// collection; assignments are counted under the collection of their principals.
type tally struct {
	visible  map[access.Collection]int // what readers see
	seen     map[access.Collection]int // of these, received as they are
	pending  map[access.Collection]int // received, new or changed
	replaced map[access.Collection]int // of the visible, those with a pending version
	received map[access.Collection]int // rows that came, repeats included

	held    map[access.Collection]int // assignments that readers see
	added   map[access.Collection]int
	removed map[access.Collection]int
}

// gone is how many visible rows of a collection were not received.
func (t tally) gone(c access.Collection) int { return t.visible[c] - t.seen[c] - t.replaced[c] }

// received counts what the drains of a snapshot received for the collections.
func received(
	ctx context.Context, q queryer, snap snapshotRow, all map[access.Collection]drainRow, cs []access.Collection,
) (tally, error) {
	t := tally{
		seen: map[access.Collection]int{}, pending: map[access.Collection]int{}, received: map[access.Collection]int{},
	}
	for _, c := range cs {
		seen, pending, err := came(ctx, q, snap, all[c])
		if err != nil {
			return t, err
		}
		t.seen[c], t.pending[c], t.received[c] = seen, pending, all[c].received
	}
	return t, nil
}

// came is what a drain received: rows as they were, and rows new or changed. Once it
// is complete neither moves any more, and [Store.Drained] notes them.
func came(ctx context.Context, q queryer, snap snapshotRow, d drainRow) (seen, pending int, err error) {
	if d.seen.Valid && d.pending.Valid {
		return int(d.seen.Int64), int(d.pending.Int64), nil
	}
	err = q.QueryRowContext(ctx,
		`SELECT (SELECT COUNT(*) FROM seen s WHERE s.snapshot_seq = $3 AND s.collection = $2),
		        (SELECT COUNT(*) FROM entities e
		          WHERE e.console = $1 AND e.collection = $2 AND e.since = $3 AND e.until IS NULL)`,
		snap.console, string(d.collection), snap.seq).Scan(&seen, &pending)
	if err != nil {
		return 0, 0, fmt.Errorf("count what came of %s: %w", d.collection, err)
	}
	return seen, pending, nil
}

// take counts everything that promoting the collections would do.
func take(
	ctx context.Context, q queryer, snap snapshotRow, all map[access.Collection]drainRow, cs []access.Collection,
	known map[access.Collection]head,
) (tally, error) {
	t, err := received(ctx, q, snap, all, cs)
	if err != nil {
		return t, err
	}
	t.visible, t.held = map[access.Collection]int{}, map[access.Collection]int{}
	for c, h := range known {
		t.visible[c], t.held[c] = h.visible, h.held
	}
	t.replaced = map[access.Collection]int{}
	t.added, t.removed = map[access.Collection]int{}, map[access.Collection]int{}
	for _, c := range cs {
		if err := t.countReplaced(ctx, q, snap, c); err != nil {
			return t, err
		}
		if c.PrincipalKind() == "" {
			continue
		}
		if err := t.countAssignments(ctx, q, snap, c); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (t *tally) countReplaced(ctx context.Context, q queryer, snap snapshotRow, c access.Collection) error {
	if t.visible[c] == 0 || t.pending[c] == 0 {
		return nil
	}
	n, err := count(ctx, q, "count replaced rows",
		`SELECT COUNT(*) FROM entities p
		 WHERE p.console = $1 AND p.collection = $2 AND p.since = $3 AND p.until IS NULL
		   AND EXISTS (SELECT 1 FROM entities e
		                WHERE e.console = p.console AND e.collection = p.collection AND e.id = p.id
		                  AND e.until IS NULL AND e.since <> $3 AND `+promoted("e")+`)`,
		snap.console, string(c), snap.seq)
	t.replaced[c] = n
	return err
}

func (t *tally) countAssignments(ctx context.Context, q queryer, snap snapshotRow, c access.Collection) error {
	added, err := t.countAdded(ctx, q, snap, c)
	if err != nil {
		return err
	}
	removed, err := count(ctx, q, "count closing assignments",
		`SELECT COUNT(*) FROM closing WHERE snapshot_seq = $1 AND collection = $2`, snap.seq, string(c))
	if err != nil {
		return err
	}
	if t.gone(c) > 0 {
		n, err := count(ctx, q, "count assignments of who is gone",
			`WITH gone AS (`+goneRows("$3")+`)
			 SELECT COUNT(*) FROM gone g JOIN assignments a
			   ON a.console = $1 AND a.principal_kind = $4 AND a.principal_id = g.id
			 WHERE a.until IS NULL AND `+promoted("a"),
			snap.console, snap.seq, string(c), string(c.PrincipalKind()))
		if err != nil {
			return err
		}
		removed += n
	}
	t.added[c], t.removed[c] = added, removed
	return nil
}

// countAdded counts pending assignments through the pending principals. Where nobody
// held anything before, they are what was counted page by page.
func (t *tally) countAdded(ctx context.Context, q queryer, snap snapshotRow, c access.Collection) (int, error) {
	if t.pending[c] == 0 {
		return 0, nil
	}
	if t.held[c] == 0 && t.received[c] == t.seen[c]+t.pending[c] {
		members, err := tallied(ctx, q, snap, c)
		return members.assignments(), err
	}
	return count(ctx, q, "count pending assignments",
		`SELECT COUNT(*) FROM entities e JOIN assignments a
		   ON a.console = e.console AND a.principal_kind = $4 AND a.principal_id = e.id AND a.since = $3
		 WHERE e.console = $1 AND e.collection = $2 AND e.since = $3 AND e.until IS NULL AND a.until IS NULL`,
		snap.console, string(c), snap.seq, string(c.PrincipalKind()))
}

// goneRows selects the ids of console $1 that readers see in the collection bound to
// the parameter and that snapshot $2 did not receive.
func goneRows(collection string) string {
	return `SELECT e.id FROM entities e
	WHERE e.console = $1 AND e.collection = ` + collection + ` AND e.until IS NULL AND ` + promotedIn("e") + `
	  AND NOT EXISTS (SELECT 1 FROM seen s
	                   WHERE s.snapshot_seq = $2 AND s.collection = e.collection AND s.entity_row = e.row_id)
	  AND NOT EXISTS (SELECT 1 FROM entities p
	                   WHERE p.console = e.console AND p.collection = e.collection AND p.id = e.id AND p.since = $2)`
}

// promotedIn is the same condition as promoted, for queries that walk over many rows
// of console $1.
func promotedIn(alias string) string {
	return alias + `.since IN (SELECT v.seq FROM snapshots v WHERE v.console = $1 AND v.state = 'promoted')`
}

// counts is what the console would have once the collections are promoted; known
// says which collections readers see something proven of.
func (t tally) counts(cs []access.Collection, known map[access.Collection]head) map[string]int {
	out := map[string]int{}
	assignments := 0
	for c := range known {
		out[string(c)] = t.visible[c]
		assignments += t.held[c]
	}
	for _, c := range cs {
		out[string(c)] = t.seen[c] + t.pending[c]
		if _, proven := known[c]; !proven {
			assignments += t.held[c]
		}
		assignments += t.added[c] - t.removed[c]
	}
	if hasPrincipals(out) {
		out[Assignments] = assignments
	}
	return out
}

func hasPrincipals(counts map[string]int) bool {
	for _, c := range access.Collections() {
		if _, counted := counts[string(c)]; counted && c.PrincipalKind() != "" {
			return true
		}
	}
	return false
}

// changes sums up the assignments added and removed.
func (t tally) changes() (added, removed int) {
	for _, n := range t.added {
		added += n
	}
	for _, n := range t.removed {
		removed += n
	}
	return added, removed
}

// changed says whether promoting the collection changes anything that is kept.
func (t tally) changed(c access.Collection) bool { return t.pending[c] > 0 || t.gone(c) > 0 }
