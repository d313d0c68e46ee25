package store_test

import (
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// Names that sort differently by case, byte or id, also of principals, roles and sites that are gone.
func TestAnswers_SameOrderFromDatabase(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		now := began
		s.SetClock(func() time.Time { return now })
		w := smallWorld()
		for i, name := range []string{"zoe", "Zoe", "éva", "Ana", "ana", "", "a b", "a-b", "pipeline"} {
			for k, kind := range []access.Kind{access.User, access.ServiceUser} {
				p := access.Principal{
					Kind: kind, ID: fmt.Sprint(600+10*k, i), Name: name, Level: access.SiteLevel,
					Held: []access.HeldRole{{RoleID: "302", ScopeID: "203"}, {RoleID: "301", ScopeID: "201"}},
				}
				if kind == access.User {
					p.Email = []string{"Ana@example.com", "ana@example.com", "Zoe@example.com"}[i%3]
				}
				w.principals[p.ID] = p
			}
		}
		syncOnce(t, s, acme, "s1", w)
		first := now
		now = now.Add(time.Hour)
		renamed := w.principals["403"]
		renamed.Name, renamed.Held = "A new name", renamed.Held[:1]
		w.principals["403"] = renamed
		delete(w.principals, "402")
		delete(w.principals, fmt.Sprint(600, 4))
		delete(w.roles, "303")
		syncOnce(t, s, acme, "s2", w)
		for _, q := range []store.AccessQuery{
			{},
			{Kind: access.User},
			{Role: "SOC"},
			{Scope: "Berlin", Inherited: true},
			{AsOf: &first},
			{Principal: "ana@example.com"},
			{Principal: "ANA@example.com"},
			{Principal: "pipeline"},
			{Principal: "Ana", Inherited: true},
		} {
			q.Console = acme
			inMemory, byDatabase := twice(t, s, func() ([]store.AccessRow, error) { return s.Access(t.Context(), q) })
			require.NotEmpty(t, inMemory)
			require.Equal(t, inMemory, byDatabase, "%+v", q)
		}
		for _, q := range []store.ChangesQuery{{}, {Since: &first}, {Until: &first}} {
			q.Console = acme
			inMemory, byDatabase := twice(t, s, func() ([]store.Change, error) { return s.Changes(t.Context(), q) })
			require.NotEmpty(t, inMemory)
			require.Equal(t, inMemory, byDatabase, "%+v", q)
		}
	})
}

// twice reads an answer, sorted in memory and by the database.
func twice[T any](t *testing.T, s *store.Store, read func() ([]T, error)) (inMemory, byDatabase []T) {
	t.Helper()
	var err error
	inMemory, err = read()
	require.NoError(t, err)
	s.SortInDatabase(true)
	defer s.SortInDatabase(false)
	byDatabase, err = read()
	require.NoError(t, err)
	return inMemory, byDatabase
}

// The rows may be gone through again, and left early, in one consistent read.
func TestReadAccess_AsOftenAsNeeded(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		syncOnce(t, s, acme, "s1", smallWorld())
		for _, sorted := range []bool{false, true} {
			s.SortInDatabase(sorted)
			err := s.ReadAccess(t.Context(), store.AccessQuery{Console: acme}, func(
				rows iter.Seq2[store.AccessRow, error],
			) error {
				for r, err := range rows {
					require.NoError(t, err)
					require.Equal(t, "Ana", r.Name)
					break
				}
				for range 2 {
					n := 0
					for _, err := range rows {
						require.NoError(t, err)
						n++
					}
					require.Equal(t, 5, n)
				}
				return nil
			})
			require.NoError(t, err)
		}
	})
}

// A person is found by index, whatever the number of people.
func TestAccess_FindsPeopleByIndex(t *testing.T) {
	t.Parallel()
	plan, err := open(t, sqliteURL(t)).ExplainFind(t.Context(), "ana@example.com")
	require.NoError(t, err)
	require.Contains(t, plan, "USING COVERING INDEX entities_by_email (<expr>=? AND email_folded=?)")
	require.Contains(t, plan, "USING COVERING INDEX entities_by_name (<expr>=? AND name=?)")
}
