package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// driftSince is what the last explanation knew of one kind of principal.
type driftSince struct {
	version int64 // of the collection; 0 where all principals are looked at anew
	shown   int64 // it could not say of changes of ours from here on whether the snapshot shows them
}

// clocksDiffer is by how much the clocks of workers may differ. The times of claims and of snapshots are by the clock
// of the worker that made them.
const clocksDiffer = time.Hour

// restrict has the explanation look only at those of whom something may have changed since the last one, where it can
// tell who they are: delta syncs alone have changed assignments since, and no claim has changed. What is unexplained
// follows from the assignments of the principal, from claims on its roles, and from whether the snapshot is newer than
// those; the other kinds of drift follow from claims, and are always looked for.
func (e *explainer) restrict(ctx context.Context, q queryer) error {
	if e.kept.at == 0 || e.kept.claims != e.claims {
		return nil
	}
	for i := range e.scopes.of {
		s, version := &e.scopes.of[i], e.kept.versions[i]
		if version == 0 || !e.kept.baselines[i].Valid {
			continue
		}
		var whole int
		var started int64
		err := q.QueryRowContext(ctx, `SELECT s.started_at, (SELECT COUNT(*) FROM snapshots n WHERE n.console = $1
				AND n.state = 'promoted' AND n.mode <> 'delta' AND n.seq > $2 AND n.seq <= $3)
			FROM snapshots s WHERE s.seq = $2`, e.console, version, s.head.version).Scan(&started, &whole)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("look for full syncs since the last explanation: %w", err)
		}
		if err == nil && whole == 0 {
			s.since = driftSince{version: version, shown: started - (settling + clocksDiffer).Microseconds()}
		}
	}
	return nil
}

// appearedSince is appeared for the principals that delta syncs have changed since the last explanation, for those
// whose claims it could not hold against a snapshot yet, and for those with assignments that nothing explained.
func (d driftScopes) appearedSince(s driftScope) string {
	changed := fmt.Sprintf("SELECT e.id FROM %s WHERE e.console = $1 AND e.collection = '%s' AND e.until IS NULL"+
		" AND e.since > %d AND %s", d.d.indexed("entities e", "entities_open"), access.Principal{Kind: s.kind}.In(),
		s.since.version, d.d.shownOnce("e"))
	unsure := fmt.Sprintf("SELECT c.principal_id FROM claims c WHERE c.console = $1 AND c.principal_kind = '%[1]s'"+
		" AND (c.began_at >= %[2]d OR c.closed_at >= %[2]d)", s.kind, s.since.shown)
	open := fmt.Sprintf("SELECT k.principal_id FROM drift k WHERE k.console = $1 AND k.principal_kind = '%s'"+
		" AND k.kind = 'unexplained' AND k.gone_at IS NULL", s.kind)
	held := d.d.lookUp("a.*", "assignments", "a", fmt.Sprintf("a.console = $1 AND a.principal_kind = '%s'"+
		" AND a.principal_id = e.id AND a.until IS NULL AND a.since > %d", s.kind, s.baseline.Int64))
	seen := d.d.lookUp("f.*", "snapshots", "f", "f.seq = a.since AND f.state = 'promoted'")
	return "(" + changed + " UNION " + unsure + " UNION " + open + ") e " + held + " " + seen + " WHERE 1 = 1"
}
