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
	// Tables grow from nothing to a hundred thousand rows within one sync, so a plan
	// made for the empty table must not be kept.
	cfg.RuntimeParams["plan_cache_mode"] = "force_custom_plan"
	cfg.RuntimeParams["jit"] = "off"
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "sentinelone-provisioner"
	}
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(postgresConns)
	db.SetMaxIdleConns(postgresConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the database server %s does not let us in: %w", cfg.Host, err), db.Close())
	}
	return &Store{w: db, r: db, d: dialect{postgres: true}, now: time.Now}, nil
}
