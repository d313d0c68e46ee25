package sync

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// endedFixture is a synced console on which requests of ours have ended access.
type endedFixture struct {
	*syncFixture

	looked int           // how often the claims were brought up to date
	broken error         // of that
	ended  []store.Claim // what the ledger says
}

// onBothDatabases runs a test on a fresh SQLite and on a fresh PostgreSQL database.
func onBothDatabases(t *testing.T, test func(f *endedFixture)) {
	t.Helper()
	urls := map[string]func(testing.TB) string{
		"sqlite": sqliteURL, "postgres": pgtest.URL,
	}
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := attempttest.Console(t, consoletest.Options{})
			db, err := store.Open(t.Context(), url(t))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, db.Close()) })
			f := &endedFixture{syncFixture: &syncFixture{
				t: t, console: server, store: db, sync: New(client, db, Guard{MaxPercent: 25, MinRows: 10}),
			}}
			f.sync.ExplainingLosses(f.catchUp)
			require.Equal(t, "promoted", f.syncAll("s1").State)
			test(f)
		})
	}
}

func sqliteURL(tb testing.TB) string {
	tb.Helper()
	return "sqlite://" + filepath.Join(tb.TempDir(), "store.db")
}

// catchUp puts what the ledger says into the claims.
func (f *endedFixture) catchUp(ctx context.Context) error {
	f.looked++
	if f.broken != nil || f.looked > 1 {
		return f.broken
	}
	update := store.ClaimsUpdate{To: ledger.Head{Seq: 1, Hash: "one"}, Claims: f.ended}
	_, err := f.store.SaveClaims(ctx, f.sync.console.Console(), update)
	return err
}

// deleteUsers deletes n users, and puts on record that requests have deleted the first of them.
func (f *endedFixture) deleteUsers(n, ours int) {
	for i, id := range f.console.RemoveUsers(n) {
		if i >= ours {
			return
		}
		name := fmt.Sprintf("offboard/%d", i)
		f.ended = append(f.ended, store.Claim{
			ID: name + "#run", Op: store.ClaimDelete, Request: name, Run: "run",
			Principal: ledger.Subject{Kind: access.User, ID: id}, State: store.ClaimClosed, Entry: int64(i + 1),
			Proven: true, Authorized: true, Began: time.Now(), ClosedAt: time.Now(),
		})
	}
}

// release puts on record that a lease was released.
func (f *endedFixture) release(i int, id string, h access.Holding) {
	name := fmt.Sprintf("grant/%d", i)
	f.ended = append(f.ended, store.Claim{
		ID: name + "#run", Op: store.ClaimLease, Holding: h, Request: name, Run: "run",
		Principal: ledger.Subject{Kind: access.User, ID: id}, State: store.ClaimClosed, Entry: int64(i + 1),
		Proven: true, Authorized: true, Began: time.Now(), Due: time.Now(), Why: "end", ClosedAt: time.Now(),
	})
}

// What requests on record have ended is no mass loss, however much it is.
func TestSettle_EndedByRequestsIsPromoted(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(f *endedFixture) {
		f.deleteUsers(20, 20)
		got := f.syncAll("s2")
		require.Empty(f.t, got.Reasons)
		require.Equal(f.t, "promoted", got.State)
		require.Zero(f.t, got.Counts["users"], "nobody is left, as requested")
		require.Equal(f.t, 1, f.looked)
		f.requireTruth()
	})
}

// Many leases that end between two syncs are no mass loss; the same roles taken by hand are one.
func TestSettle_ReleasedLeasesArePromoted(t *testing.T) {
	t.Parallel()
	for name, released := range map[string]bool{"released": true, "by hand": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBothDatabases(t, func(f *endedFixture) {
				truth := f.console.Truth()
				keeps := access.HeldRole{RoleID: truth.Roles[0].ID, ScopeID: truth.Sites[0].ID}
				leased := access.HeldRole{RoleID: truth.Roles[0].ID, ScopeID: truth.Sites[1].ID}
				ids := make([]string, 60)
				for i := range ids {
					id, err := f.console.AddUser(access.Principal{
						Level: access.SiteLevel, Held: []access.HeldRole{keeps, leased},
					})
					require.NoError(f.t, err)
					ids[i] = id
				}
				require.Equal(f.t, "promoted", f.syncAll("s2").State)
				for i, id := range ids {
					require.NoError(f.t, f.console.TakeRole(access.User, id, access.SiteLevel, leased))
					if released {
						f.release(i, id, access.Holding{
							Level: access.SiteLevel, RoleID: leased.RoleID, ScopeID: leased.ScopeID,
						})
					}
				}
				got := f.syncAll("s3")
				require.Equal(f.t, len(ids), got.Removed)
				if !released {
					require.Equal(f.t, wire.SettledQuarantined, got.State)
					require.Contains(f.t, fmt.Sprint(got.Reasons), "60 of ")
					return
				}
				require.Equal(f.t, "promoted", got.State)
				f.requireTruth()
			})
		})
	}
}

// A loss that nothing explains is held back although requests have ended more: what they ended makes it no smaller.
func TestSettle_LossBesideWhatRequestsEndedIsQuarantined(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(f *endedFixture) {
		f.deleteUsers(19, 8)
		before := f.kept()
		got := f.syncAll("s2")
		require.Equal(f.t, wire.SettledQuarantined, got.State)
		require.Contains(f.t, got.Reasons,
			"11 of 12 users would be gone (more than 25 %), beside 8 that requests have ended")
		require.Equal(f.t, before, f.kept())
	})
}

// The last of a list are missed too, where requests have deleted the others.
func TestSettle_LastBesideWhatRequestsEndedAreQuarantined(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(f *endedFixture) {
		f.deleteUsers(20, 19)
		got := f.syncAll("s2")
		require.Equal(f.t, wire.SettledQuarantined, got.State)
		require.Contains(f.t, got.Reasons, "all 1 users would be gone, beside 19 that requests have ended")
	})
}

// Where the claims cannot be brought up to date, all of a loss counts.
func TestSettle_UnknownClaimsExplainNothing(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(f *endedFixture) {
		f.broken = errors.New("an entry of the ledger cannot be read")
		f.deleteUsers(12, 12)
		got := f.syncAll("s2")
		require.Equal(f.t, wire.SettledQuarantined, got.State)
		require.Contains(f.t, got.Reasons, "12 of 20 users would be gone (more than 25 %)")
	})
}

// A sync without a large loss does not look at the ledger for it.
func TestSettle_SmallLossIsNotExplained(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(f *endedFixture) {
		f.deleteUsers(2, 0)
		require.Equal(f.t, "promoted", f.syncAll("s2").State)
		require.Zero(f.t, f.looked)
	})
}
