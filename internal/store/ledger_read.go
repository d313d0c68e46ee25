package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"sentinelone-provisioner/internal/ledger"
)

const ledgerColumns = "console, seq, at, request, kind, key, prev, hash, body, subject, seal"

// scanner is a row, or rows at one of them.
type scanner interface{ Scan(dest ...any) error }

// scanEntry reads ledgerColumns, behind the columns that go into before.
func scanEntry(row scanner, before ...any) (ledger.Entry, error) {
	var e ledger.Entry
	var at int64
	var body []byte // a copy, as Scan makes it
	err := row.Scan(append(before, &e.Console, &e.Seq, &at, &e.Request, &e.Kind, &e.Key, &e.Prev, &e.Hash, &body,
		&e.Subject, &e.Seal)...)
	e.At, e.Body = fromMicros(at), body
	return e, err
}

// LedgerEntryByKey finds the entry of a key, or says [ErrNoEntry].
func (s *Store) LedgerEntryByKey(ctx context.Context, console, key string) (ledger.Entry, error) {
	const statement = "SELECT " + ledgerColumns + " FROM ledger WHERE console = $1 AND key = $2"
	row := s.r.QueryRowContext(ctx, statement, console, key)
	e, err := scanEntry(row)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ledger.Entry{}, fmt.Errorf("entry %q of %s: %w", key, console, ErrNoEntry)
	case err != nil:
		return ledger.Entry{}, s.explain(fmt.Errorf("read entry %q of the ledger of %s: %w", key, console, err))
	}
	return e, nil
}

// LedgerOf lists the entries of one request in their order. There may be none.
func (s *Store) LedgerOf(ctx context.Context, console, request string) ([]ledger.Entry, error) {
	found, err := entriesOf(ctx, s.r,
		"SELECT "+ledgerColumns+" FROM ledger WHERE console = $1 AND request = $2 ORDER BY seq", console, request)
	return found, s.explain(err)
}

// LedgerOfRun lists the entries of one run of a request in their order, and those about the request as a whole that say
// why the system has made it. Other runs of the workflow id may be many.
func (s *Store) LedgerOfRun(ctx context.Context, console string, run ledger.Run) ([]ledger.Entry, error) {
	prefix := run.String() + "/"
	found, err := entriesOf(ctx, s.r, "SELECT "+ledgerColumns+" FROM ledger WHERE console = $1 AND request = $2"+
		" AND (substr(key, 1, $3) = $4 OR kind = 'drift') ORDER BY seq",
		console, run.Request, utf8.RuneCountInString(prefix), prefix)
	return found, s.explain(err)
}

// The condition that the subject is not empty lets both databases use the partial indexes.
const (
	ofSubject = "SELECT " + ledgerColumns + " FROM ledger WHERE console = $1 AND subject = $2 AND subject <> ''" +
		" AND seq > $3 ORDER BY seq"
	lastProof = "SELECT " + ledgerColumns + " FROM ledger WHERE console = $1 AND subject = $2 AND subject <> ''" +
		" AND kind = 'proof' ORDER BY seq DESC LIMIT 1"
	// The index is read backwards, to the first entry that is not younger.
	recentOf = "SELECT " + ledgerColumns + " FROM ledger WHERE console = $1 AND subject = $2 AND subject <> ''" +
		" AND seq > COALESCE((SELECT o.seq FROM ledger o WHERE o.console = $1 AND o.subject = $2 AND o.subject <> ''" +
		" AND o.at <= $3 ORDER BY o.seq DESC LIMIT 1), 0) ORDER BY seq"
)

// LedgerOfSubject lists the entries about a principal, as [ledger.Subject] writes it, that
// come after number since, in their order; since 0 lists all. There may be none.
//
// It finds what [ledger.SubjectOf] says of each entry: of what versions up to 0.4.0 wrote,
// requests, writes and proofs only.
func (s *Store) LedgerOfSubject(ctx context.Context, console, subject string, since int64) ([]ledger.Entry, error) {
	return entriesOf(ctx, s.r, ofSubject, console, subject, since)
}

// RecentLedgerOfSubject lists, in their order, the newest entries about a principal, as [ledger.Subject] writes it:
// those behind its last entry whose time is not later than since. There may be none. What it reads does not grow with
// what came before.
func (s *Store) RecentLedgerOfSubject(
	ctx context.Context, console, subject string, since time.Time,
) ([]ledger.Entry, error) {
	out, err := entriesOf(ctx, s.r, recentOf, console, subject, micros(since))
	return out, s.explain(err)
}

// LastProofOf finds the newest proof about a principal, as [ledger.Subject] writes it; false
// if there is none.
func (s *Store) LastProofOf(ctx context.Context, console, subject string) (ledger.Entry, bool, error) {
	found, err := entriesOf(ctx, s.r, lastProof, console, subject)
	if err != nil || len(found) == 0 {
		return ledger.Entry{}, false, err
	}
	return found[0], true, nil
}

// WalkLedger calls fn with every entry of a console in order, one at a time, as of the
// moment at which it began. An error of fn ends the walk and is returned.
func (s *Store) WalkLedger(ctx context.Context, console string, fn func(ledger.Entry) error) error {
	return s.read(ctx, func(q queryer) error { return walk(ctx, q, console, fn) })
}

func walk(ctx context.Context, q queryer, console string, fn func(ledger.Entry) error) error {
	const statement = "SELECT " + ledgerColumns + " FROM ledger WHERE console = $1 ORDER BY seq"
	return forEachRow(ctx, q, "read the ledger of "+console, statement, []any{console}, func(rows *sql.Rows) error {
		e, err := scanEntry(rows)
		if err != nil {
			return err
		}
		return fn(e)
	})
}

func entriesOf(ctx context.Context, q queryer, statement string, args ...any) ([]ledger.Entry, error) {
	out := []ledger.Entry{}
	err := forEachRow(ctx, q, "read the ledger", statement, args, func(rows *sql.Rows) error {
		e, err := scanEntry(rows)
		out = append(out, e)
		return err
	})
	return out, err
}
