package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// pgReader is a connection whose every statement runs in a transaction that only reads. The server could
// be told so for the whole session (default_transaction_read_only), but pgbouncer in transaction mode
// refuses that parameter at the start, and would give a session in which it was set to other programs.
type pgReader struct{ pgConn }

const beginOneRead = "BEGIN READ ONLY"

// BeginTx implements driver.ConnBeginTx. The server refuses a write in a transaction that was begun to write.
func (c *pgReader) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if opts.ReadOnly {
		return c.pgConn.BeginTx(ctx, opts)
	}
	tx, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	return pgTx{ctx, tx}, nil
}

// QueryContext implements driver.QueryerContext.
func (c *pgReader) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.inTransaction() {
		return c.Conn.QueryContext(ctx, query, args)
	}
	tx, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	found, err := c.Conn.QueryContext(ctx, query, args)
	if err != nil {
		undo(ctx, tx)
		return nil, err
	}
	rows, ok := found.(*stdlib.Rows)
	if !ok {
		err := errors.Join(fmt.Errorf("the driver's rows are a %T, want *stdlib.Rows", found), found.Close())
		undo(ctx, tx)
		return nil, err
	}
	return &readerRows{rows, ctx, tx}, nil
}

// ExecContext implements driver.ExecerContext.
func (c *pgReader) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.inTransaction() {
		return c.Conn.ExecContext(ctx, query, args)
	}
	tx, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	result, err := c.Conn.ExecContext(ctx, query, args)
	undo(ctx, tx)
	return result, err
}

// PrepareContext implements driver.ConnPrepareContext. It refuses: a prepared statement would also run outside
// of a transaction.
func (c *pgReader) PrepareContext(context.Context, string) (driver.Stmt, error) {
	return nil, errors.New("prepare a statement: a reader of PostgreSQL prepares none: query instead")
}

func (c *pgReader) inTransaction() bool { return c.Conn.Conn().PgConn().TxStatus() != 'I' }

func (c *pgReader) begin(ctx context.Context) (pgx.Tx, error) {
	if c.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	tx, err := c.Conn.Conn().BeginTx(ctx, pgx.TxOptions{BeginQuery: beginOneRead})
	if err != nil && pgconn.SafeToRetry(err) {
		return nil, driver.ErrBadConn // as the driver's own queries: database/sql takes another connection
	}
	return tx, err
}

// readerRows are rows of one statement, whose transaction ends with them. Nothing was written.
type readerRows struct {
	*stdlib.Rows

	ctx context.Context //nolint:containedctx // driver.Rows has no other
	tx  pgx.Tx
}

// Close implements driver.Rows.
func (r *readerRows) Close() error {
	err := r.Rows.Close()
	undo(r.ctx, r.tx)
	return err
}

// undo ends a transaction that wrote nothing. Where that fails, pgx closes the connection.
func undo(ctx context.Context, tx pgx.Tx) { _ = tx.Rollback(ctx) }
