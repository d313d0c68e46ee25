package store

import (
	"context"
	"database/sql"
	"errors"

	"sentinelone-provisioner/internal/access"
)

// head is what readers see of one collection: the latest proven snapshot, and the
// latest that changed something; zero before the first.
type head struct {
	seq, version  int64
	visible, held int // rows and assignments that readers see
}

// readHead reads the head of one collection of a snapshot's console.
func readHead(id string, c access.Collection, into *head) step {
	return step{
		what: "read the head of " + string(c),
		query: `SELECT h.seq, h.version, h.visible, h.held FROM heads h
		        WHERE h.console = (SELECT s.console FROM snapshots s WHERE s.id = $1) AND h.collection = $2`,
		args: []any{id, string(c)},
		read: func(row scanner) error {
			err := row.Scan(&into.seq, &into.version, &into.visible, &into.held)
			if errors.Is(err, sql.ErrNoRows) {
				err = nil // nothing is proven yet
			}
			return err
		},
	}
}

func heads(ctx context.Context, q queryer, console string) (map[access.Collection]head, error) {
	out := map[access.Collection]head{}
	err := each(ctx, q, "read the heads",
		"SELECT collection, seq, version, visible, held FROM heads WHERE console = $1",
		[]any{console}, func(rows *sql.Rows) error {
			var c access.Collection
			var h head
			err := rows.Scan(&c, &h.seq, &h.version, &h.visible, &h.held)
			out[c] = h
			return err
		})
	return out, err
}
