package store

import (
	"context"
	"database/sql"
	"fmt"
)

// lockMode is what a transaction does to a drain, and so with whom it can share it.
type lockMode string

const (
	alone        lockMode = " FOR UPDATE OF "        // begins anew, promotes or drops: nobody beside it
	saving       lockMode = " FOR NO KEY UPDATE OF " // saves a page: one at a time, beside loading
	besideSaving lockMode = " FOR KEY SHARE OF "     // loads a page: the next one may be saved meanwhile
)

// lock locks the chosen rows of alias. SQLite has one writer at a time.
func (d dialect) lock(alias string, l lockMode) string {
	if d.postgres {
		return string(l) + alias
	}
	return ""
}

// lockConsole lets one transaction at a time decide about a console, and has it reach
// the disk before anybody is told. All others are confirmed sooner: they can be
// repeated, and since transactions reach the disk in their order, one that was told
// never lacks one before it.
func (d dialect) lockConsole(ctx context.Context, tx *sql.Tx, console string) error {
	return d.takeTurn(ctx, tx, "sentinelone "+console)
}

// lockLedger lets one transaction at a time append to a console's chain, and has it
// reach the disk before anybody is told. It is not the lock of lockConsole: a promotion,
// which takes seconds where much has changed, must not hold up a grant.
func (d dialect) lockLedger(ctx context.Context, tx *sql.Tx, console string) error {
	return d.takeTurn(ctx, tx, "sentinelone-ledger "+console)
}

func (d dialect) takeTurn(ctx context.Context, tx *sql.Tx, of string) error {
	if !d.postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, `SELECT set_config('synchronous_commit', 'on', true),
		pg_advisory_xact_lock(hashtextextended($1, 0))`, of)
	if err != nil {
		return fmt.Errorf("wait for the console's turn: %w", err)
	}
	return nil
}
