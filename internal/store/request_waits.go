package store

import (
	"context"
	"database/sql"
)

// NoteWait keeps why a step waits, in the place of what was known of it before.
func (s *Store) NoteWait(ctx context.Context, w Wait) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, "note why "+w.Request+" waits",
			`INSERT INTO waits (`+waitColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			 ON CONFLICT (console, request, step) DO UPDATE SET is_release = excluded.is_release,
			     attempt = excluded.attempt, since = excluded.since, at = excluded.at,
			     next_try = excluded.next_try, reason = excluded.reason, is_temporary = excluded.is_temporary`,
			w.Console, w.Request, w.Step, flag(w.Release), w.Attempt, micros(w.Since), micros(w.At),
			microsOrNil(w.NextTry), asText(w.Text), flag(w.Temporary))
		return err
	})
}

// ClearWait forgets that a step waits. It is no error if it does not, as is the rule:
// then this is a look, not a turn among those who write.
func (s *Store) ClearWait(ctx context.Context, console, request, step string) error {
	known, err := s.waits(ctx, "console = $1 AND request = $2 AND step = $3", console, request, step)
	if err != nil || len(known) == 0 {
		return err
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, "clear why "+request+" waits",
			"DELETE FROM waits WHERE console = $1 AND request = $2 AND step = $3", console, request, step)
		return err
	})
}

// WaitOf lists the steps of one request that wait, those that wait longest first.
func (s *Store) WaitOf(ctx context.Context, console, request string) ([]Wait, error) {
	return s.waits(ctx, "console = $1 AND request = $2", console, request)
}

// Waits lists all steps of a console that wait, those that wait longest first.
func (s *Store) Waits(ctx context.Context, console string) ([]Wait, error) {
	return s.waits(ctx, "console = $1", console)
}

const waitColumns = "console, request, step, is_release, attempt, since, at, next_try, reason, is_temporary"

func (s *Store) waits(ctx context.Context, where string, args ...any) ([]Wait, error) {
	out := []Wait{}
	statement := "SELECT " + waitColumns + " FROM waits WHERE " + where + " ORDER BY since, request, step"
	err := each(ctx, s.r, "read who waits", statement, args, func(rows *sql.Rows) error {
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
