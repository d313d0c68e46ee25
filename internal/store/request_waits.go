package store

import (
	"context"
	"database/sql"
)

// NoteWait stores why a step has not succeeded yet. It replaces the earlier wait of the
// same console, request and step.
func (s *Store) NoteWait(ctx context.Context, w Wait) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, "record why "+w.Request+" is delayed",
			`INSERT INTO waits (`+waitColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			 ON CONFLICT (console, request, step) DO UPDATE SET is_release = excluded.is_release,
			     attempt = excluded.attempt, since = excluded.since, at = excluded.at,
			     next_try = excluded.next_try, reason = excluded.reason, is_temporary = excluded.is_temporary`,
			w.Console, w.Request, w.Step, boolToInt(w.Release), w.Attempt, micros(w.Since), micros(w.At),
			microsOrNil(w.NextTry), asText(w.Text), boolToInt(w.Temporary))
		return err
	})
}

// ClearWait deletes the wait of a step. Usually there is none; that is no error and takes
// only a read, which does not queue behind writers.
func (s *Store) ClearWait(ctx context.Context, console, request, step string) error {
	known, err := s.waits(ctx, "console = $1 AND request = $2 AND step = $3", console, request, step)
	if err != nil || len(known) == 0 {
		return err
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, "clear the wait of "+request,
			"DELETE FROM waits WHERE console = $1 AND request = $2 AND step = $3", console, request, step)
		return err
	})
}

// WaitOf lists the waits of one request's steps, longest first.
func (s *Store) WaitOf(ctx context.Context, console, request string) ([]Wait, error) {
	return s.waits(ctx, "console = $1 AND request = $2", console, request)
}

// Waits lists the waits of all steps of a console, longest first.
func (s *Store) Waits(ctx context.Context, console string) ([]Wait, error) {
	return s.waits(ctx, "console = $1", console)
}

const waitColumns = "console, request, step, is_release, attempt, since, at, next_try, reason, is_temporary"

func (s *Store) waits(ctx context.Context, where string, args ...any) ([]Wait, error) {
	out := []Wait{}
	statement := "SELECT " + waitColumns + " FROM waits WHERE " + where + " ORDER BY since, request, step"
	err := forEachRow(ctx, s.r, "read the waits", statement, args, func(rows *sql.Rows) error {
		var w Wait
		var since, at int64
		var next sql.NullInt64
		err := rows.Scan(&w.Console, &w.Request, &w.Step, &w.Release, &w.Attempt, &since, &at, &next,
			&w.Text, &w.Temporary)
		w.Since, w.At = fromMicros(since), fromMicros(at)
		if next.Valid {
			t := fromMicros(next.Int64)
			w.NextTry = &t
		}
		out = append(out, w)
		return err
	})
	return out, err
}
