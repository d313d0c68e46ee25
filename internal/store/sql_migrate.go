package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

const schemaTable = "schema_versions"

// migrateAttempts bounds the retries of processes that create the same SQLite file at the
// same time. On PostgreSQL a lock makes them wait for each other.
const migrateAttempts = 5

func (s *Store) migrate(ctx context.Context) error {
	var err error
	for range migrateAttempts {
		if err = s.migrateOnce(ctx); err == nil || errors.Is(err, ErrNewerSchema) || s.d.postgres {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100*time.Millisecond + rand.N(100*time.Millisecond)): //nolint:gosec // spreads retries
		}
	}
	return err
}

func (s *Store) migrateOnce(ctx context.Context) error {
	p, version, err := s.schema(ctx)
	if err != nil {
		return err
	}
	if version > 0 {
		pending, err := p.HasPending(ctx)
		if err != nil {
			return fmt.Errorf("look for migrations of the database schema: %w", err)
		}
		if !pending {
			return nil
		}
	}
	return s.migrateAlone(ctx, func() error {
		if _, err := p.Up(durably(ctx)); err != nil {
			return fmt.Errorf("migrate the database schema: %w", err)
		}
		return nil
	})
}

// migrateAlone runs migrate while no other process migrates. The lock is that of a transaction on a
// connection of its own: one of the session would stay behind on a connection of pgbouncer's.
func (s *Store) migrateAlone(ctx context.Context, migrate func() error) error {
	if !s.d.postgres {
		return migrate() // SQLite has one writer; see migrateAttempts
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('sentinelone migrations', 0))")
		if err != nil {
			return fmt.Errorf("wait for other processes that migrate the database: %w", err)
		}
		return migrate()
	})
}

// checkSchema makes sure that a reader understands the database.
func (s *Store) checkSchema(ctx context.Context) error {
	p, version, err := s.schema(ctx)
	if err != nil {
		return err
	}
	switch known := newestKnown(p); {
	case version == 0:
		return fmt.Errorf("the database is empty: start the worker and run a sync first: %w", ErrNotReady)
	case version < known:
		return fmt.Errorf("the database has schema %d and this program needs %d: start the worker of this version, "+
			"it migrates the database: %w", version, known, ErrNotReady)
	}
	return nil
}

// schema is the migrations and the version of the database: 0 if it has no tables yet. A
// version newer than the migrations is [ErrNewerSchema].
func (s *Store) schema(ctx context.Context) (*goose.Provider, int64, error) {
	p, err := s.provider()
	if err != nil {
		return nil, 0, err
	}
	version, err := s.schemaVersion(ctx)
	if err != nil {
		return nil, 0, err
	}
	if known := newestKnown(p); version > known {
		return nil, 0, fmt.Errorf("the database has schema %d and this program knows %d: "+
			"use the newer version of the program that wrote it: %w", version, known, ErrNewerSchema)
	}
	return p, version, nil
}

func (s *Store) provider() (*goose.Provider, error) {
	name, folder := goose.DialectSQLite3, "migrations/sqlite"
	options := []goose.ProviderOption{goose.WithTableName(schemaTable), goose.WithDisableGlobalRegistry(true)}
	if s.d.postgres {
		name, folder = goose.DialectPostgres, "migrations/postgres"
	}
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return nil, fmt.Errorf("load the migrations: %w", err)
	}
	p, err := goose.NewProvider(name, s.w, files, options...)
	if err != nil {
		return nil, fmt.Errorf("load the migrations: %w", err)
	}
	return p, nil
}

func newestKnown(p *goose.Provider) int64 {
	var v int64
	for _, src := range p.ListSources() {
		v = max(v, src.Version)
	}
	return v
}

// schemaVersion is the version of the newest migration applied, 0 without any. It only
// reads, so that readers can use it: goose's own method creates its table.
func (s *Store) schemaVersion(ctx context.Context) (int64, error) {
	exists := "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1"
	if s.d.postgres {
		exists = "SELECT COUNT(*) FROM pg_catalog.pg_class WHERE oid = to_regclass($1)"
	}
	var tables int
	if err := s.r.QueryRowContext(ctx, exists, schemaTable).Scan(&tables); err != nil {
		return 0, fmt.Errorf("read the version of the database schema: %w", err)
	}
	if tables == 0 {
		return 0, nil
	}
	var v sql.NullInt64
	err := s.r.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+schemaTable+" WHERE is_applied").Scan(&v)
	if err != nil {
		return 0, fmt.Errorf("read the version of the database schema: %w", err)
	}
	return v.Int64, nil
}
