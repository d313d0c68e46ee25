package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresConns is the size of the pool: each of five collections saves and loads in
// parallel, and a few readers query.
const postgresConns = 12

func openPostgres(ctx context.Context, databaseURL string) (*Store, error) {
	cfg, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		// The cause may quote the URL, and with it the password.
		return nil, errors.New("invalid database URL: " +
			"write postgres://user:password@host:5432/database?sslmode=verify-full, with special characters escaped")
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "sentinelone-provisioner"
	}
	db := stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(configureConnection))
	db.SetMaxOpenConns(postgresConns)
	db.SetMaxIdleConns(postgresConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to the database server %s: %w; "+
			"check the address, the user and the password", cfg.Host, err), db.Close())
	}
	return &Store{w: db, r: db, d: dialect{postgres: true}, now: time.Now}, nil
}

// configureConnection keeps the planner from relying on statistics that it does not have:
// within one sync tables grow from empty to hundreds of thousands of rows without an
// ANALYZE. A cached plan for an empty table, or a nested loop over an estimated single row,
// takes minutes where a hash join takes a tenth of a second.
func configureConnection(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `SET plan_cache_mode = force_custom_plan; SET enable_nestloop = off; SET jit = off;
		SET synchronous_commit = off -- see lockConsole`)
	if err != nil {
		return fmt.Errorf("prepare the connection: %w", err)
	}
	return nil
}
