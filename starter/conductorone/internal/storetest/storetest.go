// Package storetest puts proven snapshots of small consoles into stores, for tests.
package storetest

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// Console is the host of the console.
const Console = "acmeco.sentinelone.net"

// World is what a console holds.
type World struct {
	Accounts   []access.Account
	Sites      []access.Site
	Roles      []access.Role
	Principals []access.Principal
}

// Small is a console with two accounts, four sites of which two have one name, three roles of which two have one
// name, three users and a service user.
func Small() World {
	joined := time.Date(2025, 3, 1, 8, 0, 0, 0, time.UTC)
	return World{
		Accounts: []access.Account{
			{ID: "101", Name: "Acme", State: "active"}, {ID: "102", Name: "Globex", State: "active"},
		},
		Sites: []access.Site{
			{ID: "201", Name: "Berlin", AccountID: "101", AccountName: "Acme"},
			{ID: "202", Name: "Oslo", AccountID: "101", AccountName: "Acme"},
			{ID: "203", Name: "Berlin", AccountID: "102", AccountName: "Globex"},
			{ID: "204", Name: "Rome", AccountID: "102", AccountName: "Globex"},
		},
		Roles: []access.Role{
			{ID: "301", Name: "Admin", Predefined: true, Scope: access.Tenant},
			{ID: "302", Name: "SOC", Predefined: true, Scope: access.Tenant},
			{ID: "303", Name: "SOC", Scope: access.AccountLevel, ScopeID: "101", Description: "custom"},
		},
		Principals: []access.Principal{
			{
				Kind: access.User, ID: "401", Email: "ana@example.com", Name: "Ana Maria Example", Level: access.Tenant,
				Source: "mgmt", TwoFAEnabled: true, CreatedAt: &joined, LastActiveAt: &joined,
				Held: []access.HeldRole{{RoleID: "301"}, {RoleID: "303"}},
			},
			{
				Kind: access.User, ID: "402", Email: "bob@example.com", Name: "Bob", Level: access.AccountLevel,
				Source: "sso_saml", RolesReadOnly: true,
				Held: []access.HeldRole{{RoleID: "303", ScopeID: "101"}, {RoleID: "302", ScopeID: "101"}},
			},
			{
				Kind: access.User, ID: "403", Email: "carol@example.com", Name: "Carol Example",
				Level: access.SiteLevel,
				Held:  []access.HeldRole{{RoleID: "302", ScopeID: "203"}, {RoleID: "302", ScopeID: "201"}},
			},
			{
				Kind: access.ServiceUser, ID: "501", Name: "pipeline", Level: access.SiteLevel,
				Held: []access.HeldRole{{RoleID: "302", ScopeID: "202"}},
			},
		},
	}
}

// Open makes a store in a file of its own, and its address.
func Open(tb testing.TB) (*store.Store, string) {
	tb.Helper()
	url := "sqlite://" + filepath.Join(tb.TempDir(), "test.db")
	s, err := store.Open(tb.Context(), url)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s, url
}

// Sync promotes a snapshot of the collections, or of all.
func Sync(tb testing.TB, s *store.Store, id string, at time.Time, w World, of ...access.Collection) {
	tb.Helper()
	of = Drain(tb, s, id, at, w, of...)
	p, err := s.Promote(tb.Context(), id, store.PromoteInput{Collections: of})
	require.NoError(tb, err)
	require.Empty(tb, p.Moved)
}

// Delta promotes what a delta sync has received of principals, and nothing else.
func Delta(tb testing.TB, s *store.Store, id string, at time.Time, received ...access.Principal) {
	tb.Helper()
	parts := map[access.Collection]store.DeltaPart{}
	for _, p := range received {
		parts[p.In()] = store.DeltaPart{Entities: append(parts[p.In()].Entities, p)}
	}
	DeltaOf(tb, s, id, at, parts)
}

// DeltaOf promotes what a delta sync has received.
func DeltaOf(
	tb testing.TB, s *store.Store, id string, at time.Time, parts map[access.Collection]store.DeltaPart,
) {
	tb.Helper()
	feed, err := s.Feed(tb.Context(), Console, "")
	require.NoError(tb, err)
	out, err := s.ApplyDelta(tb.Context(), store.DeltaInput{
		Console: Console, ID: id, StartedAt: at, Base: feed.Base, Parts: parts, Feed: store.FeedProgress{ReadAt: at},
	})
	require.NoError(tb, err)
	require.Equal(tb, store.StatePromoted, out.State)
}

// PromotedAt moves the time of a promotion, in a store at an address of [Open].
func PromotedAt(tb testing.TB, url, id string, at time.Time) {
	tb.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite://"))
	require.NoError(tb, err)
	_, err = db.ExecContext(tb.Context(), "UPDATE snapshots SET promoted_at = $1 WHERE id = $2", at.UnixMicro(), id)
	require.NoError(tb, err)
	require.NoError(tb, db.Close())
}

// Drain receives a snapshot and leaves it undecided.
func Drain(
	tb testing.TB, s *store.Store, id string, at time.Time, w World, of ...access.Collection,
) []access.Collection {
	tb.Helper()
	if len(of) == 0 {
		of = access.Collections()
	}
	require.NoError(tb, s.Begin(tb.Context(), store.BeginInput{
		Console: Console, ID: id, Collections: of, StartedAt: at, WorkflowID: "sync/" + Console,
	}))
	for _, c := range of {
		drain(tb, s, id, c, w.of(c))
	}
	return of
}

func drain(tb testing.TB, s *store.Store, id string, c access.Collection, rows []access.Entity) {
	tb.Helper()
	_, err := s.StartDrain(tb.Context(), id, c, 1)
	require.NoError(tb, err)
	total := len(rows)
	require.NoError(tb, s.SavePage(tb.Context(), store.SavePageInput{
		Snapshot: id, Collection: c, Attempt: 1, Last: true, Total: &total, Entities: rows,
	}))
	for more := true; more; {
		more, err = s.LoadPage(tb.Context(), id, c, 1)
		require.NoError(tb, err)
	}
}

func (w World) of(c access.Collection) (out []access.Entity) {
	switch c {
	case access.Accounts:
		out = entities(w.Accounts)
	case access.Sites:
		out = entities(w.Sites)
	case access.Roles:
		out = entities(w.Roles)
	case access.Users, access.ServiceUsers:
		for _, p := range w.Principals {
			if p.In() == c {
				out = append(out, p)
			}
		}
	}
	slices.SortFunc(out, func(a, b access.Entity) int { return strings.Compare(a.Key(), b.Key()) })
	return out
}

func entities[E access.Entity](in []E) []access.Entity {
	out := make([]access.Entity, len(in))
	for i, e := range in {
		out[i] = e
	}
	return out
}
