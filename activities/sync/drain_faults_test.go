package sync

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// outcome is what the first attempt at a page that meets a fault comes to.
type outcome struct {
	waits  []kinds.Kind // one of these, to be tried again
	final  kinds.Kind
	doubt  bool
	proven bool
}

var outcomes = map[consoletest.FaultKind]outcome{
	consoletest.RateLimited:  {waits: []kinds.Kind{kinds.RateLimited}},
	consoletest.ServerError:  {waits: []kinds.Kind{kinds.Unavailable}},
	consoletest.BadGateway:   {waits: []kinds.Kind{kinds.Unavailable}},
	consoletest.CutAfter:     {waits: []kinds.Kind{kinds.Unavailable}},
	consoletest.Truncated:    {waits: []kinds.Kind{kinds.Unavailable}},
	consoletest.EmptyObject:  {waits: []kinds.Kind{kinds.Unavailable}},
	consoletest.CutBefore:    {waits: []kinds.Kind{kinds.Unavailable}, proven: true}, // the transport may try again
	consoletest.Slow:         {proven: true},
	consoletest.EmptyPage:    {doubt: true},
	consoletest.Vanish:       {doubt: true},
	consoletest.Unauthorized: {final: kinds.Unauthenticated},
	consoletest.Forbidden:    {final: kinds.Forbidden},
	consoletest.ErrorAfter:   {waits: []kinds.Kind{kinds.Unavailable}},
	consoletest.Conflict:     {final: kinds.Conflict},
	consoletest.NotFound:     {final: kinds.NotFound},
	consoletest.GzipBomb:     {waits: []kinds.Kind{kinds.Unavailable}},
	consoletest.LongRow:      {waits: []kinds.Kind{kinds.Unavailable}},
	consoletest.ExtraRows:    {waits: []kinds.Kind{kinds.Unavailable}},
	consoletest.EndlessBody:  {waits: []kinds.Kind{kinds.Unavailable}},
}

// requireOutcome runs the first attempt and holds it against what is expected.
func (b *syncFixture) requireOutcome(want outcome, in wire.SyncDrainInput) {
	b.t.Helper()
	got, err := execute[wire.SyncDrainResult](b, wire.SyncDrainActivity, in)
	switch {
	case err == nil && want.doubt:
		require.NotEmpty(b.t, got.Doubt)
	case err == nil:
		require.True(b.t, want.proven, "%s: proven, in spite of the fault", in.Collection)
		require.Empty(b.t, got.Doubt)
	case want.final != "":
		require.Equal(b.t, string(want.final), attempttest.ApplicationError(b.t, err).Type())
		require.True(b.t, attempttest.ApplicationError(b.t, err).NonRetryable())
	default:
		require.Contains(b.t, want.waits, kinds.Kind(attempttest.ApplicationError(b.t, err).Type()), err)
		require.False(b.t, attempttest.ApplicationError(b.t, err).NonRetryable())
	}
}

// Every fault, at every collection, on the first page and amid the walk: it is
// waited out, doubted or final, and once it is over the sync is right.
func TestDrain_EveryFaultAtEveryCollection(t *testing.T) {
	t.Parallel()
	for _, kind := range append(consoletest.FaultKinds(), consoletest.FloodKinds()...) {
		if kind == consoletest.Stale {
			continue // of writes alone
		}
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			want, known := outcomes[kind]
			require.True(t, known, "say here what is expected of the new fault")
			b := newSyncFixture(t, consoletest.Options{Sites: 1001, Users: 1002}) // two pages of each
			b.begin("s1")
			for _, c := range access.Collections() {
				n := b.size(c)
				in := wire.SyncDrainInput{Snapshot: "s1", Collection: c, Expected: &n}
				for _, after := range []int{0, 1} {
					if n <= console.PageLimit && after > 0 {
						continue
					}
					in.Attempt++
					id := b.console.AddFault(consoletest.Fault{
						Name: kind, Path: path(c), Only: consoletest.OnlyPages, After: after, Times: 1,
						Delay: delayOf(kind),
					})
					b.requireOutcome(want, in)
					require.Equal(t, 1, b.console.FaultsFired(id), "the fault was met")
					b.console.ClearFaults()
				}
				in.Attempt++
				last, err := b.drain(in)
				require.NoError(t, err)
				require.Equal(
					t,
					wire.SyncDrainResult{Pages: last.Pages, Rows: n, Expected: &n, Requests: last.Requests},
					last,
				)
			}
			got := b.mustSettle(settleInput("s1"))
			require.Equal(t, "promoted", got.State)
			b.requireTruth()
		})
	}
}

func delayOf(kind consoletest.FaultKind) time.Duration {
	if kind == consoletest.Slow {
		return 10 * time.Millisecond
	}
	return 0
}

// A fault that stays never makes a walk look proven.
func TestDrain_FaultsThatStay(t *testing.T) {
	t.Parallel()
	for kind, want := range outcomes {
		if kind == consoletest.Slow {
			continue
		}
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := newSyncFixture(t, consoletest.Options{})
			b.begin("s1")
			want.proven = false
			for _, c := range access.Collections() {
				b.console.AddFault(consoletest.Fault{Name: kind, Path: path(c), Only: consoletest.OnlyPages})
				n := b.size(c)
				for i := range 3 {
					b.requireOutcome(
						want,
						wire.SyncDrainInput{Snapshot: "s1", Collection: c, Attempt: 1 + i, Expected: &n},
					)
				}
			}
		})
	}
}

// A console that takes longer than the client waits is one that does not answer.
func TestDrain_SlowerThanTheClientWaits(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.begin("s1")
	hasty, err := console.New(console.Config{
		BaseURL: b.console.URL, Token: console.StaticToken(b.console.Token()), Timeout: 50 * time.Millisecond,
	})
	require.NoError(t, err)
	patient := b.sync.console
	b.sync.console = hasty
	b.console.AddFault(consoletest.Fault{Name: consoletest.Slow, Delay: time.Minute})
	b.requireOutcome(outcome{waits: []kinds.Kind{kinds.Unavailable}}, users(1))

	b.sync.console = patient
	b.console.ClearFaults()
	b.requireOutcome(outcome{proven: true}, users(1))
}

// An answer without rows amid a walk ends it early; the totals give it away.
func TestDrain_EmptyPageIsDoubted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after int
		want  string
	}{
		"first page": {0, "the console's pages count 0 users, but asked alone it counts 3500"},
		"mid walk":   {2, "the console's count of users moved from 3500 to 0 while they were read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newSyncFixture(t, pagesOfUsers)
			b.begin("s1")
			b.console.AddFault(consoletest.Fault{
				Name: consoletest.EmptyPage, Path: "/users", Only: consoletest.OnlyPages, After: c.after,
			})
			in := users(1)
			in.Expected = new(3500)
			got := b.mustDrain(in)
			require.Equal(t, c.want, got.Doubt)
		})
	}
}

// Rows that come and go while the sync pages are doubted, unless what was seen
// is what there is.
func TestDrain_EditsDuringTheWalk(t *testing.T) {
	t.Parallel()
	add := func(b *syncFixture) {
		_, err := b.console.AddUser(access.Principal{})
		require.NoError(b.t, err)
	}
	removeSeen := func(b *syncFixture) { require.True(b.t, b.console.RemoveUser(b.userIDs()[0])) }
	removeUnseen := func(b *syncFixture) { require.True(b.t, b.console.RemoveUser(b.userIDs()[3000])) }
	cases := map[string]struct {
		edits []func(*syncFixture)
		doubt string
	}{
		"added":          {[]func(*syncFixture){add}, "moved from 3500 to 3501"},
		"seen removed":   {[]func(*syncFixture){removeSeen}, "moved from 3500 to 3499"},
		"unseen removed": {[]func(*syncFixture){removeUnseen}, "moved from 3500 to 3499"},
		"seen replaced": {
			[]func(*syncFixture){removeSeen, add}, "3501 different users were received where the console counts 3500",
		},
		"unseen replaced": {[]func(*syncFixture){removeUnseen, add}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newSyncFixture(t, pagesOfUsers)
			b.begin("s1")
			b.onSecondPage(func() {
				for _, edit := range c.edits {
					edit(b)
				}
			})
			in := users(1)
			in.Expected = new(3500)
			got := b.mustDrain(in)
			if c.doubt == "" {
				require.Empty(t, got.Doubt)
			} else {
				require.Contains(t, got.Doubt, c.doubt)
				require.Empty(t, b.mustDrain(users(2)).Doubt)
			}
			for _, other := range without(access.Collections(), []access.Collection{access.Users}) {
				b.mustDrain(wire.SyncDrainInput{Snapshot: "s1", Collection: other, Attempt: 1})
			}
			require.Equal(t, "promoted", b.mustSettle(settleInput("s1")).State)
			b.requireTruth()
		})
	}
}

// onSecondPage does something once, before the second page is answered.
func (b *syncFixture) onSecondPage(do func()) {
	var once sync.Once
	b.console.OnRequest(func(r consoletest.Request) {
		if r.Page() && r.Cursor != "" {
			once.Do(do)
		}
	})
}

// userIDs are the console's users in the order of its list.
func (b *syncFixture) userIDs() []string {
	var out []string
	for _, p := range b.console.Truth().Principals {
		if p.Kind == access.User {
			out = append(out, p.ID)
		}
	}
	return out
}
