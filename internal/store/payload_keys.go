package store

import (
	"context"
	"database/sql"
	"time"
)

// PayloadKey is what the store knows of a key that encrypts payloads: never the key.
type PayloadKey struct {
	ID     string
	Canary []byte // made by the key, which knows it again
	// Until is when another key, or none, took its place as the one that encrypts; nil: it
	// encrypts, or never did.
	Until *time.Time
}

// PayloadKeys lists the keys that workers of a console had, by id.
func (s *Store) PayloadKeys(ctx context.Context, console string) ([]PayloadKey, error) {
	var out []PayloadKey
	err := forEachRow(ctx, s.r, "read the canaries of payload keys",
		"SELECT id, canary, until FROM payload_keys WHERE console = $1 ORDER BY id", []any{console},
		func(rows *sql.Rows) error {
			var k PayloadKey
			var until sql.NullInt64
			err := rows.Scan(&k.ID, &k.Canary, &until)
			if until.Valid {
				at := fromMicros(until.Int64)
				k.Until = &at
			}
			out = append(out, k)
			return err
		})
	return out, err
}

// KeepPayloadKeys stores the keys of a worker that starts; the first encrypts, none means that
// nothing is encrypted any more. A key that is known keeps its canary. It is on disk when this
// returns.
func (s *Store) KeepPayloadKeys(ctx context.Context, console string, keys []PayloadKey) error {
	return s.writeDurably(ctx, func(tx *sql.Tx) error {
		now, first := micros(s.now()), ""
		for i, k := range keys {
			var until *int64
			if i == 0 {
				first = k.ID
			} else {
				until = &now
			}
			_, err := exec(ctx, tx, "store the canary of a payload key",
				`INSERT INTO payload_keys (console, id, canary, since, until) VALUES ($1, $2, $3, $4, $5)
				 ON CONFLICT (console, id) DO NOTHING`, console, k.ID, k.Canary, now, until)
			if err != nil {
				return err
			}
		}
		_, err := exec(ctx, tx, "store which payload key encrypts",
			`UPDATE payload_keys SET until = CASE WHEN id = $2 THEN NULL ELSE COALESCE(until, $3) END
			 WHERE console = $1`, console, first, now)
		return err
	})
}

// OpenRequest is a request that has no receipt, and when it began.
type OpenRequest struct {
	ID string // workflow id
	// Began is the time of the first entry of kind request under that id, also of an earlier request
	// that had it.
	Began time.Time
}

// OpenRequests lists the requests of a console that have no receipt, the one that began last first.
func (s *Store) OpenRequests(ctx context.Context, console string) ([]OpenRequest, error) {
	var out []OpenRequest
	err := forEachRow(ctx, s.r, "find open requests",
		`SELECT r.request, (SELECT MIN(f.at) FROM ledger f
		   WHERE f.console = $1 AND f.request = r.request AND f.kind IN ('request', 'receipt'))
		 FROM ledger r WHERE r.console = $1 AND r.kind = 'request' AND NOT EXISTS (SELECT 1 FROM ledger x
		   WHERE x.console = $1 AND x.request = r.request`+requestOrReceipt+` AND x.seq > r.seq)
		 ORDER BY 2 DESC, 1`, []any{console},
		func(rows *sql.Rows) error {
			var r OpenRequest
			var began int64
			err := rows.Scan(&r.ID, &began)
			r.Began = fromMicros(began)
			out = append(out, r)
			return err
		})
	return out, err
}
