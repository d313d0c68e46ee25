package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/drift"
)

// Explanation says what the assignments of the latest snapshots of a console are to us.
type Explanation struct {
	// Number rises with each explanation that finds new drift; 0 before the first.
	Number int64
	At     time.Time
	Counts drift.Counts
	// New counts the drift that this explanation has found first: each is new once.
	New drift.Counts
}

// explanationRow is a row of explanations.
type explanationRow struct {
	number, claims int64
	versions       [2]int64 // of the collections, as in driftScopes
	baselines      [2]sql.NullInt64
	settled        int
	at             int64
	next           sql.NullInt64
	counts         string
}

// Explain holds the assignments of the latest snapshots of a console against the claims, records what is
// drift and what is no more, and counts. The claims must be up to date: see package claims.
//
// Where neither has changed since the last explanation, and no end has come, it is that one again, without
// new drift: that costs three small reads.
func (s *Store) Explain(ctx context.Context, console string, now time.Time) (Explanation, error) {
	var out Explanation
	var again bool
	err := s.read(ctx, func(q queryer) error {
		e, err := loadExplainer(ctx, q, s.d, console, now)
		if err == nil && e.isCurrent() {
			again = true
			out, err = e.kept.explanation()
		}
		return err
	})
	if err != nil || again {
		return out, wrapExplain(console, err)
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		if err := s.d.lockExplanation(ctx, tx, console); err != nil {
			return err
		}
		e, err := loadExplainer(ctx, tx, s.d, console, now)
		if err != nil {
			return err
		}
		if err := e.restrict(ctx, tx); err != nil {
			return err
		}
		out, err = e.explain(ctx, tx)
		return err
	})
	return out, wrapExplain(console, err)
}

func wrapExplain(console string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("explain the assignments of %s: %w", console, err)
}

// lockExplanation lets one explanation of a console at a time be made. SQLite has one writer anyway.
func (d dialect) lockExplanation(ctx context.Context, tx *sql.Tx, console string) error {
	if !d.postgres {
		return nil
	}
	_, err := exec(ctx, tx, "lock the explanation",
		`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, "sentinelone-drift "+console)
	return err
}

// explainer is one explanation.
type explainer struct {
	console string
	now     time.Time
	scopes  driftScopes
	claims  int64          // version of the claims
	kept    explanationRow // the last one; zero before the first
}

func loadExplainer(
	ctx context.Context, q queryer, d dialect, console string, now time.Time,
) (e explainer, err error) {
	e = explainer{console: console, now: now}
	if e.scopes, err = loadDriftScopes(ctx, q, d, console); err != nil {
		return e, err
	}
	err = q.QueryRowContext(ctx, "SELECT version FROM claims_heads WHERE console = $1", console).Scan(&e.claims)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return e, fmt.Errorf("read the version of the claims: %w", err)
	}
	k := &e.kept
	err = q.QueryRowContext(ctx, `SELECT number, users_baseline, service_users_baseline, users_version,
			service_users_version, claims_version, is_settled, explained_at, next_at, counts
		FROM explanations WHERE console = $1`, console).
		Scan(&k.number, &k.baselines[0], &k.baselines[1], &k.versions[0], &k.versions[1], &k.claims, &k.settled, &k.at,
			&k.next, &k.counts)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return e, fmt.Errorf("read the last explanation: %w", err)
	}
	for i := range e.scopes.of {
		e.scopes.of[i].baseline = k.baselines[i]
	}
	return e, nil
}

// isCurrent says whether the last explanation still holds.
func (e explainer) isCurrent() bool {
	k := e.kept
	if k.at == 0 || k.claims != e.claims || k.next.Valid && micros(e.now) >= k.next.Int64 {
		return false
	}
	for i, s := range e.scopes.of {
		if k.versions[i] != s.head.version || s.proven() && !k.baselines[i].Valid {
			return false
		}
		if k.settled == 0 && s.promoted >= k.at-settling.Microseconds() { // a newer snapshot may show the claims
			return false
		}
	}
	return true
}

func (k explanationRow) explanation() (Explanation, error) {
	out := Explanation{Number: k.number, At: fromMicros(k.at), New: drift.Counts{}}
	if err := json.Unmarshal([]byte(k.counts), &out.Counts); err != nil {
		return out, fmt.Errorf("read the counts of the last explanation: %w", err)
	}
	return out, nil
}

// explain makes the explanation and records it.
func (e explainer) explain(ctx context.Context, tx *sql.Tx) (Explanation, error) {
	out := Explanation{Number: e.kept.number, At: e.now, New: drift.Counts{}}
	for i := range e.scopes.of {
		if err := e.scopes.of[i].setBaseline(ctx, tx, e.console); err != nil {
			return out, err
		}
	}
	found, err := e.recordDrift(ctx, tx)
	if err != nil {
		return out, err
	}
	if found > 0 {
		out.Number++
	}
	if out.Counts, err = e.count(ctx, tx); err != nil {
		return out, err
	}
	if found > 0 {
		out.New, err = countDrift(ctx, tx,
			"SELECT kind, COUNT(*) FROM drift WHERE console = $1 AND found_in = $2 AND gone_at IS NULL GROUP BY kind",
			e.console, out.Number)
		if err != nil {
			return out, err
		}
	}
	return out, e.record(ctx, tx, out)
}

// setBaseline finds the first proven snapshot of the collection, once: what it shows was there before us.
func (s *driftScope) setBaseline(ctx context.Context, tx *sql.Tx, console string) error {
	if s.baseline.Valid || !s.proven() {
		return nil
	}
	proven, err := count(ctx, tx, "count the proven snapshots",
		"SELECT COUNT(*) FROM snapshots WHERE console = $1 AND state IN ('promoted', 'unchanged')", console)
	if err != nil {
		return err
	}
	s.baseline = sql.NullInt64{Int64: s.head.seq, Valid: true}
	if proven <= 1 {
		return nil
	}
	var first sql.NullInt64
	err = tx.QueryRowContext(ctx, `SELECT MIN(e.since) FROM entities e
		WHERE e.console = $1 AND e.collection = $2 AND `+promotedIn("e"),
		console, string(access.Principal{Kind: s.kind}.In())).Scan(&first)
	if err != nil {
		return fmt.Errorf("find the first snapshot of the %ss: %w", s.kind, err)
	}
	if first.Valid {
		s.baseline = first
	}
	return nil
}

const driftKey = "console, principal_kind, principal_id, level, scope_id, role_id, kind"

const (
	// addDrift adds drift of a query d that was not known, or had gone.
	addDrift = `INSERT INTO drift (` + driftKey + `, claim, request, since_at, found_at, found_in, gone_at)
		SELECT CAST($1 AS TEXT), d.principal_kind, d.principal_id, d.level, d.scope_id, d.role_id, d.kind, d.claim,
		       d.request, d.since_at, CAST($2 AS BIGINT), CAST($3 AS BIGINT), NULL
		FROM d WHERE 1 = 1
		ON CONFLICT (` + driftKey + `) DO UPDATE SET claim = excluded.claim, request = excluded.request,
		    since_at = excluded.since_at, found_at = excluded.found_at, found_in = excluded.found_in, gone_at = NULL
		WHERE drift.gone_at IS NOT NULL`
	// endDrift marks drift that is not in a query d any more.
	endDrift = `UPDATE drift SET gone_at = $2 WHERE console = $1 AND gone_at IS NULL AND NOT EXISTS (
		SELECT 1 FROM d WHERE d.kind = drift.kind AND d.principal_kind = drift.principal_kind
		   AND d.principal_id = drift.principal_id AND d.level = drift.level AND d.scope_id = drift.scope_id
		   AND d.role_id = drift.role_id)`
)

// recordDrift adds drift that was not known, or had gone, counts it, and marks drift that is none any more. PostgreSQL
// does both in one statement, as planning what is drift takes longer than finding it.
func (e explainer) recordDrift(ctx context.Context, tx *sql.Tx) (found int64, err error) {
	args := []any{e.console, micros(e.now), e.kept.number + 1}
	current := e.scopes.currentDrift(e.now)
	if e.scopes.d.postgres {
		return exec(ctx, tx, "record drift",
			`WITH d AS MATERIALIZED (`+current+`), ended AS (`+endDrift+`) `+addDrift, args...)
	}
	if found, err = exec(ctx, tx, "record new drift", `WITH d AS (`+current+`) `+addDrift, args...); err != nil {
		return found, err
	}
	_, err = exec(ctx, tx, "record settled drift", `WITH d AS (`+current+`) `+endDrift, args[:2]...)
	return found, err
}

// count counts the assignments by kind.
func (e explainer) count(ctx context.Context, tx *sql.Tx) (drift.Counts, error) {
	out, err := countDrift(ctx, tx,
		"SELECT kind, COUNT(*) FROM drift WHERE console = $1 AND gone_at IS NULL GROUP BY kind", e.console)
	if err != nil {
		return nil, err
	}
	late := lateAt(e.now)
	ours, err := countDrift(ctx, tx, `SELECT g.kind, COUNT(*) FROM (
			SELECT CASE MAX(CASE c.op WHEN 'lease' THEN 0 ELSE 1 END) WHEN 1 THEN 'granted' ELSE 'leased' END AS kind
			FROM claims c
			WHERE c.console = $1 AND c.state = 'open' AND `+isGiven+` AND c.is_authorized = 1
			  AND (c.due_at IS NULL OR c.due_at > $2) AND (c.op <> 'lease' OR c.was_held = 0)
			  AND `+e.scopes.isShown()+`
			GROUP BY c.principal_kind, c.principal_id, c.role_id, c.level, c.scope_id) g GROUP BY g.kind`,
		e.console, late)
	if err != nil {
		return nil, err
	}
	shown, err := count(ctx, tx, "count the drift that is shown",
		`SELECT COUNT(*) FROM drift c WHERE c.console = $1 AND c.gone_at IS NULL AND `+e.scopes.isShown(), e.console)
	if err != nil {
		return nil, err
	}
	out[drift.Granted], out[drift.Leased] = ours[drift.Granted], ours[drift.Leased]
	held := 0
	for _, s := range e.scopes.of {
		held += s.head.held
	}
	out[drift.Baseline] = max(0, held-out[drift.Granted]-out[drift.Leased]-shown)
	return out, nil
}

func countDrift(ctx context.Context, q queryer, statement string, args ...any) (drift.Counts, error) {
	out := drift.Counts{}
	err := forEachRow(ctx, q, "count assignments", statement, args, func(rows *sql.Rows) error {
		var k drift.Kind
		var n int
		err := rows.Scan(&k, &n)
		out[k] = n
		return err
	})
	return out, err
}

// record keeps the explanation, and what it was made from.
func (e explainer) record(ctx context.Context, tx *sql.Tx, made Explanation) error {
	counts, err := toJSON(made.Counts)
	if err != nil {
		return err
	}
	shown := e.scopes.shownSince()
	pending, err := count(ctx, tx, "count the claims that the snapshots may not show yet",
		`SELECT COUNT(*) FROM claims c
		 WHERE c.console = $1 AND (c.began_at >= `+shown+` OR c.closed_at >= `+shown+` OR `+writtenAt+` >= `+shown+`)`,
		e.console)
	if err != nil {
		return err
	}
	var next sql.NullInt64
	err = tx.QueryRowContext(ctx, "SELECT MIN(due_at) FROM claims WHERE console = $1 AND state = 'open'"+
		" AND due_at IS NOT NULL AND due_at > $2", e.console, lateAt(e.now)).Scan(&next)
	if err != nil {
		return fmt.Errorf("read when the next claim is due: %w", err)
	}
	if next.Valid {
		next.Int64 += OverdueAfter.Microseconds()
	}
	_, err = exec(ctx, tx, "keep the explanation",
		`INSERT INTO explanations (console, number, users_baseline, service_users_baseline, users_version,
		     service_users_version, claims_version, is_settled, explained_at, next_at, counts)
		 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		 ON CONFLICT (console) DO UPDATE SET number = excluded.number, users_baseline = excluded.users_baseline,
		     service_users_baseline = excluded.service_users_baseline, users_version = excluded.users_version,
		     service_users_version = excluded.service_users_version, claims_version = excluded.claims_version,
		     is_settled = excluded.is_settled, explained_at = excluded.explained_at, next_at = excluded.next_at,
		     counts = excluded.counts`,
		e.console, made.Number, e.scopes.of[0].baseline, e.scopes.of[1].baseline, e.scopes.of[0].head.version,
		e.scopes.of[1].head.version, e.claims, boolToInt(pending == 0), micros(e.now), next, counts)
	return err
}
