package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/drift"
)

// Measures is what metrics say of a console.
type Measures struct {
	// SyncedAt is when the sync began that last verified the collection that was verified longest ago; zero while a
	// collection never was.
	SyncedAt    time.Time
	Quarantined int                       // snapshots that a person must decide about
	Rows        map[access.Collection]int // that readers see
	Assignments int
	// Pending requests have no receipt, and have sent nothing to the console yet. Begun ones have.
	Pending, Begun int
	OldestPending  time.Time // when the oldest pending request was made; zero without one
	// Overdue claims are in force, and had to be gone more than [OverdueAfter] before.
	Overdue int
	Drift   drift.Counts // of the kinds that are drift
	Head    *access.LedgerHead
	Behind  int64 // entries that the claims have not taken in
}

// Measures reads them. It costs some counts by index, and one look at each request of the ledger.
func (s *Store) Measures(ctx context.Context, console string, now time.Time) (Measures, error) {
	var out Measures
	err := s.read(ctx, func(q queryer) error {
		return errors.Join(
			measureSyncs(ctx, q, console, &out),
			measureRequests(ctx, q, console, &out),
			measureOverdue(ctx, q, s.d, console, now, &out),
		)
	})
	if err != nil {
		return out, err
	}
	if out.Head, err = s.LedgerHead(ctx, console); err != nil {
		return out, err
	}
	summary, err := s.DriftSummary(ctx, console, now)
	out.Drift, out.Behind = drift.Counts{}, summary.Behind
	for _, kind := range drift.Drifts() {
		out.Drift[kind] = summary.Counts[kind]
	}
	return out, err
}

// measureSyncs reads what is visible of each collection.
func measureSyncs(ctx context.Context, q queryer, console string, out *Measures) error {
	out.Rows = map[access.Collection]int{}
	for _, c := range access.Collections() {
		out.Rows[c] = 0
	}
	proven := 0
	err := forEachRow(ctx, q, "read the heads of the collections", `SELECT h.collection, h.visible, h.held, s.started_at
		FROM collection_heads h JOIN snapshots s ON s.seq = h.seq WHERE h.console = $1`, []any{console},
		func(rows *sql.Rows) error {
			var c string
			var visible, held int
			var started int64
			if err := rows.Scan(&c, &visible, &held, &started); err != nil {
				return err
			}
			if at := fromMicros(started); proven == 0 || at.Before(out.SyncedAt) {
				out.SyncedAt = at
			}
			proven++
			out.Rows[access.Collection(c)] = visible
			out.Assignments += held
			return nil
		})
	if proven < len(access.Collections()) {
		out.SyncedAt = time.Time{}
	}
	if err != nil {
		return err
	}
	out.Quarantined, err = count(ctx, q, "count the quarantined snapshots",
		"SELECT COUNT(*) FROM snapshots WHERE console = $1 AND state = 'quarantined'", console)
	return err
}

// measureRequests counts the requests without a receipt.
func measureRequests(ctx context.Context, q queryer, console string, out *Measures) error {
	var oldest sql.NullInt64
	err := q.QueryRowContext(ctx, `SELECT COALESCE(SUM(began), 0), COALESCE(SUM(1 - began), 0),
		  MIN(CASE WHEN began = 0 THEN at END)
		FROM (SELECT r.at AS at, CASE WHEN EXISTS (SELECT 1 FROM ledger w WHERE w.console = $1 AND w.request = r.request
		    AND w.seq > r.seq AND w.kind IN ('write', 'proof')) THEN 1 ELSE 0 END AS began
		  FROM ledger r WHERE r.console = $1 AND r.kind = 'request' AND NOT EXISTS (SELECT 1 FROM ledger x
		    WHERE x.console = $1 AND x.request = r.request`+requestOrReceipt+` AND x.seq > r.seq)) open_requests`,
		console).Scan(&out.Begun, &out.Pending, &oldest)
	if err != nil {
		return fmt.Errorf("count the open requests of %s: %w", console, err)
	}
	out.OldestPending = timeOrZero(oldest)
	return nil
}

// measureOverdue counts as [Store.OverdueClaims] lists.
func measureOverdue(
	ctx context.Context, q queryer, d dialect, console string, now time.Time, out *Measures,
) (err error) {
	out.Overdue, err = count(ctx, q, "count the overdue claims", "SELECT COUNT(*) FROM "+
		d.indexed("claims", "claims_due")+`
		WHERE console = $1 AND state = 'open' AND due_at IS NOT NULL AND due_at <= $2`,
		console, micros(now.Add(-OverdueAfter)))
	return err
}
