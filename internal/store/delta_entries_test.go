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

// record appends an entry to the ledger of a console.
func record(db database, console string, n int, body ledger.Body) int64 {
	db.t.Helper()
	return appendTo(db.t, db.s, console, entry(n, body))[0].Seq
}

func entry(n int, body ledger.Body) ledger.NewEntry {
	request := fmt.Sprintf("grant/%d", n)
	change := request + "#run/acquire"
	key := map[ledger.Kind]string{
		ledger.KindWrite: ledger.WriteKey(change, 0), ledger.KindAnswer: ledger.AnswerKey(change, 0),
		ledger.KindProof: ledger.ProofKey(change), ledger.KindOverdue: ledger.OverdueKey(change),
	}[body.Kind()]
	return ledger.NewEntry{Request: request, Key: key, At: began, Body: body}
}

// Writes of ours are found by the numbers of their entries, whenever they were made, and by the times of claims.
func TestPrincipalsWrittenSince(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		user := func(id string) *ledger.Subject { return &ledger.Subject{Kind: access.User, ID: id} }
		record(db, acme, 1, ledger.Write{Principal: user("1")})
		from := record(db, acme, 2, ledger.Proof{Principal: user("2")})
		record(db, acme, 3, ledger.Write{Principal: user("3")})
		record(db, acme, 4, ledger.Answer{Principal: &ledger.Subject{Kind: access.ServiceUser, ID: "4"}})
		record(db, acme, 5, ledger.Proof{Principal: user("3")})
		record(db, acme, 6, ledger.Overdue{Principal: access.PrincipalRef{Kind: access.User, ID: "6"}})
		last := record(db, acme, 7, ledger.Proof{})
		for n := range last {
			record(db, "other.sentinelone.net", 8+int(n), ledger.Proof{Principal: user("8")})
		}
		written := func(since time.Time, entry int64, limit int) []store.PrincipalRef {
			got, err := db.s.PrincipalsWrittenSince(db.t.Context(), acme, since, entry, limit)
			require.NoError(db.t, err)
			return got
		}
		late := began.Add(time.Hour)
		behind := []store.PrincipalRef{{Kind: access.ServiceUser, ID: "4"}, {Kind: access.User, ID: "3"}}
		require.Equal(db.t, behind, written(late, from, 10))
		require.Equal(db.t, behind[:1], written(late, from, 1))
		require.Empty(db.t, written(late, last, 10))

		saved, err := db.s.SaveClaims(db.t.Context(), acme, store.ClaimsUpdate{
			To: ledger.Head{Seq: 1, Hash: "one"}, Claims: []store.Claim{{
				ID: "grant/9#run", Op: store.ClaimGrant, Request: "grant/9", Run: "run", State: store.ClaimOpen,
				Entry: 1, Holding: carolOslo, Principal: *user("9"), Began: late,
			}},
		})
		require.NoError(db.t, err)
		require.True(db.t, saved)
		require.Equal(db.t, append(behind, store.PrincipalRef{Kind: access.User, ID: "9"}), written(late, from, 10))
		require.Equal(db.t, behind, written(late.Add(time.Second), from, 10))
	})
}

// A feed that is read knows the last entry of the ledger as of before it was read: of a delta sync the one that it
// says, of a full sync the one at its mark.
func TestFeed_Entry(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDeltaStore(db)
		require.Zero(d.t, d.feed().Entry)
		require.Zero(d.t, d.feed().LastEntry)
		first := record(db, acme, 1, ledger.Proof{})
		record(db, "other.sentinelone.net", 2, ledger.Proof{})
		require.Zero(d.t, d.feed().Entry)
		require.Equal(d.t, first, d.feed().LastEntry)
		feed := d.feed()
		second := record(db, acme, 3, ledger.Proof{})
		_, err := d.s.ApplyDelta(d.t.Context(), store.DeltaInput{
			Console: acme, ID: "d1", Base: feed.Base, Feed: store.FeedProgress{ReadAt: began, Entry: feed.LastEntry},
		})
		require.NoError(d.t, err)
		require.Equal(d.t, first, d.feed().Entry)

		begin(d.t, d.s, acme, "s02")
		require.NoError(d.t, d.s.MarkFeed(d.t.Context(), acme, store.FeedMark{Snapshot: "s02", TakenAt: began}))
		third := record(db, acme, 4, ledger.Proof{})
		for _, c := range access.Collections() {
			drain(d.t, d.s, "s02", c, 1, 10, d.truth)
		}
		promote(d.t, d.s, "s02", access.Collections()...)
		require.Equal(d.t, first, d.feed().Entry, "until the full sync has shown everything up to its mark")
		d.measure("s02")
		require.Equal(d.t, second, d.feed().Entry)
		require.Equal(d.t, third, d.feed().LastEntry)
	})
}

// A feed of an earlier version goes on from the last entry: nobody is refetched for what syncs have shown long ago.
func TestMigrate_FeedEntries(t *testing.T) {
	t.Parallel()
	onBothURLs(t, func(t *testing.T, url string) {
		t.Helper()
		old, err := store.OpenAt(t.Context(), url, 12)
		require.NoError(t, err)
		last := appendTo(t, old, acme, entry(1, ledger.Proof{}))
		for _, console := range []string{acme, "other.sentinelone.net"} {
			change(t, old, `INSERT INTO activity_feeds (console, why, types, watermark, read_at, counted, changed,
				mark, mark_at, mark_of, adopted, measured_of)
				VALUES ($1, '', '[]', 1, 1, '', 0, 1, 1, 's1', '', '')`, console)
		}
		require.NoError(t, old.Close())
		s := open(t, url)
		f, err := s.Feed(t.Context(), acme, "")
		require.NoError(t, err)
		require.Equal(t, last[0].Seq, f.Entry)
		f, err = s.Feed(t.Context(), "other.sentinelone.net", "")
		require.NoError(t, err)
		require.Zero(t, f.Entry)
	})
}
