package store

import (
	"context"
	"database/sql"
	"fmt"
)

// lockMode is how a transaction locks a drain: what it does with the drain decides which
// other transactions may use it at the same time.
type lockMode string

const (
	lockExclusive lockMode = " FOR UPDATE OF "        // restart, promote or discard: excludes all others
	lockForSave   lockMode = " FOR NO KEY UPDATE OF " // save a page: excludes other saves, allows loads
	lockForLoad   lockMode = " FOR KEY SHARE OF "     // load a page: allows saves and other loads
)

// lock is the clause that locks the selected rows of alias. SQLite needs none: it has one
// writer at a time.
func (d dialect) lock(alias string, l lockMode) string {
	if d.postgres {
		return string(l) + alias
	}
	return ""
}

// lockConsole lets one transaction at a time decide about a console, and makes its commit
// wait for the disk. Other commits do not wait: they can be repeated after a crash, and
// since commits reach the disk in order, a decision on disk never lacks one before it.
func (d dialect) lockConsole(ctx context.Context, tx *sql.Tx, console string) error {
	return d.lockDurably(ctx, tx, "sentinelone "+console)
}

// lockLedger lets one transaction at a time append to a console's chain, and makes its
// commit wait for the disk. It is another lock than that of lockConsole: a promotion takes
// seconds after many changes and must not delay a grant.
func (d dialect) lockLedger(ctx context.Context, tx *sql.Tx, console string) error {
	return d.lockDurably(ctx, tx, "sentinelone-ledger "+console)
}

func (d dialect) lockDurably(ctx context.Context, tx *sql.Tx, of string) error {
	if !d.postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, `SELECT set_config('synchronous_commit', 'on', true),
		pg_advisory_xact_lock(hashtextextended($1, 0))`, of)
	if err != nil {
		return fmt.Errorf("lock the console: %w", err)
	}
	return nil
}
