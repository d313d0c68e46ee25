package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

const host = "acmeco.example.net"

// scene is a small console: two sites and three principals, at all three levels.
func scene() []access.Entity {
	return []access.Entity{
		access.Account{ID: "100", Name: "Acme", State: "active"},
		access.Site{ID: "201", Name: "Berlin", AccountID: "100", AccountName: "Acme"},
		access.Site{ID: "202", Name: "Ghent", AccountID: "100", AccountName: "Acme"},
		access.Role{ID: "301", Name: "Admin", Predefined: true, Scope: access.Tenant},
		access.Role{ID: "302", Name: "SOC", Scope: access.AccountLevel, ScopeID: "100"},
		ana("301"),
		access.Principal{
			Kind: access.User, ID: "402", Email: "bob@example.com", Name: "Bob",
			Level: access.AccountLevel, Source: "mgmt",
			Held: []access.HeldRole{{RoleID: "302", ScopeID: "100"}},
		},
		access.Principal{
			Kind: access.ServiceUser, ID: "501", Name: "svc.backup", Level: access.Tenant,
			Held: []access.HeldRole{{RoleID: "301"}},
		},
	}
}

// ana holds the given roles at Berlin.
func ana(roles ...string) access.Principal {
	p := access.Principal{
		Kind: access.User, ID: "401", Email: "ana@example.com", Name: "Ana",
		Level: access.SiteLevel, Source: "sso_saml", EmailVerified: true,
	}
	for _, role := range roles {
		p.Held = append(p.Held, access.HeldRole{RoleID: role, ScopeID: "201"})
	}
	return p
}

// fixture is a database that the program under test reads.
type fixture struct {
	t  *testing.T
	db *store.Store
}

// newFixture makes an empty database and points the environment at it.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	url := "sqlite://" + filepath.Join(t.TempDir(), "test.db")
	environ(t, map[string]string{"DATABASE_URL": url})
	db, err := store.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return &fixture{t: t, db: db}
}

// receive stores a whole sync up to where it is judged.
func (f *fixture) receive(console, id string, startedAt time.Time, entities []access.Entity) {
	f.t.Helper()
	f.receiveAs(store.BeginInput{Console: console, ID: id, StartedAt: startedAt}, entities)
}

// receiveAs is receive for what in covers.
func (f *fixture) receiveAs(in store.BeginInput, entities []access.Entity) {
	f.t.Helper()
	ctx, id := f.t.Context(), in.ID
	if len(in.Collections) == 0 {
		in.Collections = access.Collections()
	}
	require.NoError(f.t, f.db.Begin(ctx, in))
	for _, c := range in.Collections {
		_, err := f.db.StartDrain(ctx, id, c, 1)
		require.NoError(f.t, err)
		page := store.SavePageInput{Snapshot: id, Collection: c, Attempt: 1, Last: true, Requests: 1}
		for _, e := range entities {
			if e.In() == c {
				page.Entities = append(page.Entities, e)
			}
		}
		require.NoError(f.t, f.db.SavePage(ctx, page))
		for more := true; more; {
			more, err = f.db.LoadPage(ctx, id, c, 1)
			require.NoError(f.t, err)
		}
	}
}

// sync stores a whole sync and promotes it; it returns when that was.
func (f *fixture) sync(console, id string, entities []access.Entity) time.Time {
	f.t.Helper()
	f.receive(console, id, time.Now(), entities)
	p, err := f.db.Promote(f.t.Context(), id, store.PromoteInput{Collections: access.Collections()})
	require.NoError(f.t, err)
	require.Empty(f.t, p.Moved)
	return p.At
}
