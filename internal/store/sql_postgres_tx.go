package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// pgConnector makes connections whose transactions begin with our settings; a reader's only read.
type pgConnector struct {
	driver.Connector

	reader bool
}

// Connect implements driver.Connector.
func (c pgConnector) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := opened.(*stdlib.Conn)
	if !ok {
		err := fmt.Errorf("the driver's connection is a %T, want *stdlib.Conn", opened)
		return nil, errors.Join(err, opened.Close())
	}
	if c.reader {
		return &pgReader{pgConn{conn}}, nil
	}
	return &pgConn{conn}, nil
}

// pgConn sets what a transaction needs for that transaction only. A setting of the
// session would stay with the server's connection, and pgbouncer in transaction mode
// gives that to other programs.
type pgConn struct{ *stdlib.Conn }

func (c *pgConn) pgx() *pgx.Conn { return c.Conn.Conn() }

// These settings keep the planner from relying on statistics that it does not have: within one
// sync tables grow from empty to hundreds of thousands of rows without an ANALYZE. A nested loop
// over an estimated single row takes minutes where a hash join takes a tenth of a second.
const plannerSettings = "; SET LOCAL enable_nestloop = off; SET LOCAL jit = off"

const (
	beginToRead = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" + plannerSettings
	// The disk gets the transaction within a second or so; a crash of the server may lose it.
	beginToWrite = "BEGIN" + plannerSettings + "; SET LOCAL synchronous_commit = off"
	// A server that is set to wait for its standby goes on doing so.
	beginDurably = "BEGIN" + plannerSettings +
		"; SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
)

type durableKey struct{}

// durably marks the context of transactions whose commit waits for the disk, on PostgreSQL.
func durably(ctx context.Context) context.Context { return context.WithValue(ctx, durableKey{}, true) }

// BeginTx implements driver.ConnBeginTx. BEGIN and the settings are one message.
func (c *pgConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if c.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	begin := beginToWrite
	switch {
	case opts.ReadOnly && sql.IsolationLevel(opts.Isolation) == sql.LevelRepeatableRead:
		begin = beginToRead
	case opts.ReadOnly || sql.IsolationLevel(opts.Isolation) != sql.LevelDefault:
		return nil, fmt.Errorf("begin a transaction of isolation %d: not supported", opts.Isolation)
	case ctx.Value(durableKey{}) != nil:
		begin = beginDurably
	}
	tx, err := c.Conn.Conn().BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
	if err != nil {
		return nil, err
	}
	return pgTx{ctx, tx}, nil
}

// pgTx ends a transaction with the context with which it began.
type pgTx struct {
	ctx context.Context //nolint:containedctx // driver.Tx has no other
	tx  pgx.Tx
}

// Commit implements driver.Tx.
func (t pgTx) Commit() error { return t.tx.Commit(t.ctx) }

// Rollback implements driver.Tx.
func (t pgTx) Rollback() error { return t.tx.Rollback(t.ctx) }
