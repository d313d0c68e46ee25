package store_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/store"
)

// The error for an invalid URL says what is wrong and does not contain the password.
func TestOpen_InvalidURL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("this is not a database, and it is longer than a header"), 0o600))
	const unknownKind = "unknown kind of database URL: " +
		"use one that begins with sqlite:// (a file) or postgres:// (a server)"
	link := filepath.Join(dir, "link.db")
	require.NoError(t, os.Symlink("nowhere.db", link))
	cases := map[string]struct{ url, want string }{
		"a link to nothing": {"sqlite://" + link, `is a link to "nowhere.db", which is not there`},
		"a device":          {"sqlite:///dev/null", "is a device, a pipe or a socket: name a regular file"},
		"empty":             {"", unknownKind},
		"other scheme":      {"mysql://ana:hunter2@db/x", unknownKind},
		"no scheme":         {"sentinelone.db", unknownKind},
		"no file":           {"sqlite://", "names no file"},
		"a folder":          {"sqlite://" + dir, "is a folder: name a file in it"},
		"no such folder":    {"sqlite://" + filepath.Join(dir, "none", "x.db"), "because there is no folder"},
		"below a file":      {"sqlite://" + filepath.Join(file, "x.db"), "cannot be reached"},
		"not a database":    {"sqlite://" + file, "check that it is a SQLite database"},
		"malformed": {
			"postgres://ana:hunter2@db:port/x",
			"invalid database URL: write postgres://user:password@host",
		},
		"bad parameter": {"postgres://ana:hunter2@db/x?sslmode=perhaps", "invalid database URL"},
		"nobody is there": {
			"postgres://ana:hunter2@127.0.0.1:1/x?sslmode=disable",
			"connect to the database server 127.0.0.1",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, open := range []func() error{
				func() error { _, err := store.Open(t.Context(), c.url); return err },
				func() error { _, err := store.OpenReader(t.Context(), c.url); return err },
			} {
				err := open()
				require.Error(t, err)
				require.NotContains(t, err.Error(), "hunter2")
			}
			_, err := store.Open(t.Context(), c.url)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// A reader does not create a missing database.
func TestOpenReader_MissingDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none.db")
	_, err := store.OpenReader(t.Context(), "sqlite://"+path)
	require.ErrorIs(t, err, store.ErrNotReady)
	require.ErrorContains(t, err, "start the worker and run a sync first")
	require.NoFileExists(t, path)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err = store.OpenReader(t.Context(), "sqlite://"+path)
	require.ErrorIs(t, err, store.ErrNotReady)
}

// A path may contain characters that are special in URLs.
func TestOpen_SpecialCharactersInPath(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dir := filepath.Join(parent, "a b?c#d%20e")
	require.NoError(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "x y.db")
	open(t, "sqlite://"+path)
	header, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "SQLite format 3", string(header[:min(15, len(header))]), "the database is this file")
	others, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Len(t, others, 1, "nothing is made of a part of the path")
}

// The worker and readers refuse a database of a newer program.
func TestOpen_NewerSchema(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s, url := db.t, db.s, db.url
		_, err := s.DB().ExecContext(
			t.Context(),
			"INSERT INTO schema_versions (version_id, is_applied) VALUES (99, true)",
		)
		require.NoError(t, err)
		_, err = store.Open(t.Context(), url)
		require.ErrorIs(t, err, store.ErrNewerSchema)
		require.ErrorContains(t, err, "schema 99")
		_, err = store.OpenReader(t.Context(), url)
		require.ErrorIs(t, err, store.ErrNewerSchema)
	})
}

// Several processes may open a new database at the same time, and opening again finds the
// stored data.
func TestOpen_ConcurrentAndRepeated(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s, url := db.t, db.s, db.url
		syncOnce(t, s, acme, "s1", smallWorld())
		require.Equal(t, expected(smallWorld()), export(t, open(t, url), acme, nil))
	})
	url := sqliteURL(t)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			s, err := store.Open(t.Context(), url)
			if err == nil {
				err = s.Close()
			}
			errs[i] = err
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

// A reader refuses a database without migrations.
func TestOpenReader_NotMigrated(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s, url := db.t, db.s, db.url
		_, err := s.DB().ExecContext(t.Context(), "DROP TABLE schema_versions")
		require.NoError(t, err)
		_, err = store.OpenReader(t.Context(), url)
		require.ErrorIs(t, err, store.ErrNotReady)
		require.ErrorContains(t, err, "run a sync first")
	})
}

// A reader cannot write: not by its methods, and by no statement, in a transaction or outside of one.
func TestOpenReader_CannotWrite(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t := db.t
		syncOnce(t, db.s, acme, "s1", smallWorld())
		requireReads(t, db.url)
	})
}

// requireReads opens a reader, which finds the small world and changes nothing.
func requireReads(t *testing.T, url string) {
	t.Helper()
	r, err := store.OpenReader(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	refuses := func(err error, what string) {
		t.Helper()
		require.Error(t, err, what)
		require.Regexp(t, "readonly|read-only transaction", err.Error(), what)
		require.NotContains(t, err.Error(), "target_session_attrs", "the server is none that only reads")
	}
	refuses(r.Begin(t.Context(), store.BeginInput{Console: acme, ID: "s2"}), "begin a sync")
	_, err = r.Append(t.Context(), acme, note("grant/INC-1", "request", 1))
	refuses(err, "append to the ledger")
	const insert = "INSERT INTO connection_checks (console, at, evidence) VALUES ($1, 1, '{}')"
	_, err = r.DB().ExecContext(t.Context(), insert, acme)
	refuses(err, "execute outside of a transaction")
	var console string
	refuses(r.DB().QueryRowContext(t.Context(), insert+" RETURNING console", acme).Scan(&console), "query")
	tx, err := r.DB().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), insert, acme)
	refuses(err, "execute in a transaction")
	require.NoError(t, tx.Rollback())

	require.Equal(t, expected(smallWorld()), export(t, r, acme, nil))
	evidence, err := r.ConnectionCheck(t.Context(), acme)
	require.NoError(t, err)
	require.Empty(t, evidence)
	found, err := r.LedgerOf(t.Context(), acme, "grant/INC-1")
	require.NoError(t, err)
	require.Empty(t, found)
	latest, err := r.LatestSnapshots(t.Context(), acme, 10)
	require.NoError(t, err)
	require.Len(t, latest, 1)
}
