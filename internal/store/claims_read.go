package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/ledger"
)

// OverdueAfter is how long after its end access is overdue: until then its own workflow releases
// it.
const OverdueAfter = time.Minute

const claimColumns = "claim, op, level, scope_id, role_id, request, run, principal_kind, principal_id, state, entry, " +
	"is_proven, is_authorized, was_held, is_doubtful, began_at, due_at, due_why, closed_at"

func scanClaim(row scanner) (Claim, error) {
	var c Claim
	var proven, authorized, held, doubtful int
	var began int64
	var due, closed sql.NullInt64
	err := row.Scan(&c.ID, &c.Op, &c.Level, &c.ScopeID, &c.RoleID, &c.Request, &c.Run,
		&c.Principal.Kind, &c.Principal.ID, &c.State, &c.Entry,
		&proven, &authorized, &held, &doubtful, &began, &due, &c.Why, &closed)
	c.Proven, c.Authorized, c.WasHeld, c.Doubtful = proven == 1, authorized == 1, held == 1, doubtful == 1
	c.Began, c.Due, c.ClosedAt = fromMicros(began), timeOrZero(due), timeOrZero(closed)
	return c, err
}

// claims reads claims by one of the table's indexes.
func (s *Store) claims(ctx context.Context, what, index, where string, args ...any) ([]Claim, error) {
	out := []Claim{}
	from := "claims"
	if index != "" {
		from = s.d.indexed(from, index)
	}
	err := forEachRow(ctx, s.r, what, "SELECT "+claimColumns+" FROM "+from+" WHERE console = $1 AND "+where, args,
		func(rows *sql.Rows) error {
			c, err := scanClaim(rows)
			out = append(out, c)
			return err
		})
	return out, err
}

// OverdueRun is a run of a request with access in force that had to be gone.
type OverdueRun struct {
	Run       ledger.Run
	Principal ledger.Subject
	Due       time.Time // when the first of it had to be gone
}

// OverdueRuns lists the runs of requests with claims in force that had to be gone [OverdueAfter] before now,
// the longest overdue first, at most limit. One change releases all claims of a run, so each run counts once,
// however many scopes it names. What no request on record has given is not among them: it is drift.
//
// The list is as new as the claims: see package claims, which brings them up to date. What it names
// is looked at again in the ledger before anything is written.
func (s *Store) OverdueRuns(ctx context.Context, console string, now time.Time, limit int) ([]OverdueRun, error) {
	out := []OverdueRun{}
	err := forEachRow(ctx, s.r, "read what is overdue", `SELECT request, run, principal_kind, principal_id, MIN(due_at)
		FROM `+s.d.indexed("claims", "claims_due")+`
		WHERE console = $1 AND state = 'open' AND due_at IS NOT NULL AND due_at <= $2 AND is_authorized = 1
		GROUP BY request, run, principal_kind, principal_id ORDER BY MIN(due_at), request, run LIMIT $3`,
		[]any{console, micros(now.Add(-OverdueAfter)), limit},
		func(rows *sql.Rows) error {
			var r OverdueRun
			var due int64
			err := rows.Scan(&r.Run.Request, &r.Run.ID, &r.Principal.Kind, &r.Principal.ID, &due)
			r.Due = fromMicros(due)
			out = append(out, r)
			return err
		})
	return out, err
}

// ClaimsClosedSince lists the leases that were released at or after a time, latest first, at most limit.
func (s *Store) ClaimsClosedSince(ctx context.Context, console string, since time.Time, limit int) ([]Claim, error) {
	return s.claims(ctx, "read the claims that were released last", "",
		"state = 'closed' AND op = 'lease' AND closed_at >= $2 ORDER BY closed_at DESC, claim LIMIT $3",
		console, micros(since), limit)
}

// OpenLeases lists the leases in force, by id, at most limit and those behind the id after; "" begins.
func (s *Store) OpenLeases(ctx context.Context, console, after string, limit int) ([]Claim, error) {
	return s.claims(ctx, "read the leases in force", "",
		"claim > $2 AND op = 'lease' AND state = 'open' ORDER BY claim LIMIT $3", console, after, limit)
}

// ClaimsOf lists all claims on roles of a principal, also those that have ended, oldest first.
func (s *Store) ClaimsOf(ctx context.Context, console string, of ledger.Subject) ([]Claim, error) {
	return s.claims(ctx, "read the claims of "+of.String(), "claims_of_principal",
		"principal_kind = $2 AND principal_id = $3 ORDER BY entry, claim, level, scope_id, role_id",
		console, string(of.Kind), of.ID)
}

// ClaimsOfRequest lists the claims of all runs of a request, oldest first.
func (s *Store) ClaimsOfRequest(ctx context.Context, console, request string) ([]Claim, error) {
	return s.claims(ctx, "read the claims of "+request, "claims_of_request",
		"request = $2 ORDER BY entry, claim, level, scope_id, role_id", console, request)
}

// NextDue is when the next claim in force must be gone, after a time; false if there is none.
func (s *Store) NextDue(ctx context.Context, console string, after time.Time) (time.Time, bool, error) {
	var due sql.NullInt64
	err := s.r.QueryRowContext(ctx, `SELECT MIN(due_at) FROM claims
		WHERE console = $1 AND state = 'open' AND due_at IS NOT NULL AND due_at > $2`,
		console, micros(after)).Scan(&due)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("read when the next claim is due: %w", err)
	}
	return timeOrZero(due), due.Valid, nil
}

// ClaimsHead is the entry of the ledger up to which the claims of a console are made; zero before the
// first.
func (s *Store) ClaimsHead(ctx context.Context, console string) (ledger.Head, error) {
	var h ledger.Head
	err := s.r.QueryRowContext(ctx, "SELECT seq, hash FROM claims_heads WHERE console = $1", console).
		Scan(&h.Seq, &h.Hash)
	if errors.Is(err, sql.ErrNoRows) {
		return ledger.Head{}, nil
	}
	if err != nil {
		return h, fmt.Errorf("read how far the claims of %s are: %w", console, err)
	}
	return h, nil
}

// HasEntry says whether the ledger of a console holds that entry; the zero head is in every ledger.
func (s *Store) HasEntry(ctx context.Context, console string, h ledger.Head) (bool, error) {
	if h.Seq == 0 {
		return true, nil
	}
	n, err := count(ctx, s.r, "look for an entry of the ledger",
		"SELECT COUNT(*) FROM ledger WHERE console = $1 AND seq = $2 AND hash = $3", console, h.Seq, h.Hash)
	return n > 0, err
}

// LedgerMarks lists entries of a console without their bodies, in their order: those after a
// number, at most limit.
func (s *Store) LedgerMarks(ctx context.Context, console string, after int64, limit int) ([]LedgerMark, error) {
	var out []LedgerMark
	err := forEachRow(ctx, s.r, "read what is new in the ledger",
		`SELECT seq, hash, request, key, kind, subject FROM ledger
		 WHERE console = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
		[]any{console, after, limit}, func(rows *sql.Rows) error {
			var m LedgerMark
			err := rows.Scan(&m.Seq, &m.Hash, &m.Request, &m.Key, &m.Kind, &m.Subject)
			out = append(out, m)
			return err
		})
	return out, err
}

// DoubtfulRuns lists runs with claims whose end has to be computed again, at most limit.
func (s *Store) DoubtfulRuns(ctx context.Context, console string, limit int) ([]ledger.Run, error) {
	var out []ledger.Run
	err := forEachRow(ctx, s.r, "read the doubtful claims",
		"SELECT DISTINCT request, run FROM claims WHERE console = $1 AND is_doubtful = 1"+
			" ORDER BY request, run LIMIT $2",
		[]any{console, limit}, func(rows *sql.Rows) error {
			var r ledger.Run
			err := rows.Scan(&r.Request, &r.ID)
			out = append(out, r)
			return err
		})
	return out, err
}
