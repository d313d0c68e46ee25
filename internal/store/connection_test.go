package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// The evidence of a console is the newest, in whatever order checks end.
func TestConnectionCheck(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		kept := func(console string) string {
			evidence, err := db.s.ConnectionCheck(t.Context(), console)
			require.NoError(t, err)
			return string(evidence)
		}
		require.Empty(t, kept(acme))
		for _, c := range []struct {
			after      time.Duration
			keep, want string
		}{{0, "a", "a"}, {time.Minute, "b", "b"}, {time.Second, "late", "b"}, {time.Minute, "c", "c"}} {
			err := db.s.KeepConnectionCheck(t.Context(), acme, began.Add(c.after), []byte(c.keep))
			require.NoError(t, err)
			require.Equal(t, c.want, kept(acme))
		}
		require.Empty(t, kept("other.sentinelone.net"))
		require.NoError(t, db.s.Ping(t.Context()))
	})
}

// The tail of the ledger is its newest entries in their order, and the latest proof is found behind others.
func TestLedgerPage_Newest(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		tail := func(after int64, limit int) (seqs []int64) {
			found, err := db.s.LedgerPage(t.Context(), store.LedgerPageQuery{
				Console: acme, After: after, Limit: limit, Newest: true,
			})
			require.NoError(t, err)
			for _, e := range found {
				seqs = append(seqs, e.Seq)
			}
			return seqs
		}
		_, found, err := db.s.LatestProof(t.Context(), acme)
		require.NoError(t, err)
		require.False(t, found)
		for n := range 5 {
			appendTo(t, db.s, acme, note(fmt.Sprintf("grant/%d", n), "request", map[string]int{"n": n}))
		}
		appendTo(t, db.s, acme, note("grant/0", string(ledger.KindProof), map[string]int{}),
			note("grant/1", string(ledger.KindProof), map[string]int{}), note("grant/9", "request", map[string]int{}))
		appendTo(t, db.s, "other.sentinelone.net", note("grant/7", "request", map[string]int{}))
		require.Equal(t, []int64{1, 2, 3, 4, 5, 6, 7, 8}, tail(0, 100))
		require.Equal(t, []int64{7, 8}, tail(0, 2))
		require.Equal(t, []int64{8}, tail(7, 2))
		require.Empty(t, tail(8, 2))
		proof, found, err := db.s.LatestProof(t.Context(), acme)
		require.NoError(t, err)
		require.True(t, found)
		require.EqualValues(t, 7, proof.Seq)
	})
}

// Snapshots are listed whatever became of them, and tokens of service users as the latest proven one has them.
func TestLatestSnapshots_AndTokens(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		w := smallWorld()
		ends := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
		ci := w.principals["501"]
		ci.TokenExpiresAt = &ends
		w.principals["501"] = ci
		w.principals["502"] = access.Principal{
			Kind: access.ServiceUser, ID: "502", Name: "no token", Level: access.Tenant,
			Held: []access.HeldRole{{RoleID: "301"}},
		}
		syncOnce(t, db.s, acme, "s1", w)
		begin(t, db.s, acme, "s2")
		err := db.s.Discard(t.Context(), "s2", store.DiscardInput{Why: "cancelled", State: store.StateFailed})
		require.NoError(t, err)
		later := w.clone()
		ci.TokenExpiresAt = new(ends.AddDate(1, 0, 0))
		later.principals["501"] = ci
		receive(t, db.s, acme, "s3", later)
		tokens := func() (out []access.Principal) {
			require.NoError(t, db.s.ServiceUserTokens(t.Context(), acme, func(p access.Principal) error {
				out = append(out, p)
				return nil
			}))
			return out
		}
		proven, err := db.s.FullyProven(t.Context(), acme)
		require.NoError(t, err)
		require.Len(t, proven, len(access.Collections()))
		require.Len(t, tokens(), 1)
		require.True(t, ends.Equal(*tokens()[0].TokenExpiresAt), "what is not proven does not count")
		states := func(limit int) (out []string) {
			all, err := db.s.LatestSnapshots(t.Context(), acme, limit)
			require.NoError(t, err)
			for _, s := range all {
				out = append(out, s.ID+" "+s.State)
			}
			return out
		}
		require.Equal(t, []string{"s1 promoted", "s2 failed", "s3 draining"}, states(10))
		require.Equal(t, []string{"s3 draining"}, states(1))
		promote(t, db.s, "s3")
		require.True(t, ends.AddDate(1, 0, 0).Equal(*tokens()[0].TokenExpiresAt))
	})
}
