package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/store"
)

// crashed crashes a PostgreSQL server, starts it again and opens its database.
func crashed(t *testing.T, server *pgtest.Server, url string) *store.Store {
	t.Helper()
	require.NoError(t, server.Crash())
	require.NoError(t, server.Restart())
	s, err := store.Open(t.Context(), url)
	require.NoError(t, err)
	return s
}

// A crash of the server loses saved pages, but nothing that a caller was told is done: what follows
// each call here is a crash.
func TestCrash_LosesNothingThatWasTold(t *testing.T) {
	t.Parallel()
	server := pgtest.StartServer(t)
	url, err := server.Database(t.Context(), "crash")
	require.NoError(t, err)
	s, err := store.Open(t.Context(), url)
	require.NoError(t, err)
	defer func() { _ = s.Close() }() // its connections are of a server that is gone
	const first, second = "s1", "s2"
	next := func() {
		t.Helper()
		_ = s.Close() // as above
		s = crashed(t, server, url)
	}

	begin(t, s, acme, first, access.Roles)
	next()
	drain(t, s, first, access.Roles, 1, 1, smallWorld())
	next()
	lost, err := s.Progress(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, store.CollectionWaiting, lost.Collections[access.Roles].State, "pages do not wait for the disk")

	drain(t, s, first, access.Roles, 1, 1, smallWorld())
	sum, err := s.Drained(t.Context(), first, access.Roles, 1)
	require.NoError(t, err)
	next()
	kept, err := s.Drained(t.Context(), first, access.Roles, 1)
	require.NoError(t, err)
	require.Equal(t, sum, kept)
	got, err := s.Assess(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, map[access.Collection]int{access.Roles: 1}, got.Drained)

	promoted, err := s.Promote(t.Context(), first, store.PromoteInput{Collections: []access.Collection{access.Roles}})
	require.NoError(t, err)
	next()
	latest, err := s.Latest(t.Context(), acme, nil)
	require.NoError(t, err)
	require.Equal(t, promoted.Counts, latest.Counts)

	begin(t, s, acme, second, access.Roles)
	require.NoError(t, s.Quarantine(t.Context(), second, []string{"a test"}))
	next()
	require.Equal(t, store.StateQuarantined, stateOf(t, s, second))
	require.NoError(t, s.Discard(t.Context(), second, store.DiscardInput{State: store.StateDiscarded}))
	next()
	require.Equal(t, store.StateDiscarded, stateOf(t, s, second))

	policy := []byte(acme)
	hash := sha256.Sum256(policy)
	require.NoError(t, s.KeepPolicy(t.Context(), hex.EncodeToString(hash[:]), "policy.yaml", policy))
	next()
	_, _, err = s.PolicyOf(t.Context(), hex.EncodeToString(hash[:]))
	require.NoError(t, err)
	appended, err := s.Append(t.Context(), acme, note("grant/1", "request", 1))
	require.NoError(t, err)
	next()
	require.Equal(t, appended, walked(t, s, acme))
}

func stateOf(t *testing.T, s *store.Store, id string) string {
	t.Helper()
	p, err := s.Progress(t.Context(), id)
	require.NoError(t, err)
	return p.State
}

// The disk has what is told, and pages wait for it in neither database: the database itself says, row
// by row, how the transaction that wrote it will commit.
func TestDurable_WhatIsToldAndNotPages(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		watchCommits(db)
		begin(t, s, acme, "s1", access.Roles)
		require.Equal(t, []string{"durable"}, commits(db), "Begin")
		drain(t, s, "s1", access.Roles, 1, 1, smallWorld())
		require.Equal(t, []string{"later"}, commits(db), "pages")
		_, err := s.Drained(t.Context(), "s1", access.Roles, 1)
		require.NoError(t, err)
		require.Equal(t, []string{"durable"}, commits(db), "Drained")
		require.NoError(t, s.Quarantine(t.Context(), "s1", []string{"a test"}))
		require.Equal(t, []string{"durable"}, commits(db), "Quarantine")
		_, err = s.Promote(t.Context(), "s1", store.PromoteInput{Collections: []access.Collection{access.Roles}})
		require.NoError(t, err)
		require.Equal(t, []string{"durable"}, commits(db), "Promote")
		require.NoError(t, s.Note(t.Context(), "s1", "", store.Note{Text: "x", At: time.Now()}))
		begin(t, s, acme, "s2", access.Roles)
		commits(db)
		require.NoError(t, s.Discard(t.Context(), "s2", store.DiscardInput{State: store.StateFailed}))
		require.Equal(t, []string{"durable"}, commits(db), "Discard")
	})
}

// watchCommits records for each change of a snapshot or a drain how its transaction commits.
func watchCommits(db database) {
	db.t.Helper()
	statements := []string{`CREATE TABLE commits (how text)`}
	for _, table := range []string{"snapshots", "drains"} {
		for _, event := range []string{"INSERT", "UPDATE"} {
			statements = append(statements, `CREATE TRIGGER watch_`+table+event+` AFTER `+event+` ON `+table+` BEGIN
				INSERT INTO commits SELECT CASE synchronous WHEN 2 THEN 'durable' ELSE 'later' END
				FROM pragma_synchronous; END`)
		}
	}
	if onPostgres(db) {
		statements = []string{`CREATE TABLE commits (how text);
			CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				INSERT INTO commits SELECT CASE current_setting('synchronous_commit') WHEN 'on' THEN 'durable'
					ELSE 'later' END;
				RETURN NULL; END $$;
			CREATE TRIGGER watch AFTER INSERT OR UPDATE ON snapshots FOR EACH ROW EXECUTE FUNCTION watch();
			CREATE TRIGGER watch AFTER INSERT OR UPDATE ON drains FOR EACH ROW EXECUTE FUNCTION watch();`}
	}
	for _, statement := range statements {
		_, err := db.s.DB().ExecContext(db.t.Context(), statement)
		require.NoError(db.t, err)
	}
}

// commits lists the different ways to commit since the last call.
func commits(db database) (how []string) {
	db.t.Helper()
	ctx := context.WithoutCancel(db.t.Context())
	rows, err := db.s.DB().QueryContext(ctx, "SELECT DISTINCT how FROM commits ORDER BY how")
	require.NoError(db.t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var one string
		require.NoError(db.t, rows.Scan(&one))
		how = append(how, one)
	}
	require.NoError(db.t, rows.Err())
	_ = rows.Close() // the connection of SQLite is the only one
	_, err = db.s.DB().ExecContext(ctx, "DELETE FROM commits")
	require.NoError(db.t, err)
	return how
}
