package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/store"
)

// Many append to one chain at once, through two stores on one database as two processes
// would, and a second time as a retry would: no entry is lost, doubled or forked.
func TestAppend_AtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t := db.t
		const appenders, each = 8, 20
		stores := []*store.Store{db.s, open(t, db.url)}
		group, ctx := errgroup.WithContext(t.Context())
		for a := range appenders {
			// Two of a kind write the same keys, each through another store.
			group.Go(func() error { return appendSteps(ctx, stores[a%2], fmt.Sprintf("grant/%d", a/2), each) })
			group.Go(func() error { return verifyMeanwhile(ctx, stores[a%2]) })
		}
		require.NoError(t, group.Wait())
		r := verified(t, db.s, acme)
		require.Empty(t, r.Faults)
		require.Equal(t, int64(appenders/2*each*2), r.Entries)
		for a := range appenders / 2 {
			of, err := db.s.LedgerOf(t.Context(), acme, fmt.Sprintf("grant/%d", a))
			require.NoError(t, err)
			require.Len(t, of, each*2)
		}
	})
}

// appendSteps appends pairs of entries one after the other.
func appendSteps(ctx context.Context, s *store.Store, request string, steps int) error {
	for i := range steps {
		before, after := note(request, fmt.Sprintf("write%d", i), i), note(request, fmt.Sprintf("readback%d", i), i)
		out, err := s.Append(ctx, acme, before, after)
		if err != nil {
			return err
		}
		if out[0].Key != before.Key || out[1].Seq != out[0].Seq+1 || out[1].Prev != out[0].Hash {
			return fmt.Errorf("%s: the two do not stand side by side: %+v", request, out)
		}
	}
	return nil
}

// verifyMeanwhile looks while others append: what it sees is whole.
func verifyMeanwhile(ctx context.Context, s *store.Store) error {
	for range 5 {
		r, err := s.VerifyLedger(ctx, acme)
		if err != nil {
			return err
		}
		if len(r.Faults) > 0 {
			return fmt.Errorf("faults while others append: %+v", r.Faults)
		}
	}
	return nil
}

// A promotion under way does not hold up the ledger, nor one console another.
func TestAppend_BesidePromotion(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		if !onPostgres(db) {
			return // one writer at a time, whatever it does
		}
		tx, err := s.DB().BeginTx(t.Context(), nil)
		require.NoError(t, err)
		for _, lock := range []string{"sentinelone " + acme, "sentinelone-ledger other.example.com"} {
			_, err = tx.ExecContext(t.Context(), "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", lock)
			require.NoError(t, err)
		}
		appendTo(t, s, acme, note("grant/1", "request", 1))
		require.NoError(t, tx.Rollback())
	})
}
