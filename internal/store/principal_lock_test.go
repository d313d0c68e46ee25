package store_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

const anaUser = "user/1"

func cancelledEntry(n string) ledger.NewEntry {
	run := ledger.Run{Request: "grant/" + n, ID: "run"}
	return ledger.NewEntry{
		Request: run.Request, Key: run.CancelledKey(),
		Body: ledger.Cancelled{Change: access.ChangeKey(run.String(), access.OpAcquire)},
	}
}

// Of two processes, one holds the lock of a principal at a time; other principals and
// consoles are not concerned.
func TestLockPrincipal_OneHolder(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		ctx, other := db.t.Context(), open(db.t, db.url)
		held, err := db.s.LockPrincipal(ctx, acme, anaUser)
		require.NoError(db.t, err)
		for _, s := range []*store.Store{db.s, other} {
			_, err = s.LockPrincipal(ctx, acme, anaUser)
			require.ErrorIs(db.t, err, store.ErrLocked)
		}
		for console, subject := range map[string]string{acme: "serviceUser/1", "other.sentinelone.net": anaUser} {
			l, err := other.LockPrincipal(ctx, console, subject)
			require.NoError(db.t, err)
			require.NoError(db.t, l.Release(ctx))
		}
		_, err = held.Append(ctx, cancelledEntry("1"))
		require.NoError(db.t, err)
		require.NoError(db.t, held.Release(ctx))
		again, err := other.LockPrincipal(ctx, acme, anaUser)
		require.NoError(db.t, err)
		require.NoError(db.t, held.Release(ctx), "a second release does not end another's lock")
		_, err = db.s.LockPrincipal(ctx, acme, anaUser)
		require.ErrorIs(db.t, err, store.ErrLocked)
		require.NoError(db.t, again.Release(ctx))
	})
}

// Of many attempts at once, one gets the lock.
func TestLockPrincipal_ManyAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		var taken atomic.Int64
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := db.s.LockPrincipal(db.t.Context(), acme, anaUser); err == nil {
					taken.Add(1)
				}
			})
		}
		all.Wait()
		require.EqualValues(db.t, 1, taken.Load())
	})
}

// A lock that was not renewed ends. Its holder announces no write any more, also after
// another has released the lock.
func TestLockPrincipal_Lost(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		ctx := db.t.Context()
		first, err := db.s.LockPrincipal(ctx, acme, anaUser)
		require.NoError(db.t, err)
		db.expireLocks(time.Hour)
		second, err := db.s.LockPrincipal(ctx, acme, anaUser)
		require.NoError(db.t, err, "it has ended")
		_, err = first.Append(ctx, cancelledEntry("1"))
		require.ErrorIs(db.t, err, store.ErrLockLost)
		_, err = second.Append(ctx, cancelledEntry("2"))
		require.NoError(db.t, err)
		require.NoError(db.t, second.Release(ctx))
		_, err = first.Append(ctx, cancelledEntry("1"))
		require.ErrorIs(db.t, err, store.ErrLockLost)
		entries, err := db.s.LedgerOf(ctx, acme, "grant/1")
		require.NoError(db.t, err)
		require.Empty(db.t, entries)
		require.NoError(db.t, first.Release(ctx))
	})
}

// expireLocks makes the locks end as if they had not been renewed for that time.
func (db database) expireLocks(by time.Duration) {
	db.t.Helper()
	_, err := db.s.DB().ExecContext(db.t.Context(), "UPDATE principal_locks SET until = until - $1", by.Microseconds())
	require.NoError(db.t, err)
}
