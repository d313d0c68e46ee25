package claims_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// states are the claims of ana, as "op role: state", in the order of the ledger.
func (w *world) states() []string {
	w.Helper()
	var out []string
	for _, c := range w.claims() {
		out = append(out, fmt.Sprintf("%s %s: %s", c.Op, c.RoleID, c.State))
	}
	return out
}

// A permanent grant is a claim until a revoke, an offboarding or another role at its scope ends it.
func TestCatchUp_Permanent(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		r := w.requested("grant/1", access.OpGrant, soc, 0)
		r.done(access.OpGrant)
		r.closed("granted")
		require.Equal(w, []string{"grant 302: open"}, w.states())
		require.Zero(w, w.claim().Due)

		w.requested("grant/2", access.OpGrant, admin, 0).done(access.OpGrant)
		require.Equal(w, []string{"grant 302: superseded", "grant 303: open"}, w.states(), "another role at its scope")
		w.requested("revoke/3", access.OpRevoke, admin, 0).done(access.OpRevoke)
		require.Equal(w, []string{"grant 302: superseded", "grant 303: superseded", "revoke 303: closed"}, w.states())

		w.requested("grant/4", access.OpGrant, soc, 0).done(access.OpGrant)
		w.requested("offboard/5", access.OpReset, viewer, 0).done(access.OpReset)
		require.Equal(w, []string{
			"grant 302: superseded", "grant 303: superseded", "revoke 303: closed", "grant 302: superseded",
			"reset 301: open",
		}, w.states())
		w.requested("offboard/6", access.OpDelete, viewer, 0).done(access.OpDelete)
		require.Equal(w, "reset 301: superseded", w.states()[4])
	})
}

// A lease whose role was replaced claims nothing any more, and its end is not overdue.
func TestCatchUp_Lost(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		w.requested("grant/1", access.OpAcquire, soc, time.Hour).done(access.OpAcquire)
		w.requested("revoke/2", access.OpRevoke, soc, 0).done(access.OpRevoke)
		require.Equal(w, []string{"lease 302: lost", "revoke 302: closed"}, w.states())
		due, err := w.s.OverdueRuns(w.Context(), acme, w.now.Add(24*time.Hour), 10)
		require.NoError(w, err)
		require.Empty(w, due)
	})
}

// A role that was there before, and by no lease, stays behind a lease.
func TestCatchUp_HeldBefore(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		w.requested("grant/1", access.OpAcquire, viewer, time.Hour).done(access.OpAcquire)
		require.True(w, w.claim().WasHeld)
		w.requested("grant/2", access.OpAcquire, soc, time.Hour).done(access.OpAcquire)
		w.requested("grant/3", access.OpAcquire, soc, 2*time.Hour).done(access.OpAcquire)
		all := w.claims()
		require.Len(w, all, 3)
		require.False(w, all[1].WasHeld)
		require.False(w, all[2].WasHeld, "only another lease holds it")
	})
}

// Each scope of a request is a claim, with the id of its lease.
func TestCatchUp_Scopes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		r := w.requested("grant/1", access.OpAcquire, soc, time.Hour)
		plan := r.plan
		plan.Scopes = []access.ScopeRef{plan.Scope, {Level: access.SiteLevel, ID: "209"}}
		r = w.planned("grant/2", plan)
		r.done(access.OpAcquire)
		all := w.claims()
		require.Len(w, all, 2)
		require.Equal(w, []string{"grant/2#run", "grant/2#run+2"}, []string{all[0].ID, all[1].ID})
		require.Equal(w, "209", all[1].ScopeID)
		require.Equal(w, all[0].Due, all[1].Due)
	})
}

// Where the database is another one than it was, the claims are made again from the whole ledger.
func TestCatchUp_AfterARestore(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		w.requested("grant/1", access.OpAcquire, soc, time.Hour).done(access.OpAcquire)
		before := w.claims()
		head, err := w.s.ClaimsHead(w.Context(), acme)
		require.NoError(w, err)
		gone := store.Claim{
			ID: "grant/9#run", Op: store.ClaimLease, Holding: admin, Request: "grant/9", Run: "run",
			State: store.ClaimOpen, Principal: ledger.Subject{Kind: ana.Kind, ID: ana.ID}, Began: w.now,
		}
		saved, err := w.s.SaveClaims(w.Context(), acme, store.ClaimsUpdate{
			From: head, To: ledger.Head{Seq: head.Seq + 7, Hash: "of another day"}, Claims: []store.Claim{gone},
		})
		require.NoError(w, err)
		require.True(w, saved)
		require.Equal(w, before, w.claims())
		again, err := w.s.ClaimsHead(w.Context(), acme)
		require.NoError(w, err)
		require.Equal(w, head, again)
	})
}

// Several workers bring the claims up to date at the same time, while requests come in.
func TestCatchUp_SeveralWorkers(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		var workers errgroup.Group
		for i := range 8 {
			w.requested(fmt.Sprintf("grant/%d", i), access.OpAcquire, soc, time.Hour).done(access.OpAcquire)
			workers.Go(func() error { return w.p.CatchUp(w.Context()) })
		}
		require.NoError(w, workers.Wait())
		require.Len(w, w.claims(), 8)
		head, err := w.s.ClaimsHead(w.Context(), acme)
		require.NoError(w, err)
		last, err := w.s.LedgerHead(w.Context(), acme)
		require.NoError(w, err)
		require.Equal(w, last.Seq, head.Seq)
	})
}

// An entry that no worker has written gives no right: what it names is a claim that is not authorized, and a changed
// proof of a release ends nothing.
func TestCatchUp_Forged(t *testing.T) {
	t.Parallel()
	url := sqliteURL(t)
	w := newWorld(t, url)
	given := w.requested("grant/1", access.OpAcquire, soc, time.Hour)
	given.done(access.OpAcquire)
	given.done(access.OpRelease)
	w.requested("grant/2", access.OpAcquire, admin, time.Hour).done(access.OpAcquire)
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite://"))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	for _, statement := range []string{
		"DROP TRIGGER ledger_no_update",
		`UPDATE ledger SET body = replace(body, '"op":"release"', '"op": "release"')
		 WHERE key = 'grant/1#run/release/proof'`,
		"UPDATE ledger SET body = body || ' ' WHERE request = 'grant/2'",
	} {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	all := w.claims()
	require.Len(t, all, 2)
	require.Equal(t, store.ClaimOpen, all[0].State, "its release is not believed")
	require.True(t, all[0].Authorized)
	require.Equal(t, admin, all[1].Holding)
	require.False(t, all[1].Authorized)
}
