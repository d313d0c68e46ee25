package store

import (
	"context"
	"database/sql"
	"errors"

	"sentinelone-provisioner/internal/access"
)

// collectionHead is what readers see of one collection: seq is the latest proven
// snapshot, version the latest that changed something. It is zero before the first.
type collectionHead struct {
	seq, version  int64
	visible, held int // rows and assignments that readers see
}

// selectHead reads the head of a collection, for the console of a snapshot, into *into.
func selectHead(id string, c access.Collection, into *collectionHead) statement {
	return statement{
		purpose: "read the head of " + string(c),
		sql: `SELECT h.seq, h.version, h.visible, h.held FROM collection_heads h
		        WHERE h.console = (SELECT s.console FROM snapshots s WHERE s.id = $1) AND h.collection = $2`,
		args: []any{id, string(c)},
		scan: func(row scanner) error {
			err := row.Scan(&into.seq, &into.version, &into.visible, &into.held)
			if errors.Is(err, sql.ErrNoRows) {
				err = nil // no snapshot of the collection is proven yet
			}
			return err
		},
	}
}

func allHeads(ctx context.Context, q queryer, console string) (map[access.Collection]collectionHead, error) {
	out := map[access.Collection]collectionHead{}
	err := forEachRow(ctx, q, "read the collection heads",
		"SELECT collection, seq, version, visible, held FROM collection_heads WHERE console = $1",
		[]any{console}, func(rows *sql.Rows) error {
			var c access.Collection
			var h collectionHead
			err := rows.Scan(&c, &h.seq, &h.version, &h.visible, &h.held)
			out[c] = h
			return err
		})
	return out, err
}
