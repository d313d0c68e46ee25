package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Each collection saves and loads at once, and a few more ask.
const postgresConns = 12

func openPostgres(ctx context.Context, databaseURL string) (*Store, error) {
	cfg, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		// The cause may quote the URL, and with it the password.
		return nil, errors.New("the database URL is not understood: " +
			"write postgres://user:password@host:5432/database?sslmode=verify-full, with special characters escaped")
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "sentinelone-provisioner"
	}
	db := stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(settle))
	db.SetMaxOpenConns(postgresConns)
	db.SetMaxIdleConns(postgresConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the database server %s does not let us in: %w", cfg.Host, err), db.Close())
	}
	return &Store{w: db, r: db, d: dialect{postgres: true}, now: time.Now}, nil
}

// settle keeps the planner from betting on statistics that it does not have: within
// one sync tables grow from nothing to hundreds of thousands of rows, with no analysis
// between. A plan kept from when a table was empty, or a nested loop over what was
// guessed to be one row, takes minutes where a hash join takes a tenth of a second.
func settle(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `SET plan_cache_mode = force_custom_plan; SET enable_nestloop = off; SET jit = off;
		SET synchronous_commit = off -- see lockConsole`)
	if err != nil {
		return fmt.Errorf("prepare the connection: %w", err)
	}
	return nil
}
