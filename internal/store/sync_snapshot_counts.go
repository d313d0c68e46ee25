package store

import (
	"context"
	"fmt"

	"sentinelone-provisioner/internal/access"
)

// snapshotCounts counts the rows that a snapshot received and the rows that readers see
// now. The maps are keyed by collection; assignments count under the collection of their
// principals.
type snapshotCounts struct {
	d dialect

	visible   map[access.Collection]int // what readers see
	unchanged map[access.Collection]int // of the visible, received unchanged
	pending   map[access.Collection]int // received, new or changed
	replaced  map[access.Collection]int // of the visible, those with a pending version
	received  map[access.Collection]int // all rows, repeats included
	gone      map[access.Collection]int // of the visible, those that a delta sync found gone; nil for other syncs

	assignments        map[access.Collection]int // assignments that readers see
	assignmentsAdded   map[access.Collection]int
	assignmentsRemoved map[access.Collection]int
}

// missing is the number of visible rows of a collection that the console no longer has: they were not received, or
// a delta sync found them gone.
func (sum snapshotCounts) missing(c access.Collection) int {
	if sum.gone != nil {
		return sum.gone[c]
	}
	return sum.visible[c] - sum.unchanged[c] - sum.replaced[c]
}

// rowsAfter is the number of rows that readers see once the collection is promoted.
func (sum snapshotCounts) rowsAfter(c access.Collection) int {
	return sum.visible[c] - sum.missing(c) - sum.replaced[c] + sum.pending[c]
}

// assignmentsAfter is the number of assignments that readers see once it is promoted.
func (sum snapshotCounts) assignmentsAfter(c access.Collection) int {
	return sum.assignments[c] + sum.assignmentsAdded[c] - sum.assignmentsRemoved[c]
}

// countReceived counts the rows that the drains of a snapshot received for the collections.
func countReceived(
	ctx context.Context, q queryer, snap snapshotRow, drains map[access.Collection]drainRow, cs []access.Collection,
) (snapshotCounts, error) {
	sum := snapshotCounts{
		unchanged: map[access.Collection]int{}, pending: map[access.Collection]int{},
		received: map[access.Collection]int{},
	}
	for _, c := range cs {
		unchanged, pending, err := receivedCounts(ctx, q, snap, drains[c])
		if err != nil {
			return sum, err
		}
		sum.unchanged[c], sum.pending[c], sum.received[c] = unchanged, pending, drains[c].received
	}
	return sum, nil
}

// receivedCounts counts what a drain received: unchanged rows, and new or changed ones
// (pending). Both are final once the drain is complete; [Store.Drained] then stores them.
func receivedCounts(ctx context.Context, q queryer, snap snapshotRow, d drainRow) (unchanged, pending int, err error) {
	if d.unchanged.Valid && d.pending.Valid {
		return int(d.unchanged.Int64), int(d.pending.Int64), nil
	}
	err = q.QueryRowContext(ctx,
		`SELECT (SELECT COUNT(*) FROM unchanged s WHERE s.snapshot_seq = $3 AND s.collection = $2),
		        (SELECT COUNT(*) FROM entities e
		          WHERE e.console = $1 AND e.collection = $2 AND e.since = $3 AND e.until IS NULL)`,
		snap.console, string(d.collection), snap.seq).Scan(&unchanged, &pending)
	if err != nil {
		return 0, 0, fmt.Errorf("count the rows received of %s: %w", d.collection, err)
	}
	return unchanged, pending, nil
}

// countSnapshot counts everything that promoting the collections would change.
func countSnapshot(
	ctx context.Context, q queryer, d dialect, snap snapshotRow, drains map[access.Collection]drainRow,
	cs []access.Collection, heads map[access.Collection]collectionHead,
) (snapshotCounts, error) {
	sum, err := countReceived(ctx, q, snap, drains, cs)
	if err != nil {
		return sum, err
	}
	sum.d = d
	sum.visible, sum.assignments = map[access.Collection]int{}, map[access.Collection]int{}
	for c, h := range heads {
		sum.visible[c], sum.assignments[c] = h.visible, h.held
	}
	sum.replaced = map[access.Collection]int{}
	sum.assignmentsAdded, sum.assignmentsRemoved = map[access.Collection]int{}, map[access.Collection]int{}
	if snap.delta {
		sum.gone = map[access.Collection]int{}
	}
	for _, c := range cs {
		if snap.delta {
			sum.gone[c], err = count(ctx, q, "count rows that are gone",
				`WITH missing AS (`+sum.d.deltaGone()+`) SELECT COUNT(*) FROM missing`,
				snap.console, snap.seq, string(c))
			if err != nil {
				return sum, err
			}
		}
		if err := sum.countReplaced(ctx, q, snap, c); err != nil {
			return sum, err
		}
		if c.PrincipalKind() == "" {
			continue
		}
		if err := sum.countAssignments(ctx, q, snap, c); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

func (sum *snapshotCounts) countReplaced(ctx context.Context, q queryer, snap snapshotRow, c access.Collection) error {
	if sum.visible[c] == 0 || sum.pending[c] == 0 {
		return nil
	}
	statement := `SELECT COUNT(*) FROM entities p
		 WHERE p.console = $1 AND p.collection = $2 AND p.since = $3 AND p.until IS NULL
		   AND EXISTS (SELECT 1 FROM entities e
		                WHERE e.console = p.console AND e.collection = p.collection AND e.id = p.id
		                  AND e.until IS NULL AND e.since <> $3 AND ` + promoted("e") + `)`
	if snap.delta {
		statement = sum.d.deltaReplaced()
	}
	n, err := count(ctx, q, "count replaced rows", statement, snap.console, string(c), snap.seq)
	sum.replaced[c] = n
	return err
}

func (sum *snapshotCounts) countAssignments(
	ctx context.Context, q queryer, snap snapshotRow, c access.Collection,
) error {
	added, err := sum.countAdded(ctx, q, snap, c)
	if err != nil {
		return err
	}
	removed, err := count(ctx, q, "count closing assignments",
		`SELECT COUNT(*) FROM closing WHERE snapshot_seq = $1 AND collection = $2`, snap.seq, string(c))
	if err != nil {
		return err
	}
	if sum.missing(c) > 0 {
		statement := `WITH missing AS (` + missingRows("$3") + `)
			 SELECT COUNT(*) FROM missing m JOIN assignments a
			   ON a.console = $1 AND a.principal_kind = $4 AND a.principal_id = m.id
			 WHERE a.until IS NULL AND ` + promoted("a")
		if snap.delta {
			statement = `SELECT COUNT(*) FROM (` + sum.d.deltaHeldByGone("a.since") + `) a`
		}
		n, err := count(ctx, q, "count assignments of missing principals", statement,
			snap.console, snap.seq, string(c), string(c.PrincipalKind()))
		if err != nil {
			return err
		}
		removed += n
	}
	sum.assignmentsAdded[c], sum.assignmentsRemoved[c] = added, removed
	return nil
}

// countAdded counts pending assignments by way of the pending principals. If readers see
// no assignments yet, the sums that were added up page by page are the answer.
func (sum *snapshotCounts) countAdded(
	ctx context.Context, q queryer, snap snapshotRow, c access.Collection,
) (int, error) {
	if sum.pending[c] == 0 {
		return 0, nil
	}
	if sum.assignments[c] == 0 && sum.received[c] == sum.unchanged[c]+sum.pending[c] {
		members, err := savedRoleCounts(ctx, q, snap, c)
		return members.assignments(), err
	}
	statement := pendingAssignments
	if snap.delta {
		statement = sum.d.deltaPending()
	}
	return count(ctx, q, "count pending assignments", statement,
		snap.console, string(c), snap.seq, string(c.PrincipalKind()))
}

// pendingAssignments counts those of the principals of console $1, collection $2 and kind $4 that snapshot $3 received
// new or changed. CROSS JOIN has SQLite begin with the principals.
const pendingAssignments = `SELECT COUNT(*) FROM entities e CROSS JOIN assignments a
	WHERE a.console = e.console AND a.principal_kind = $4 AND a.principal_id = e.id AND a.since = $3
	  AND e.console = $1 AND e.collection = $2 AND e.since = $3 AND e.until IS NULL AND a.until IS NULL`

// missingRows selects the ids of console $1 that readers see in a collection and that
// snapshot $2 did not receive. collection is the parameter bound to the collection.
func missingRows(collection string) string {
	return `SELECT e.id FROM entities e
	WHERE e.console = $1 AND e.collection = ` + collection + ` AND e.until IS NULL AND ` + promotedIn("e") + `
	  AND NOT EXISTS (SELECT 1 FROM unchanged s
	                   WHERE s.snapshot_seq = $2 AND s.collection = e.collection AND s.entity_row = e.row_id)
	  AND NOT EXISTS (SELECT 1 FROM entities p
	                   WHERE p.console = e.console AND p.collection = e.collection AND p.id = e.id AND p.since = $2)`
}

// promotedIn is the condition of promoted in a form that is faster for queries over many
// rows of console $1.
func promotedIn(alias string) string {
	return alias + `.since IN (SELECT v.seq FROM snapshots v WHERE v.console = $1 AND v.state = 'promoted')`
}

// counts is the number of rows per collection, and of assignments, that readers would see
// once the collections are promoted. heads has the collections that are proven already.
func (sum snapshotCounts) counts(cs []access.Collection, heads map[access.Collection]collectionHead) map[string]int {
	out := map[string]int{}
	assignments := 0
	for c := range heads {
		out[string(c)] = sum.visible[c]
		assignments += sum.assignments[c]
	}
	for _, c := range cs {
		out[string(c)] = sum.rowsAfter(c)
		if _, proven := heads[c]; !proven {
			assignments += sum.assignments[c]
		}
		assignments += sum.assignmentsAdded[c] - sum.assignmentsRemoved[c]
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

// assignmentDiff is the number of assignments added and removed over all collections.
func (sum snapshotCounts) assignmentDiff() (added, removed int) {
	for _, n := range sum.assignmentsAdded {
		added += n
	}
	for _, n := range sum.assignmentsRemoved {
		removed += n
	}
	return added, removed
}

// changed says whether promoting the collection changes any versioned row.
func (sum snapshotCounts) changed(c access.Collection) bool {
	return sum.pending[c] > 0 || sum.missing(c) > 0
}
