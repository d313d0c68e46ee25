package store

import (
	"context"
	"database/sql"
)

// KeepTokenOwner stores the id of the principal whose API token the workers of a console use, as the console told; ""
// where it does not tell.
func (s *Store) KeepTokenOwner(ctx context.Context, console, id string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, "keep the owner of the API token",
			`INSERT INTO token_owners (console, principal_id, at) VALUES ($1, $2, $3)
			 ON CONFLICT (console) DO UPDATE SET principal_id = excluded.principal_id, at = excluded.at`,
			console, id, micros(s.now()))
		return err
	})
}

// TokenOwner is the id that [Store.KeepTokenOwner] stored last; "" if none is known.
func (s *Store) TokenOwner(ctx context.Context, console string) (id string, err error) {
	err = forEachRow(ctx, s.r, "find the owner of the API token",
		`SELECT principal_id FROM token_owners WHERE console = $1`, []any{console},
		func(rows *sql.Rows) error { return rows.Scan(&id) })
	return id, s.explain(err)
}
