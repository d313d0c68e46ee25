package store

import (
	"context"
	"database/sql"
	"math"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// KeepConnectionCheck stores what the checks of the connection to a console have found by that time, in place of what
// is there. What an older check found is not stored.
func (s *Store) KeepConnectionCheck(ctx context.Context, console string, at time.Time, evidence []byte) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, "keep the check of the connection",
			`INSERT INTO connection_checks (console, at, evidence) VALUES ($1, $2, $3)
			 ON CONFLICT (console) DO UPDATE SET at = excluded.at, evidence = excluded.evidence
			 WHERE connection_checks.at <= excluded.at`,
			console, micros(at), asText(string(evidence)))
		return err
	})
}

// ConnectionCheck is what [Store.KeepConnectionCheck] stored; nil before the first check.
func (s *Store) ConnectionCheck(ctx context.Context, console string) (evidence []byte, err error) {
	err = forEachRow(ctx, s.r, "read the check of the connection",
		`SELECT evidence FROM connection_checks WHERE console = $1`, []any{console},
		func(rows *sql.Rows) error { return rows.Scan(&evidence) })
	return evidence, s.explain(err)
}

// LatestProof is the newest proof of a change on a console; false if there is none.
func (s *Store) LatestProof(ctx context.Context, console string) (ledger.Entry, bool, error) {
	found, err := entriesOf(ctx, s.r, "SELECT "+ledgerColumns+
		" FROM ledger WHERE console = $1 AND kind = 'proof' ORDER BY seq DESC LIMIT 1", console)
	if err != nil || len(found) == 0 {
		return ledger.Entry{}, false, s.explain(err)
	}
	return found[0], true, nil
}

// LatestSnapshots lists the snapshots of a console that began last, in the order in which they began: at most limit of
// them, in any state.
func (s *Store) LatestSnapshots(ctx context.Context, console string, limit int) ([]Snapshot, error) {
	out := []Snapshot{}
	err := forEachRow(ctx, s.r, "list the latest snapshots", `SELECT `+snapshotColumns+` FROM snapshots
		WHERE console = $1 ORDER BY seq DESC LIMIT $2`, []any{console, limit}, func(rows *sql.Rows) error {
		snap, err := scanSnapshot(rows)
		out = append(out, snap)
		return err
	})
	slices.Reverse(out)
	return out, s.explain(err)
}

// ServiceUserTokens calls fn with every service user of the latest snapshot whose API token has an end.
func (s *Store) ServiceUserTokens(ctx context.Context, console string, fn func(access.Principal) error) error {
	return s.read(ctx, func(q queryer) error {
		v := view{q: q, d: s.d, console: console, at: math.MaxInt64}
		return v.entities(ctx, access.ServiceUsers, decodeDoc(func(p access.Principal) error {
			if p.TokenExpiresAt == nil {
				return nil
			}
			return fn(p)
		}))
	})
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.explain(s.r.QueryRowContext(ctx, "SELECT 1").Scan(&one))
}

// FullyProven is when each collection was last proven by a sync that read all of it, which a delta sync does not do.
func (s *Store) FullyProven(ctx context.Context, console string) (map[access.Collection]time.Time, error) {
	out := map[access.Collection]time.Time{}
	err := forEachRow(ctx, s.r, "find the last full syncs", `SELECT d.collection, MAX(v.promoted_at) FROM snapshots v
		JOIN drains d ON d.snapshot_seq = v.seq AND d.last_saved = 1
		WHERE v.console = $1 AND v.state IN ('promoted', 'unchanged') AND v.mode <> $2 GROUP BY d.collection`,
		[]any{console, ModeDelta}, func(rows *sql.Rows) error {
			var c access.Collection
			var at int64
			err := rows.Scan(&c, &at)
			out[c] = fromMicros(at)
			return err
		})
	return out, s.explain(err)
}

// ReadAt is the begin of the last proven sync that is known to have read a principal, or to have found it gone: a full
// sync of its collection, or a later delta sync that found it changed. A delta sync that found it as it was leaves no
// trace, so the principal may have been read later than that. It is zero if no sync has proven the collection.
func (s *Store) ReadAt(ctx context.Context, console string, who PrincipalRef) (time.Time, error) {
	var out time.Time
	err := forEachRow(ctx, s.r, "find when a principal was read", `SELECT r.started_at FROM snapshots r
		WHERE r.seq = (SELECT MAX(x.seq) FROM (
		  SELECT f.seq FROM snapshots f JOIN drains d ON d.snapshot_seq = f.seq AND d.collection = $2
		  WHERE f.console = $1 AND f.state IN ('promoted', 'unchanged') AND f.mode <> $4 AND d.last_saved = 1
		  UNION ALL
		  SELECT c.seq FROM entities e JOIN snapshots c ON c.seq IN (e.since, e.until)
		  WHERE e.console = $1 AND e.collection = $2 AND e.id = $3
		    AND c.state IN ('promoted', 'unchanged') AND c.mode = $4) x)`,
		[]any{console, string(access.Principal{Kind: who.Kind}.In()), who.ID, ModeDelta}, func(rows *sql.Rows) error {
			var at int64
			err := rows.Scan(&at)
			out = fromMicros(at)
			return err
		})
	return out, s.explain(err)
}
