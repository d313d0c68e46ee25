package store

import (
	"context"
	"database/sql"
)

// ScheduleSetUp returns the settings with which workers have set up a schedule of syncs in a namespace of Temporal, by
// its id; "" if they never have.
func (s *Store) ScheduleSetUp(ctx context.Context, console, namespace, schedule string) (settings string, err error) {
	err = forEachRow(ctx, s.r, "find the schedule that was set up",
		`SELECT settings FROM schedules_set_up WHERE console = $1 AND namespace = $2 AND schedule = $3`,
		[]any{console, namespace, schedule}, func(rows *sql.Rows) error { return rows.Scan(&settings) })
	return settings, s.explain(err)
}

// KeepScheduleSetUp stores that workers have set up a schedule with these settings. It is on disk when this returns.
func (s *Store) KeepScheduleSetUp(ctx context.Context, console, namespace, schedule, settings string) error {
	return s.writeDurably(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, "keep the schedule that was set up",
			`INSERT INTO schedules_set_up (console, namespace, schedule, settings, at) VALUES ($1, $2, $3, $4, $5)
			 ON CONFLICT (console, namespace, schedule)
			 DO UPDATE SET settings = excluded.settings, at = excluded.at`,
			console, namespace, schedule, settings, micros(s.now()))
		return err
	})
}
