package store_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/store"
)

const acme = "acmeco.sentinelone.net"

var began = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) { pgtest.Main(m) }

// database is a fresh database and the test that uses it.
type database struct {
	t   *testing.T
	s   *store.Store
	url string
}

// onBoth runs a test on a fresh SQLite and on a fresh PostgreSQL database.
func onBoth(t *testing.T, test func(db database)) {
	t.Helper()
	onBothURLs(t, func(t *testing.T, url string) {
		t.Helper()
		test(database{t: t, s: open(t, url), url: url})
	})
}

// onBothURLs runs a test with the address of a SQLite and of a PostgreSQL database, which are empty.
func onBothURLs(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	urls := map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": pgtest.URL}
	for name, fresh := range urls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
}

func sqliteURL(tb testing.TB) string {
	tb.Helper()
	return "sqlite://" + filepath.Join(tb.TempDir(), "test.db")
}

func open(tb testing.TB, url string) *store.Store {
	tb.Helper()
	s, err := store.Open(tb.Context(), url)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

// world is the state of a console, by id.
type world struct {
	accounts   map[string]access.Account
	sites      map[string]access.Site
	roles      map[string]access.Role
	principals map[string]access.Principal
}

func emptyWorld() world {
	return world{
		accounts: map[string]access.Account{}, sites: map[string]access.Site{},
		roles: map[string]access.Role{}, principals: map[string]access.Principal{},
	}
}

// clone copies a world deep enough for entries to be replaced.
func (w world) clone() world {
	return world{
		accounts: maps.Clone(w.accounts), sites: maps.Clone(w.sites),
		roles: maps.Clone(w.roles), principals: maps.Clone(w.principals),
	}
}

// of lists the entities of one collection, sorted by id.
func (w world) of(c access.Collection) []access.Entity {
	out := []access.Entity{}
	switch c {
	case access.Accounts:
		out = appendAll(out, w.accounts)
	case access.Sites:
		out = appendAll(out, w.sites)
	case access.Roles:
		out = appendAll(out, w.roles)
	case access.Users, access.ServiceUsers:
		for _, e := range appendAll(nil, w.principals) {
			if e.In() == c {
				out = append(out, e)
			}
		}
	}
	slices.SortFunc(out, func(a, b access.Entity) int { return compare(a.Key(), b.Key()) })
	return out
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func appendAll[T access.Entity](out []access.Entity, in map[string]T) []access.Entity {
	for _, e := range in {
		out = append(out, e)
	}
	return out
}

// smallWorld has two accounts with two sites each (one site name repeats), three
// roles (one name repeats), three users and a service user.
func smallWorld() world {
	w := emptyWorld()
	for _, a := range []access.Account{{ID: "101", Name: "Acme", State: "active"}, {ID: "102", Name: "Globex"}} {
		w.accounts[a.ID] = a
	}
	for _, s := range []access.Site{
		{ID: "201", Name: "Berlin", AccountID: "101", AccountName: "Acme"},
		{ID: "202", Name: "Oslo", AccountID: "101", AccountName: "Acme"},
		{ID: "203", Name: "Berlin", AccountID: "102", AccountName: "Globex"},
		{ID: "204", Name: "Rome", AccountID: "102", AccountName: "Globex"},
	} {
		w.sites[s.ID] = s
	}
	for _, r := range []access.Role{
		{ID: "301", Name: "Admin", Predefined: true, Scope: access.Tenant},
		{ID: "302", Name: "SOC", Predefined: true, Scope: access.Tenant},
		{ID: "303", Name: "SOC", Scope: access.AccountLevel, ScopeID: "101"},
	} {
		w.roles[r.ID] = r
	}
	seen := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for _, p := range []access.Principal{
		{
			Kind: access.User, ID: "401", Email: "ana@example.com", Name: "Ana", Level: access.Tenant,
			LastActiveAt: &seen, Held: []access.HeldRole{{RoleID: "301"}},
		},
		{
			Kind: access.User, ID: "402", Email: "bob@example.com", Name: "Bob", Level: access.AccountLevel,
			Held: []access.HeldRole{{RoleID: "303", ScopeID: "101"}},
		},
		{
			Kind: access.User, ID: "403", Email: "Carol@example.com", Name: "Carol", Level: access.SiteLevel,
			Held: []access.HeldRole{{RoleID: "302", ScopeID: "203"}, {RoleID: "302", ScopeID: "201"}},
		},
		{
			Kind: access.ServiceUser, ID: "501", Name: "pipeline", Level: access.SiteLevel,
			Held: []access.HeldRole{{RoleID: "302", ScopeID: "202"}},
		},
	} {
		w.principals[p.ID] = p
	}
	return w
}

// begin opens a snapshot of the collections (all, if none are given).
func begin(t *testing.T, s *store.Store, console, id string, cs ...access.Collection) {
	t.Helper()
	require.NoError(
		t,
		s.Begin(t.Context(), store.BeginInput{Console: console, ID: id, Collections: cs, StartedAt: began}),
	)
}

// drain saves a collection in pages of the given size, from the next page of the drain on,
// and loads them.
func drain(t *testing.T, s *store.Store, id string, c access.Collection, attempt, size int, w world) {
	t.Helper()
	d, err := s.StartDrain(t.Context(), id, c, attempt)
	require.NoError(t, err)
	pages := slices.Collect(slices.Chunk(w.of(c), size))
	if len(pages) == 0 {
		pages = [][]access.Entity{nil}
	}
	total := len(w.of(c))
	for i := d.Pages; i < len(pages); i++ {
		require.NoError(t, s.SavePage(t.Context(), store.SavePageInput{
			Snapshot: id, Collection: c, Attempt: attempt, Page: i, Cursor: fmt.Sprintf("after-%d", i),
			Last: i == len(pages)-1, Total: &total, Requests: 1, Entities: pages[i],
		}))
	}
	load(t, s, id, c, attempt)
}

func load(t *testing.T, s *store.Store, id string, c access.Collection, attempt int) {
	t.Helper()
	for more := true; more; {
		var err error
		more, err = s.LoadPage(t.Context(), id, c, attempt)
		require.NoError(t, err)
	}
}

// receive begins a snapshot and drains its collections.
func receive(t *testing.T, s *store.Store, console, id string, w world, cs ...access.Collection) {
	t.Helper()
	begin(t, s, console, id, cs...)
	if len(cs) == 0 {
		cs = access.Collections()
	}
	for _, c := range cs {
		drain(t, s, id, c, 1, 2, w)
	}
}

func promote(t *testing.T, s *store.Store, id string, cs ...access.Collection) store.Promotion {
	t.Helper()
	if len(cs) == 0 {
		cs = access.Collections()
	}
	p, err := s.Promote(t.Context(), id, store.PromoteInput{Collections: cs})
	require.NoError(t, err)
	require.Empty(t, p.Moved)
	return p
}

// syncOnce receives and promotes a snapshot.
func syncOnce(t *testing.T, s *store.Store, console, id string, w world, cs ...access.Collection) store.Promotion {
	t.Helper()
	receive(t, s, console, id, w, cs...)
	return promote(t, s, id, cs...)
}

// exported collects an export.
type exported struct {
	Accounts    []access.Account
	Sites       []access.Site
	Roles       []access.Role
	Principals  []access.Principal
	Assignments []access.Assignment
}

func (e *exported) Account(a access.Account) error { e.Accounts = append(e.Accounts, a); return nil }
func (e *exported) Site(s access.Site) error       { e.Sites = append(e.Sites, s); return nil }
func (e *exported) Role(r access.Role) error       { e.Roles = append(e.Roles, r); return nil }
func (e *exported) Principal(p access.Principal) error {
	e.Principals = append(e.Principals, p)
	return nil
}

func (e *exported) Assignment(a access.Assignment) error {
	e.Assignments = append(e.Assignments, a)
	return nil
}

func export(t *testing.T, s *store.Store, console string, asOf *time.Time) exported {
	t.Helper()
	var e exported
	require.NoError(t, s.Export(t.Context(), console, asOf, &e))
	return e
}

// expected is the export that a world must give.
func expected(w world) exported {
	var e exported
	for _, x := range w.of(access.Accounts) {
		e.Accounts = append(e.Accounts, x.(access.Account))
	}
	for _, x := range w.of(access.Sites) {
		e.Sites = append(e.Sites, x.(access.Site))
	}
	for _, x := range w.of(access.Roles) {
		e.Roles = append(e.Roles, x.(access.Role))
	}
	for _, c := range []access.Collection{access.Users, access.ServiceUsers} {
		for _, x := range w.of(c) {
			p := x.(access.Principal)
			held := p.Assignments()
			slices.SortFunc(held, func(a, b access.Assignment) int {
				if a.RoleID != b.RoleID {
					return compare(a.RoleID, b.RoleID)
				}
				return compare(a.ScopeID, b.ScopeID)
			})
			e.Assignments = append(e.Assignments, held...)
			p.Held = nil
			e.Principals = append(e.Principals, p)
		}
	}
	return e
}

// withoutActivity clears the last activity, which is not versioned.
func (e exported) withoutActivity() exported {
	e.Principals = slices.Clone(e.Principals)
	for i := range e.Principals {
		e.Principals[i].LastActiveAt = nil
	}
	return e
}

// count runs a query that gives one number.
func count(t *testing.T, s *store.Store, query string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, s.DB().QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}

// cancelled is a context that is cancelled already.
func cancelled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
