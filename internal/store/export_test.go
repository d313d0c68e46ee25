package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// The statements that find entries by principal.
const (
	OfSubjectStatement = ofSubject
	LastProofStatement = lastProof
	RecentOfStatement  = recentOf
	// FollowIndexStatement is what the reader of pages tells PostgreSQL.
	FollowIndexStatement = followIndex
)

// DeltaStatements are those of delta syncs whose time must not grow with the console, by what they are for.
func (s *Store) DeltaStatements() map[string]string {
	return map[string]string{
		"replaced": s.d.deltaReplaced(), "pending": s.d.deltaPending(), "gone": s.d.deltaGone(),
		"closed rows": s.d.deltaClosedRows(), "closing": s.d.deltaEndClosing(),
		"held by gone": s.d.deltaHeldByGone("a.since"), "close held by gone": s.d.deltaCloseHeldByGone(),
	}
}

// DriftStatement selects all drift of a console, as its next explanation does.
func (s *Store) DriftStatement(ctx context.Context, console string, now time.Time) (string, error) {
	e, err := loadExplainer(ctx, s.r, s.d, console, now)
	return e.scopes.currentDrift(now), err
}

// IsRestricted says whether the next explanation looks at some principals only.
func (s *Store) IsRestricted(ctx context.Context, console string, now time.Time) (bool, error) {
	e, err := loadExplainer(ctx, s.r, s.d, console, now)
	if err == nil {
		err = e.restrict(ctx, s.r)
	}
	return e.scopes.of[0].since.version > 0 && e.scopes.of[1].since.version > 0, err
}

// DB is the pool that tests use to count rows.
func (s *Store) DB() *sql.DB { return s.w }

// Durably runs fn in a transaction as Append does.
func (s *Store) Durably(ctx context.Context, console string, fn func(tx *sql.Tx) error) error {
	return s.writeDurably(ctx, func(tx *sql.Tx) error {
		if err := s.d.lockLedger(ctx, tx, console); err != nil {
			return err
		}
		return fn(tx)
	})
}

// SortInDatabase has the database sort every answer, as it does large ones.
func (s *Store) SortInDatabase(yes bool) {
	s.few = fewRows
	if yes {
		s.few = 0
	}
}

// ExplainFind is how SQLite finds the principals of an address and of a name.
func (s *Store) ExplainFind(ctx context.Context, name string) (plan string, err error) {
	v := view{q: s.r, d: s.d, console: "c", at: microsOrMax(nil)}
	for _, q := range []*query{
		v.named("", "n.email_folded <> '' AND n.email_folded = %s", name), v.named("", "n.name = %s", name),
	} {
		err = errors.Join(err, forEachRow(ctx, s.r, "explain", "EXPLAIN QUERY PLAN "+q.text.String(), q.args,
			func(rows *sql.Rows) error {
				var step string
				err := rows.Scan(new(int), new(int), new(int), &step)
				plan += step + "\n"
				return err
			}))
	}
	return plan, err
}

// SetClock replaces the clock.
func (s *Store) SetClock(now func() time.Time) { s.now = now }

// OpenAt opens a database with the schema of an earlier version.
func OpenAt(ctx context.Context, databaseURL string, version int64) (*Store, error) {
	s, err := connect(ctx, databaseURL, false)
	if err != nil {
		return nil, err
	}
	p, err := s.provider()
	if err == nil {
		_, err = p.UpTo(ctx, version)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Record calls fn with each statement of the reader before it runs.
func (p *Pinned) Record(fn func(statement string, args []any)) { p.q, p.record = recorder{p.q, fn}, fn }

type recorder struct {
	queryer

	fn func(statement string, args []any)
}

func (r recorder) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	r.fn(query, args)
	return r.queryer.QueryContext(ctx, query, args...)
}
