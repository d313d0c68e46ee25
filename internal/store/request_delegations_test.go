package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

func newDelegation(by, to string, at, until time.Duration) access.Delegation {
	return access.Delegation{
		By: by, To: to, At: began.Add(at), Until: began.Add(until), Console: acme, Request: "delegate/1",
		Signed: access.Unsigned,
	}
}

// recordDelegations fills a ledger with delegations.
func recordDelegations(t *testing.T, s *store.Store, console string, n int) {
	t.Helper()
	for i := range n {
		appendTo(t, s, console, note(fmt.Sprintf("delegate/%d", i), "delegation", i))
	}
}

// The delegation with the highest ledger number wins, whatever the order of the writes.
func TestDelegations(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		in := func(q store.DelegationsQuery, at time.Duration) []access.Delegation {
			t.Helper()
			q.At = began.Add(at)
			if q.Console == "" {
				q.Console = acme
			}
			got, err := s.Delegations(t.Context(), q)
			require.NoError(t, err)
			return got
		}
		require.Equal(t, []access.Delegation{}, in(store.DelegationsQuery{}, 0))
		day := newDelegation(" Carol@Example.com", "dave@example.com", time.Hour, 24*time.Hour)
		week := newDelegation("carol@example.com", "Dave@example.com ", 2*time.Hour, 7*24*time.Hour)
		back := newDelegation("carol@example.com", "dave@example.com", 3*time.Hour, 2*time.Hour)
		other := newDelegation("erin@example.com", "dave@example.com", time.Hour, 24*time.Hour)
		third := newDelegation("carol@example.com", "erin@example.com", time.Hour, 24*time.Hour)
		elsewhere := newDelegation("carol@example.com", "dave@example.com", time.Hour, 24*time.Hour)
		elsewhere.Console = "other.example.com"
		recordDelegations(t, s, acme, 9)
		recordDelegations(t, s, elsewhere.Console, 4)
		for i, d := range []access.Delegation{day, other, third, elsewhere} {
			require.NoError(t, s.KeepDelegation(t.Context(), int64(i+1), d))
			require.NoError(t, s.KeepDelegation(t.Context(), int64(i+1), d), "again")
		}
		require.Equal(t, []access.Delegation{day, third, other}, in(store.DelegationsQuery{}, time.Hour))
		require.Empty(t, in(store.DelegationsQuery{}, time.Hour-1))
		require.Empty(t, in(store.DelegationsQuery{}, 24*time.Hour))
		toDave := store.DelegationsQuery{To: "DAVE@example.com"}
		require.Equal(t, []access.Delegation{day, other}, in(toDave, 2*time.Hour))
		ofErin := store.DelegationsQuery{By: []string{"Erin@example.com", "x@example.com"}}
		require.Equal(t, []access.Delegation{other}, in(ofErin, 2*time.Hour))
		require.Empty(t, in(store.DelegationsQuery{By: []string{}}, 2*time.Hour))
		require.Equal(t, []access.Delegation{elsewhere},
			in(store.DelegationsQuery{Console: "other.example.com"}, 2*time.Hour))

		require.NoError(t, s.KeepDelegation(t.Context(), 9, back))
		require.NoError(t, s.KeepDelegation(t.Context(), 8, week)) // an older entry, written late
		require.Equal(t, []access.Delegation{other}, in(toDave, 4*time.Hour), "a revoked delegation does not return")
	})
}

// A reader sees the delegations that the worker stores.
func TestDelegations_OtherConnection(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDelegation("carol@example.com", "dave@example.com", 0, time.Hour)
		recordDelegations(db.t, db.s, acme, 1)
		require.NoError(db.t, db.s.KeepDelegation(db.t.Context(), 1, d))
		reader, err := store.OpenReader(db.t.Context(), db.url)
		require.NoError(db.t, err)
		defer func() { require.NoError(db.t, reader.Close()) }()
		got, err := reader.Delegations(db.t.Context(), store.DelegationsQuery{Console: acme, At: began})
		require.NoError(db.t, err)
		require.Equal(db.t, []access.Delegation{d}, got)
	})
}
