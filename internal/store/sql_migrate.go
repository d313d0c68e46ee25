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
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

const schemaTable = "schema_versions"

// migrateTries bounds how often two processes that create the same SQLite file at
// once get out of each other's way.
const migrateTries = 5

func (s *Store) migrate(ctx context.Context) error {
	var err error
	for range migrateTries {
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
	p, err := s.provider()
	if err != nil {
		return err
	}
	version, err := s.schemaVersion(ctx)
	if err != nil {
		return err
	}
	if err := refuseNewer(version, newest(p)); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the database schema up to date: %w", err)
	}
	return nil
}

// checkSchema refuses a database that a reader cannot understand.
func (s *Store) checkSchema(ctx context.Context) error {
	p, err := s.provider()
	if err != nil {
		return err
	}
	version, err := s.schemaVersion(ctx)
	if err != nil {
		return err
	}
	switch {
	case version == 0:
		return fmt.Errorf("the database is empty: start the worker and run a sync first: %w", ErrNotReady)
	case version < newest(p):
		return fmt.Errorf("the database has schema %d and this program needs %d: start the worker of this version, "+
			"it brings the database up to date: %w", version, newest(p), ErrNotReady)
	}
	return refuseNewer(version, newest(p))
}

func refuseNewer(version, known int64) error {
	if version > known {
		return fmt.Errorf("the database has schema %d and this program knows %d: "+
			"use the newer version of the program that wrote it: %w", version, known, ErrNewerSchema)
	}
	return nil
}

func (s *Store) provider() (*goose.Provider, error) {
	name, folder := goose.DialectSQLite3, "migrations/sqlite"
	options := []goose.ProviderOption{goose.WithTableName(schemaTable), goose.WithDisableGlobalRegistry(true)}
	if s.d.postgres {
		name, folder = goose.DialectPostgres, "migrations/postgres"
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60)) // 60 tries, 1 s apart
		if err != nil {
			return nil, fmt.Errorf("prepare the migrations: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations: %w", err)
	}
	p, err := goose.NewProvider(name, s.w, files, options...)
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations: %w", err)
	}
	return p, nil
}

func newest(p *goose.Provider) int64 {
	var v int64
	for _, src := range p.ListSources() {
		v = max(v, src.Version)
	}
	return v
}

// schemaVersion is 0 for a database without our tables. It changes nothing, so that
// a reader may ask.
func (s *Store) schemaVersion(ctx context.Context) (int64, error) {
	exists := "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1"
	if s.d.postgres {
		exists = "SELECT COUNT(*) FROM pg_catalog.pg_class WHERE oid = to_regclass($1)"
	}
	var tables int
	if err := s.r.QueryRowContext(ctx, exists, schemaTable).Scan(&tables); err != nil {
		return 0, fmt.Errorf("read the schema's version: %w", err)
	}
	if tables == 0 {
		return 0, nil
	}
	var v sql.NullInt64
	err := s.r.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+schemaTable+" WHERE is_applied").Scan(&v)
	if err != nil {
		return 0, fmt.Errorf("read the schema's version: %w", err)
	}
	return v.Int64, nil
}
