package store_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/store"
)

// BenchmarkSync writes a first sync and then an unchanged one of 100 accounts, 10,000
// sites, 100,000 users with two roles each and 20,000 service users, and reports the
// time of each step. One iteration is both syncs.
func BenchmarkSync(b *testing.B) {
	urls := map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": pgtest.URL}
	for name, fresh := range urls {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				s := open(b, fresh(b))
				for _, id := range []string{"first", "unchanged"} {
					l := &stepTimes{spent: map[string]time.Duration{}, count: map[string]int{}}
					l.sync(b, s, id)
					l.report(b, id)
				}
			}
		})
	}
}

// BenchmarkAppend appends one small entry to a ledger, with one writer and with eight. The
// throwaway PostgreSQL server does not wait for its disk; SQLite does.
func BenchmarkAppend(b *testing.B) {
	body := map[string]string{"role": "302", "level": "site", "scope": "201", "plan": "b1946ac92492d2347c6235b4"}
	for name, fresh := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": pgtest.URL} {
		for _, at := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/%d", name, at), func(b *testing.B) {
				s, n := open(b, fresh(b)), atomic.Int64{}
				b.SetParallelism(max(1, at/runtime.GOMAXPROCS(0)))
				b.ResetTimer()
				one := func() {
					key := fmt.Sprintf("grant/INC-42#run/acquire/write/%d", n.Add(1))
					_, err := s.Append(b.Context(), acme, ledger.NewEntry{
						Request: "grant/INC-42", Key: key, At: began, Body: anyBody{"write", body},
					})
					require.NoError(b, err)
				}
				if at == 1 {
					for b.Loop() {
						one()
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						one()
					}
				})
			})
		}
	}
}

// BenchmarkVerifyLedger verifies a chain of 10,000 entries.
func BenchmarkVerifyLedger(b *testing.B) {
	for name, fresh := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": pgtest.URL} {
		b.Run(name, func(b *testing.B) {
			s := open(b, fresh(b))
			entries := make([]ledger.NewEntry, 10_000)
			for i := range entries {
				entries[i] = note(fmt.Sprintf("grant/%d", i), "request", largeEntity(access.Users, i))
			}
			_, err := s.Append(b.Context(), acme, entries...)
			require.NoError(b, err)
			for b.Loop() {
				r, err := s.VerifyLedger(b.Context(), acme)
				require.NoError(b, err)
				require.Empty(b, r.Faults)
			}
		})
	}
}

type stepTimes struct {
	spent map[string]time.Duration
	count map[string]int
}

func (l *stepTimes) measure(b *testing.B, what string, fn func() error) {
	b.Helper()
	start := time.Now()
	require.NoError(b, fn())
	l.spent[what] += time.Since(start)
	l.count[what]++
}

func (l *stepTimes) report(b *testing.B, id string) {
	b.Helper()
	for what, d := range l.spent {
		b.ReportMetric(float64(d.Microseconds())/1000/float64(l.count[what]), id+"-"+what+"-ms")
	}
}

func (l *stepTimes) sync(b *testing.B, s *store.Store, id string) {
	b.Helper()
	ctx := b.Context()
	require.NoError(b, s.Begin(ctx, store.BeginInput{Console: acme, ID: id, StartedAt: began}))
	for _, c := range access.Collections() {
		_, err := s.StartDrain(ctx, id, c, 1)
		require.NoError(b, err)
		pages := large[c] / 1000
		for page := range max(pages, 1) {
			in := store.SavePageInput{
				Snapshot: id, Collection: c, Attempt: 1, Page: page, Cursor: fmt.Sprint(page), Last: page >= pages-1,
				Entities: largePage(c, page, min(large[c], 1000)), Requests: 1,
			}
			l.measure(b, "save-"+string(c), func() error { return s.SavePage(ctx, in) })
			l.measure(b, "load-"+string(c), func() error { _, err := s.LoadPage(ctx, id, c, 1); return err })
		}
		l.measure(b, "drained-"+string(c), func() error { _, err := s.Drained(ctx, id, c, 1); return err })
	}
	l.measure(b, "members", func() error { _, err := s.Members(ctx, id); return err })
	l.measure(b, "assess", func() error { _, err := s.Assess(ctx, id); return err })
	l.measure(b, "promote", func() error {
		_, err := s.Promote(ctx, id, store.PromoteInput{Collections: access.Collections()})
		return err
	})
	l.measure(b, "access-site-inherited", func() error {
		_, err := s.Access(ctx, store.AccessQuery{Console: acme, Scope: largeID(access.Sites, 77), Inherited: true})
		return err
	})
	l.measure(b, "access-user", func() error {
		_, err := s.Access(ctx, store.AccessQuery{Console: acme, Principal: "user4711@example.com"})
		return err
	})
	l.measure(b, "access-role", func() error {
		_, err := s.Access(ctx, store.AccessQuery{Console: acme, Role: largeID(access.Roles, 3)})
		return err
	})
	l.measure(b, "export", func() error { return s.Export(ctx, acme, nil, discardSink{}) })
}

var large = map[access.Collection]int{
	access.Accounts: 100, access.Sites: 10_000, access.Roles: 23, access.Users: 100_000, access.ServiceUsers: 20_000,
}

func largeID(c access.Collection, n int) string {
	base := map[access.Collection]int{
		access.Accounts: 1e17, access.Sites: 2e17, access.Roles: 3e17, access.Users: 4e17, access.ServiceUsers: 5e17,
	}
	return fmt.Sprint(base[c] + n*7919)
}

func largePage(c access.Collection, page, size int) []access.Entity {
	out := make([]access.Entity, 0, size)
	for n := page * 1000; n < page*1000+size; n++ {
		out = append(out, largeEntity(c, n))
	}
	return out
}

func largeEntity(c access.Collection, n int) access.Entity {
	id := largeID(c, n)
	switch c {
	case access.Accounts:
		return access.Account{ID: id, Name: fmt.Sprintf("Account %d", n), State: "active"}
	case access.Sites:
		return access.Site{
			ID:        id,
			Name:      fmt.Sprintf("Site %d", n),
			AccountID: largeID(access.Accounts, n%100),
			State:     "active",
		}
	case access.Roles:
		return access.Role{ID: id, Name: fmt.Sprintf("Role %d", n), Predefined: n < 6, Scope: access.Tenant}
	case access.Users, access.ServiceUsers:
	}
	created, active := began.Add(time.Duration(-n)*time.Minute), began.Add(time.Duration(n)*time.Second)
	p := access.Principal{
		Kind: c.PrincipalKind(), ID: id, Name: fmt.Sprintf("Somebody Number %d", n), Level: access.SiteLevel,
		Source: "mgmt", EmailVerified: true, CreatedAt: &created, LastActiveAt: &active,
	}
	if c == access.Users {
		p.Email = fmt.Sprintf("user%d@example.com", n)
	}
	for k := range 2 {
		p.Held = append(p.Held, access.HeldRole{
			RoleID: largeID(access.Roles, (n+k)%23), ScopeID: largeID(access.Sites, (n*31+k*17)%10_000),
		})
	}
	return p
}

// discardSink receives an export and drops it.
type discardSink struct{}

func (discardSink) Account(access.Account) error       { return nil }
func (discardSink) Site(access.Site) error             { return nil }
func (discardSink) Role(access.Role) error             { return nil }
func (discardSink) Principal(access.Principal) error   { return nil }
func (discardSink) Assignment(access.Assignment) error { return nil }
