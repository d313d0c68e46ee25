package claims_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/store"
)

// sync receives ana, as the console shows her, and another user; ana is gone where deleted.
func (w *world) sync(id string, deleted bool) {
	w.Helper()
	w.later(time.Hour)
	ctx := w.Context()
	require.NoError(w, w.s.Begin(ctx, store.BeginInput{
		Console: acme, ID: id, Collections: []access.Collection{access.Users}, StartedAt: w.now,
	}))
	_, err := w.s.StartDrain(ctx, id, access.Users, 1)
	require.NoError(w, err)
	list := []access.Entity{access.Principal{
		Kind: access.User, ID: "402", Email: "bob@example.com", Name: "Bob", Level: access.Tenant,
		Held: []access.HeldRole{{RoleID: "301"}},
	}}
	if !deleted {
		list = append(list, access.Principal{
			Kind: ana.Kind, ID: ana.ID, Email: ana.Email, Name: "Ana", Level: w.shown.Level, Held: w.shown.Held,
		})
	}
	require.NoError(w, w.s.SavePage(ctx, store.SavePageInput{
		Snapshot: id, Collection: access.Users, Attempt: 1, Last: true, Requests: 1, Entities: list,
	}))
	for more := true; more; {
		more, err = w.s.LoadPage(ctx, id, access.Users, 1)
		require.NoError(w, err)
	}
	w.later(time.Hour)
}

func (w *world) promote(id string) {
	w.Helper()
	_, err := w.s.Promote(w.Context(), id, store.PromoteInput{Collections: []access.Collection{access.Users}})
	require.NoError(w, err)
}

// lost brings the claims up to date, and says what a snapshot would drop: users and assignments, as "gone/explained".
func (w *world) lost(id string) (out string) {
	w.Helper()
	require.NoError(w, w.p.CatchUp(w.Context()))
	a, err := w.s.Assess(w.Context(), id)
	require.NoError(w, err)
	losses, err := w.s.ExplainLosses(w.Context(), id, a.Losses)
	require.NoError(w, err)
	for _, l := range losses {
		out += fmt.Sprintf("%s %d/%d ", l.What, l.Gone, l.Explained)
	}
	return strings.TrimSpace(out)
}

// A loss is explained by the ledger: by leases that were released, by a revoke and by an offboarding.
func TestLosses_EndedByRequests(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		lease := w.requested("grant/1", access.OpAcquire, soc, time.Hour)
		lease.done(access.OpAcquire)
		other := access.Holding{Level: access.SiteLevel, RoleID: "303", ScopeID: "202"}
		w.requested("grant/2", access.OpGrant, other, 0).done(access.OpGrant)
		w.sync("s1", false)
		w.promote("s1")

		lease.done(access.OpRelease)
		w.requested("revoke/3", access.OpRevoke, other, 0).done(access.OpRevoke)
		w.sync("s2", false)
		require.Equal(w, "users 0/0 assignments 2/2", w.lost("s2"))
		w.promote("s2")

		held := w.shown
		w.shown = holdings(admin) // by hand
		w.sync("s3", false)
		require.Equal(w, "users 0/0 assignments 1/0", w.lost("s3"))

		w.shown = held
		w.requested("offboard/4", access.OpDelete, viewer, 0).done(access.OpDelete)
		w.sync("s4", true)
		require.Equal(w, "users 1/1 assignments 1/1", w.lost("s4"))
	})
}

// A release that found its role replaced by hand, or left it to another lease, has not ended it.
func TestLosses_ReleaseThatTookNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		first := w.requested("grant/1", access.OpAcquire, soc, time.Hour)
		first.done(access.OpAcquire)
		second := w.requested("grant/2", access.OpAcquire, soc, 9*time.Hour)
		second.done(access.OpAcquire)
		w.sync("s1", false)
		w.promote("s1")
		first.done(access.OpRelease) // the second one keeps the role
		w.shown = holdings(viewer)   // by hand
		w.sync("s2", false)
		require.Equal(w, "users 0/0 assignments 1/0", w.lost("s2"))
		second.done(access.OpRelease) // and finds it gone
		require.Equal(w, "users 0/0 assignments 1/0", w.lost("s2"))
	})
}

// What no worker has written explains no loss.
func TestLosses_ForgedReleaseExplainsNothing(t *testing.T) {
	t.Parallel()
	databases := map[string]struct {
		url         func(testing.TB) string
		driver, off string
	}{
		"sqlite":   {sqliteURL, "sqlite", "DROP TRIGGER ledger_no_update"},
		"postgres": {pgtest.URL, "pgx", "ALTER TABLE ledger DISABLE TRIGGER USER"},
	}
	for name, on := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := on.url(t)
			w := newWorld(t, url)
			leases := []request{
				w.requested("grant/0", access.OpAcquire, soc, time.Hour),
				w.requested("grant/1", access.OpAcquire,
					access.Holding{Level: access.SiteLevel, RoleID: "302", ScopeID: "202"}, time.Hour),
			}
			for _, r := range leases {
				r.done(access.OpAcquire)
			}
			w.sync("s1", false)
			w.promote("s1")
			for _, r := range leases {
				r.done(access.OpRelease)
			}
			w.forge(on.driver, strings.TrimPrefix(url, "sqlite://"), on.off,
				`UPDATE ledger SET body = replace(body, '"op":"release"', '"op": "release"')
				 WHERE key = 'grant/1#run/release/proof'`)
			w.sync("s2", false)
			require.Equal(t, "users 0/0 assignments 2/1", w.lost("s2"))
		})
	}
}

// forge runs statements past the store.
func (w *world) forge(driver, dsn string, statements ...string) {
	w.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(w, err)
	defer func() { require.NoError(w, db.Close()) }()
	for _, statement := range statements {
		result, err := db.ExecContext(context.WithoutCancel(w.Context()), statement)
		require.NoError(w, err)
		if strings.HasPrefix(statement, "UPDATE") {
			n, err := result.RowsAffected()
			require.NoError(w, err)
			require.Equal(w, int64(1), n)
		}
	}
}
