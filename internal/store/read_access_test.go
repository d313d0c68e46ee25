package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// rowTexts formats rows as short texts for comparison.
func rowTexts(rows []store.AccessRow) []string {
	out := []string{}
	for _, r := range rows {
		line := fmt.Sprintf("%s %s@%s", r.Name, r.RoleName, r.Level)
		if r.ScopeName != "" {
			line += " " + r.ScopeName
		}
		if r.Via != nil {
			line += fmt.Sprintf(" via %s %s", r.Via.Level, r.Via.ScopeName)
		}
		out = append(out, line)
	}
	return out
}

func TestAccess(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		q    store.AccessQuery
		want []string
	}{
		"everything": {
			store.AccessQuery{},
			[]string{
				"Ana Admin@tenant",
				"Bob SOC@account Acme",
				"Carol SOC@site Acme / Berlin",
				"Carol SOC@site Globex / Berlin",
				"pipeline SOC@site Acme / Oslo",
			},
		},
		"by email, case aside": {store.AccessQuery{Principal: "carol@EXAMPLE.com"}, []string{
			"Carol SOC@site Acme / Berlin", "Carol SOC@site Globex / Berlin",
		}},
		"by id": {store.AccessQuery{Principal: "402"}, []string{"Bob SOC@account Acme"}},
		"by name": {
			store.AccessQuery{Principal: "pipeline"},
			[]string{"pipeline SOC@site Acme / Oslo"},
		},
		"by kind": {
			store.AccessQuery{Kind: access.ServiceUser},
			[]string{"pipeline SOC@site Acme / Oslo"},
		},
		"by a role's id": {store.AccessQuery{Role: "303"}, []string{"Bob SOC@account Acme"}},
		"by a role's repeated name": {
			store.AccessQuery{Role: "SOC", Kind: access.User},
			[]string{"Bob SOC@account Acme", "Carol SOC@site Acme / Berlin", "Carol SOC@site Globex / Berlin"},
		},
		"by the tenant": {store.AccessQuery{Scope: "tenant"}, []string{"Ana Admin@tenant"}},
		"by a site's repeated name": {
			store.AccessQuery{Scope: "Berlin"},
			[]string{"Carol SOC@site Acme / Berlin", "Carol SOC@site Globex / Berlin"},
		},
		"by account and site": {
			store.AccessQuery{Scope: "Globex / Berlin"},
			[]string{"Carol SOC@site Globex / Berlin"},
		},
		"nobody there":                {store.AccessQuery{Scope: "204"}, []string{}},
		"nobody with that role there": {store.AccessQuery{Scope: "tenant", Role: "SOC"}, []string{}},
		"a site, inherited": {store.AccessQuery{Scope: "201", Inherited: true}, []string{
			"Ana Admin@site Acme / Berlin via tenant ", "Bob SOC@site Acme / Berlin via account Acme",
			"Carol SOC@site Acme / Berlin",
		}},
		"a repeated site name, inherited": {store.AccessQuery{Scope: "Berlin", Inherited: true, Role: "SOC"}, []string{
			"Bob SOC@site Acme / Berlin via account Acme",
			"Carol SOC@site Acme / Berlin", "Carol SOC@site Globex / Berlin",
		}},
		"an account, inherited": {store.AccessQuery{Scope: "Acme", Inherited: true}, []string{
			"Ana Admin@account Acme via tenant ", "Bob SOC@account Acme",
		}},
		"the tenant, inherited": {store.AccessQuery{Scope: "tenant", Inherited: true}, []string{"Ana Admin@tenant"}},
		"an account's user, inherited": {
			store.AccessQuery{Principal: "Bob", Inherited: true},
			[]string{
				"Bob SOC@account Acme",
				"Bob SOC@site Acme / Berlin via account Acme",
				"Bob SOC@site Acme / Oslo via account Acme",
			},
		},
		"a tenant's user, inherited": {store.AccessQuery{Principal: "Ana", Inherited: true}, []string{
			"Ana Admin@tenant", "Ana Admin@site Acme / Berlin via tenant ", "Ana Admin@site Acme / Oslo via tenant ",
			"Ana Admin@site Globex / Berlin via tenant ", "Ana Admin@site Globex / Rome via tenant ",
		}},
		"a site's user, inherited": {store.AccessQuery{Principal: "pipeline", Inherited: true}, []string{
			"pipeline SOC@site Acme / Oslo",
		}},
	}
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		p := syncOnce(t, s, acme, "s1", smallWorld())
		syncOnce(t, s, "other.example.com", "s2", smallWorld())
		for _, sorted := range []bool{true, false} {
			s.SortInDatabase(sorted)
			for name, c := range cases {
				c.q.Console = acme
				rows, err := s.Access(t.Context(), c.q)
				require.NoError(t, err, name)
				require.Equal(t, c.want, rowTexts(rows), name)
			}
		}
		rows, err := s.Access(
			t.Context(),
			store.AccessQuery{Console: acme, Principal: "carol@example.com", Scope: "203"},
		)
		require.NoError(t, err)
		require.Equal(t, []store.AccessRow{{
			Kind: access.User, ID: "403", Email: "Carol@example.com", Name: "Carol", RoleID: "302", RoleName: "SOC",
			Predefined: true, Level: access.SiteLevel, ScopeID: "203", ScopeName: "Globex / Berlin", Since: p.At,
		}}, rows)
	})
}

// The error for a name without a match suggests similar names.
func TestAccess_NoMatch(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		q    store.AccessQuery
		want string
	}{
		"user": {
			store.AccessQuery{Kind: access.User, Principal: "ana@example"},
			`no user is called "ana@example"; did you mean ana@example.com?`,
		},
		"service user": {
			store.AccessQuery{Kind: access.ServiceUser, Principal: "Ana"},
			`no service user is called "Ana": check the spelling, or give its id`,
		},
		"principal": {
			store.AccessQuery{Principal: "PIPELINE"},
			`no principal is called "PIPELINE"; did you mean pipeline?`,
		},
		"role": {store.AccessQuery{Role: "soc"}, `no role is called "soc"; did you mean SOC?`},
		"scope": {
			store.AccessQuery{Scope: "berlin"},
			`no scope is called "berlin"; did you mean Acme / Berlin, Globex / Berlin?`,
		},
	}
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		_, err := s.Access(t.Context(), store.AccessQuery{Console: acme})
		require.ErrorIs(t, err, store.ErrNoSnapshot)
		require.ErrorContains(t, err, "run one first")
		syncOnce(t, s, acme, "s1", smallWorld())
		for name, c := range cases {
			c.q.Console = acme
			_, err := s.Access(t.Context(), c.q)
			var none *store.NoMatchError
			require.ErrorAs(t, err, &none, name)
			require.EqualError(t, err, c.want, name)
		}
	})
}

// Access as of a time, and the changes between two times, over several promotions.
func TestAccess_AsOfAndChanges(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		now := began
		s.SetClock(func() time.Time { return now })
		first := syncOnce(t, s, acme, "s1", w)

		now = began.Add(time.Hour)
		carol := w.principals["403"]
		carol.Held, carol.Name = []access.HeldRole{
			{RoleID: "302", ScopeID: "203"},
			{RoleID: "301", ScopeID: "201"},
		}, "Carol C."
		w.principals["403"] = carol
		second := syncOnce(t, s, acme, "s2", w)

		now = began.Add(2 * time.Hour)
		syncOnce(t, s, acme, "s3", w) // unchanged

		now = began.Add(3 * time.Hour)
		delete(w.principals, "402")
		delete(w.roles, "303")
		fourth := syncOnce(t, s, acme, "s4", w)

		asOf := func(at time.Time, who string) []string {
			rows, err := s.Access(t.Context(), store.AccessQuery{Console: acme, Principal: who, AsOf: &at})
			require.NoError(t, err)
			return rowTexts(rows)
		}
		require.Equal(
			t,
			[]string{"Carol SOC@site Acme / Berlin", "Carol SOC@site Globex / Berlin"},
			asOf(first.At, "403"),
		)
		require.Equal(
			t,
			[]string{"Carol C. Admin@site Acme / Berlin", "Carol C. SOC@site Globex / Berlin"},
			asOf(second.At, "403"),
		)
		require.Equal(t, []string{"Bob SOC@account Acme"}, asOf(fourth.At.Add(-time.Microsecond), "402"))
		_, err := s.Access(t.Context(), store.AccessQuery{Console: acme, Principal: "402"})
		require.EqualError(t, err, `no principal is called "402": check the spelling, or give its id`)
		early := began.Add(-time.Second)
		_, err = s.Access(t.Context(), store.AccessQuery{Console: acme, AsOf: &early})
		require.ErrorIs(t, err, store.ErrNoSnapshot)
		latest, err := s.Latest(t.Context(), acme, new(began.Add(150*time.Minute)))
		require.NoError(t, err)
		require.Equal(t, []string{"s3", store.StateUnchanged}, []string{latest.ID, latest.State})

		between := func(since, until *time.Time) []string {
			changes, err := s.Changes(t.Context(), store.ChangesQuery{Console: acme, Since: since, Until: until})
			require.NoError(t, err)
			out := []string{}
			for _, c := range changes {
				out = append(out, c.At.Format("15:04")+" "+c.Action+" "+rowTexts([]store.AccessRow{c.AccessRow})[0])
			}
			return out
		}
		require.Equal(t, []string{
			"13:00 added Carol C. Admin@site Acme / Berlin", "13:00 removed Carol C. SOC@site Acme / Berlin",
			"15:00 removed Bob SOC@account Acme",
		}, between(&first.At, nil))
		require.Len(t, between(nil, &first.At), 5, "up to and including the first")
		require.Empty(t, between(&second.At, new(fourth.At.Add(-time.Microsecond))))
		require.Len(t, between(nil, nil), 8)
		_, err = s.Changes(t.Context(), store.ChangesQuery{Console: "other.example.com"})
		require.ErrorIs(t, err, store.ErrNoSnapshot)

		require.Equal(t, 6, count(t, s, "SELECT COUNT(*) FROM assignment_history"))
		require.Equal(t, 2, count(t, s, "SELECT COUNT(*) FROM assignment_history WHERE valid_to IS NOT NULL"))
		require.Equal(t, 2, count(t, s, "SELECT COUNT(*) FROM entity_history WHERE id = '403'"))
	})
}
