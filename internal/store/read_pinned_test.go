package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// paged reads a list page by page, from the last key on, until a page is not full.
func paged[T, K any](
	t *testing.T, size int, key func(T) K, read func(ctx context.Context, after K, limit int) ([]T, error),
) []T {
	t.Helper()
	var out []T
	var after K
	for {
		page, err := read(t.Context(), after, size)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), size)
		out = append(out, page...)
		if len(page) < size {
			return out
		}
		after = key(page[size-1])
	}
}

func itself[T any](v T) T { return v }

func roleScopeKey(r store.RoleScope) access.Holding { return r.Holding }

// pinnedExport is an export put together from pages of a pinned reader.
func pinnedExport(t *testing.T, p *store.Pinned, size int) (e exported) {
	t.Helper()
	e.Accounts = paged(t, size, access.Account.Key, p.Accounts)
	e.Sites = paged(t, size, access.Site.Key, p.Sites)
	e.Roles = paged(t, size, access.Role.Key, p.Roles)
	for _, kind := range []access.Kind{access.User, access.ServiceUser} {
		e.Principals = append(e.Principals, paged(t, size, access.Principal.Key,
			func(ctx context.Context, after string, limit int) ([]access.Principal, error) {
				return p.Principals(ctx, kind, after, limit)
			})...)
	}
	e.Assignments = paged(t, size, itself[access.Assignment], p.Assignments)
	slices.SortStableFunc(e.Assignments, func(a, b access.Assignment) int { // users first, as an export has them
		return -compare(string(a.PrincipalKind), string(b.PrincipalKind))
	})
	return e
}

func pinned(t *testing.T, s *store.Store, id string) *store.Pinned {
	t.Helper()
	p, err := s.PinnedTo(t.Context(), acme, id)
	require.NoError(t, err)
	return p
}

// Pages of any size give what an export gives, and promotions after the snapshot change nothing, whether they come
// before a page or between two of them.
func TestPinned_PagesAreTheSnapshot(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		first, second := smallWorld(), smallWorld()
		syncOnce(t, db.s, acme, "one", first)
		delete(second.accounts, "101")
		delete(second.principals, "402")
		second.roles["309"] = access.Role{ID: "309", Name: "Later", Scope: access.Tenant}
		ana := second.principals["401"]
		ana.Name, ana.Level = "Ana Later", access.SiteLevel
		ana.Held = []access.HeldRole{{RoleID: "302", ScopeID: "204"}}
		second.principals["401"] = ana

		one := pinned(t, db.s, "one")
		page, err := one.Assignments(t.Context(), access.Assignment{}, 2)
		require.NoError(t, err)
		syncOnce(t, db.s, acme, "two", second)
		rest, err := one.Assignments(t.Context(), page[1], 10)
		require.NoError(t, err)
		require.ElementsMatch(t, expected(first).Assignments, append(page, rest...))

		two := pinned(t, db.s, "two")
		for _, size := range []int{1, 2, 3, 100} {
			require.Equal(t, expected(first).withoutActivity(), pinnedExport(t, one, size).withoutActivity(), size)
			require.Equal(t, expected(second), pinnedExport(t, two, size), size)
		}
		require.Equal(t, "one", one.Snapshot().ID)
	})
}

// Roles at scopes are listed once each, in order, with the names that they had then; principals of an account or site
// are those that hold a role there itself, once each, whatever number of roles.
func TestPinned_RolesAtScopes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		w := smallWorld()
		bob := w.principals["402"]
		bob.Held = append(bob.Held,
			access.HeldRole{RoleID: "301", ScopeID: "101"}, access.HeldRole{RoleID: "302", ScopeID: "102"})
		w.principals["402"] = bob
		pipeline := w.principals["501"]
		pipeline.Held = []access.HeldRole{{RoleID: "302", ScopeID: "201"}, {RoleID: "301", ScopeID: "201"}}
		w.principals["501"] = pipeline
		syncOnce(t, db.s, acme, "one", w)
		later := w.clone()
		later.sites["201"] = access.Site{ID: "201", Name: "Renamed", AccountID: "101"}
		syncOnce(t, db.s, acme, "two", later)

		p := pinned(t, db.s, "one")
		at := func(level access.Level, role, scope string) access.Holding {
			return access.Holding{Level: level, RoleID: role, ScopeID: scope}
		}
		want := []store.RoleScope{
			{Holding: at(access.AccountLevel, "301", "101"), Role: "Admin", Scope: "Acme"},
			{Holding: at(access.SiteLevel, "301", "201"), Role: "Admin", Scope: "Berlin", Account: "Acme"},
			{Holding: at(access.Tenant, "301", ""), Role: "Admin"},
			{Holding: at(access.AccountLevel, "302", "102"), Role: "SOC", Scope: "Globex"},
			{Holding: at(access.SiteLevel, "302", "201"), Role: "SOC", Scope: "Berlin", Account: "Acme"},
			{Holding: at(access.SiteLevel, "302", "203"), Role: "SOC", Scope: "Berlin", Account: "Globex"},
			{Holding: at(access.AccountLevel, "303", "101"), Role: "SOC", Scope: "Acme"},
		}
		member := func(kind access.Kind, id string, level access.Level, scope string) access.Assignment {
			return access.Assignment{PrincipalKind: kind, PrincipalID: id, Level: level, ScopeID: scope}
		}
		members := func(level access.Level) func(context.Context, access.Assignment, int) ([]access.Assignment, error) {
			return func(ctx context.Context, after access.Assignment, limit int) ([]access.Assignment, error) {
				return p.Members(ctx, level, after, limit)
			}
		}
		for _, size := range []int{1, 2, 3, 100} {
			require.Equal(t, want, paged(t, size, roleScopeKey, p.RoleScopes), size)
			require.Equal(t, []access.Assignment{
				member(access.User, "402", access.AccountLevel, "101"),
				member(access.User, "402", access.AccountLevel, "102"),
			}, paged(t, size, itself[access.Assignment], members(access.AccountLevel)), size)
			require.Equal(t, []access.Assignment{
				member(access.ServiceUser, "501", access.SiteLevel, "201"),
				member(access.User, "403", access.SiteLevel, "201"),
				member(access.User, "403", access.SiteLevel, "203"),
			}, paged(t, size, itself[access.Assignment], members(access.SiteLevel)), size)
		}
		two, err := pinned(t, db.s, "two").RoleScopes(t.Context(), at(access.SiteLevel, "301", "200"), 1)
		require.NoError(t, err)
		require.Equal(t, "Renamed", two[0].Scope)
	})
}

// A principal with thousands of roles spans pages, at one level and in one role.
func TestPinned_PrincipalWithManyRoles(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		w := emptyWorld()
		w.accounts["101"] = access.Account{ID: "101", Name: "Acme"}
		ana := access.Principal{
			Kind: access.User, ID: "401", Email: "ana@example.com", Name: "Ana", Level: access.SiteLevel,
		}
		for i := range 2 {
			id := fmt.Sprint(301 + i)
			w.roles[id] = access.Role{ID: id, Name: "SOC", Scope: access.Tenant}
		}
		for i := range 1000 {
			id := fmt.Sprint(10_000 + i)
			w.sites[id] = access.Site{ID: id, Name: "Berlin", AccountID: "101"}
			ana.Held = append(ana.Held,
				access.HeldRole{RoleID: "301", ScopeID: id}, access.HeldRole{RoleID: "302", ScopeID: id})
		}
		w.principals["401"] = ana
		begin(t, db.s, acme, "one")
		for _, c := range access.Collections() {
			drain(t, db.s, "one", c, 1, 1000, w)
		}
		promote(t, db.s, "one")

		p := pinned(t, db.s, "one")
		require.Len(t, paged(t, 300, itself[access.Assignment], p.Assignments), 2000)
		require.Len(t, paged(t, 300, roleScopeKey, p.RoleScopes), 2000)
		require.Len(t, paged(t, 300, itself[access.Assignment],
			func(ctx context.Context, after access.Assignment, limit int) ([]access.Assignment, error) {
				return p.Members(ctx, access.SiteLevel, after, limit)
			}), 1000)
		levels := paged(t, 1, itself[access.Assignment], p.RoleLevels)
		require.Equal(t, []access.Assignment{
			{PrincipalKind: access.User, PrincipalID: "401", RoleID: "301", Level: access.SiteLevel},
			{PrincipalKind: access.User, PrincipalID: "401", RoleID: "302", Level: access.SiteLevel},
		}, levels)
		found, err := p.Principal(t.Context(), access.User, "401")
		require.NoError(t, err)
		require.Len(t, found.Held, 2000)
	})
}

// A console without rows has pages without rows, and one that was never synced has no reader.
func TestPinned_Empty(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		_, err := db.s.PinnedTo(t.Context(), acme, "one")
		require.ErrorIs(t, err, store.ErrNoSnapshot)
		receive(t, db.s, acme, "one", emptyWorld())
		_, err = db.s.PinnedTo(t.Context(), acme, "one")
		require.ErrorIs(t, err, store.ErrNoSnapshot, "a snapshot that is not proven is not read")
		promote(t, db.s, "one")
		_, err = db.s.PinnedTo(t.Context(), "other.sentinelone.net", "one")
		require.ErrorIs(t, err, store.ErrNoSnapshot, "nor that of another console")
		require.Equal(t, exported{}, normalised(pinnedExport(t, pinned(t, db.s, "one"), 10)))
		require.Empty(t, paged(t, 10, roleScopeKey, pinned(t, db.s, "one").RoleScopes))
	})
}

// normalised has nil for empty lists.
func normalised(e exported) exported {
	if len(e.Accounts)+len(e.Sites)+len(e.Roles)+len(e.Principals)+len(e.Assignments) == 0 {
		return exported{}
	}
	return e
}

// What is looked up by id is as of the snapshot, and nil where it has none.
func TestPinned_Lookups(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		w := smallWorld()
		syncOnce(t, db.s, acme, "one", w)
		later := w.clone()
		delete(later.principals, "403")
		delete(later.sites, "203")
		syncOnce(t, db.s, acme, "two", later)
		ctx, one, two := t.Context(), pinned(t, db.s, "one"), pinned(t, db.s, "two")
		site, err := one.Site(ctx, "203")
		require.NoError(t, err)
		require.Equal(t, w.sites["203"], *site)
		site, err = two.Site(ctx, "203")
		require.NoError(t, err)
		require.Nil(t, site)
		account, err := two.Account(ctx, "101")
		require.NoError(t, err)
		require.Equal(t, "Acme", account.Name)
		role, err := two.Role(ctx, "303")
		require.NoError(t, err)
		require.Equal(t, w.roles["303"], *role)

		carol, err := one.Principal(ctx, access.User, "403")
		require.NoError(t, err)
		want := w.principals["403"]
		require.ElementsMatch(t, want.Held, carol.Held)
		require.Equal(t, "Carol@example.com", carol.Email)
		for _, missing := range []*store.Pinned{two} {
			carol, err = missing.Principal(ctx, access.User, "403")
			require.NoError(t, err)
			require.Nil(t, carol)
		}
		none, err := one.Principal(ctx, access.ServiceUser, "403")
		require.NoError(t, err)
		require.Nil(t, none, "ids of kinds do not mix")
		some, err := one.PrincipalsNamed(ctx, access.User, []string{"403", "999", "401"})
		require.NoError(t, err)
		require.Equal(t, []string{"401", "403"}, []string{some[0].ID, some[1].ID})
		require.Len(t, some, 2)
	})
}

// Roles, accounts and sites that assignments name and the console does not list are known by their ids.
func TestPinned_Unlisted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		w := smallWorld()
		delete(w.roles, "303")
		delete(w.accounts, "101")
		delete(w.sites, "203")
		delete(w.sites, "201")
		syncOnce(t, db.s, acme, "one", w)
		syncOnce(t, db.s, acme, "two", smallWorld())
		for c, want := range map[access.Collection][]string{
			access.Roles: {"303"}, access.Accounts: {"101"}, access.Sites: {"201", "203"},
		} {
			for _, size := range []int{1, 10} {
				list := func(s string) []string {
					p := pinned(t, db.s, s)
					return paged(t, size, itself[string],
						func(ctx context.Context, after string, limit int) ([]string, error) {
							return p.Unlisted(ctx, c, after, limit)
						})
				}
				require.Equal(t, want, list("one"), c)
				require.Empty(t, list("two"), c)
			}
		}
	})
}

// Whether assignments name a role, an account or a site is as of the snapshot, and ids of accounts and sites do not
// mix.
func TestPinned_IsAssigned(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		w := smallWorld()
		delete(w.roles, "303")
		delete(w.sites, "203")
		syncOnce(t, db.s, acme, "one", w)
		syncOnce(t, db.s, acme, "two", emptyWorld())
		for c, ids := range map[access.Collection]map[string]bool{
			access.Roles:    {"303": true, "302": true, "203": false, "101": false, "999": false, "": false},
			access.Accounts: {"101": true, "203": false, "303": false, "999": false, "": false},
			access.Sites:    {"203": true, "204": false, "101": false, "303": false, "": false},
		} {
			for id, want := range ids {
				is, err := pinned(t, db.s, "one").IsAssigned(t.Context(), c, id)
				require.NoError(t, err)
				require.Equal(t, want, is, "%s %q", c, id)
				is, err = pinned(t, db.s, "two").IsAssigned(t.Context(), c, id)
				require.NoError(t, err)
				require.False(t, is, "%s %q, later", c, id)
			}
		}
	})
}

// The next proven snapshot after a time is told whether it changed something or not, and no other kind is.
func TestProvenAfter(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		now := began
		db.s.SetClock(func() time.Time { now = now.Add(time.Hour); return now })
		next := func(after time.Time) string {
			snap, err := db.s.ProvenAfter(t.Context(), acme, after)
			require.NoError(t, err)
			if snap == nil {
				return ""
			}
			require.True(t, snap.PromotedAt.After(after))
			return snap.ID
		}
		require.Empty(t, next(began))
		one := syncOnce(t, db.s, acme, "one", smallWorld())
		two := syncOnce(t, db.s, acme, "two", smallWorld())
		require.Equal(t, store.StateUnchanged, two.State)
		receive(t, db.s, acme, "held", emptyWorld())
		require.NoError(t, db.s.Quarantine(t.Context(), "held", []string{"losses"}))
		require.Equal(t, "one", next(began))
		require.Equal(t, "two", next(one.At))
		require.Empty(t, next(two.At))
	})
}
