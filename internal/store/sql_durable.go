package store

import (
	"context"
	"database/sql"
	"fmt"
)

// writeDurably runs fn in one transaction that survives the loss of power once this
// returns: a console is changed on the strength of what the ledger says, and cannot be
// changed back by losing it. On PostgreSQL the transaction's lock sees to it (takeTurn).
//
// SQLite runs with synchronous=NORMAL, which syncs the write-ahead log at checkpoints
// only. FULL syncs it with each commit, and what was committed before with it: one small
// entry then takes 0.6 ms instead of 0.27 ms on a virtual machine's SSD. The setting
// belongs to the connection, of which there is one, and cannot change inside a
// transaction, so it is turned on around it.
func (s *Store) writeDurably(ctx context.Context, fn func(tx *sql.Tx) error) error {
	if s.d.postgres {
		return s.write(ctx, fn)
	}
	conn, err := s.w.Conn(ctx)
	if err != nil {
		return fmt.Errorf("wait for the database: %w", err)
	}
	defer func() { _ = conn.Close() }() // gives it back to the pool
	if _, err := conn.ExecContext(ctx, "PRAGMA synchronous=FULL"); err != nil {
		return fmt.Errorf("have SQLite sync the disk: %w", err)
	}
	err = s.transact(ctx, conn, fn)
	// Where this fails, syncs are slower until the next append, and nothing else.
	_, _ = conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA synchronous=NORMAL")
	return err
}
