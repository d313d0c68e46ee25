package sync

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// deltaFixture is a console on which delta syncs can go on from a full sync.
type deltaFixture struct {
	*syncFixture

	runs int
}

// newDeltaFixture makes a first delta sync, which asks for a full one, and that full sync.
func newDeltaFixture(t *testing.T, o consoletest.Options, tweaks ...func(*console.Config)) *deltaFixture {
	t.Helper()
	server, client := attempttest.Console(t, o, tweaks...)
	b := &deltaFixture{syncFixture: newSyncFixtureOf(t, server, client)}
	first := b.delta()
	require.Equal(t, "this is the first delta sync of the console", first.Full)
	b.full()
	b.console.ResetRequests()
	return b
}

func (b *deltaFixture) name(kind string) string {
	b.runs++
	return kind + "-" + string(rune('0'+b.runs/100%10)) + string(rune('0'+b.runs/10%10)) + string(rune('0'+b.runs%10))
}

func (b *deltaFixture) delta() wire.SyncDeltaResult {
	b.t.Helper()
	return mustExecute[wire.SyncDeltaResult](b.syncFixture, wire.SyncDeltaActivity,
		wire.SyncDeltaInput{Snapshot: b.name("delta")})
}

// full is a whole sync with its check, as the workflow makes it.
func (b *deltaFixture) full() wire.SyncSettleResult {
	b.t.Helper()
	id := b.name("full")
	b.begin(id)
	b.mustCheck(wire.SyncCheckInput{Snapshot: id, Collections: access.Collections()})
	b.drainAll(id)
	in := settleInput(id)
	in.Rechecked = true
	out := b.mustSettle(in)
	require.Contains(b.t, []string{"promoted", "unchanged"}, out.State, "%v", out.Reasons)
	return out
}

// sure is a delta sync that is sure to have seen everything.
func (b *deltaFixture) sure() wire.SyncSettleResult {
	b.t.Helper()
	out := b.delta()
	require.Empty(b.t, out.Full)
	return out.Settled
}

func (b *deltaFixture) feed() store.Feed {
	b.t.Helper()
	f, err := b.store.Feed(b.t.Context(), b.sync.console.Console(), "")
	require.NoError(b.t, err)
	return f
}

func (b *deltaFixture) paths() []string {
	var out []string
	for _, r := range b.console.Requests() {
		out = append(out, r.Path)
	}
	return out
}

func (b *deltaFixture) someone(kind access.Kind, n int) access.Principal {
	b.t.Helper()
	for _, p := range b.console.Truth().Principals {
		if p.Kind == kind && p.Level == access.SiteLevel {
			if n--; n < 0 {
				return p
			}
		}
	}
	b.t.Fatal("no such principal")
	return access.Principal{}
}

func (b *deltaFixture) heldSomewhere() []access.HeldRole {
	t := b.console.Truth()
	return []access.HeldRole{ // nobody holds just these
		{RoleID: t.Roles[2].ID, ScopeID: t.Sites[len(t.Sites)-1].ID}, {RoleID: t.Roles[3].ID, ScopeID: t.Sites[0].ID},
	}
}

// An unchanged console costs two requests, delta after delta, and leaves no snapshot.
func TestDelta_UnchangedConsoleCostsTwoRequests(t *testing.T) {
	t.Parallel()
	b := newDeltaFixture(t, consoletest.Options{})
	before, err := b.store.Latest(t.Context(), b.sync.console.Console(), nil)
	require.NoError(t, err)
	for _, want := range [][]string{{"/users", "/activities"}, {"/service-users", "/activities"}} {
		b.console.ResetRequests()
		out := b.sure()
		require.Equal(t, "unchanged", out.State)
		require.Equal(t, 2, out.Requests)
		require.Equal(t, want, b.paths())
		require.Equal(t, before.Counts, out.Counts)
	}
	after, err := b.store.Latest(t.Context(), b.sync.console.Console(), nil)
	require.NoError(t, err)
	require.Equal(t, before.ID, after.ID)
	b.requireTruth()
}

// Whoever was created, changed or deleted is refetched by id; the store shows the console, and each change its author.
func TestDelta_FollowsTheFeed(t *testing.T) {
	t.Parallel()
	b := newDeltaFixture(t, consoletest.Options{Users: 60, ServiceUsers: 60})
	held := b.heldSomewhere()
	user, service := b.someone(access.User, 0), b.someone(access.ServiceUser, 0)
	require.NoError(t, b.console.SetUserRoles(user.ID, access.SiteLevel, held))
	require.NoError(t, b.console.SetServiceUserRoles(service.ID, access.SiteLevel, held))
	require.True(t, b.console.RemoveUser(b.someone(access.User, 3).ID))
	require.True(t, b.console.RemoveServiceUser(b.someone(access.ServiceUser, 3).ID))
	_, err := b.console.AddUser(access.Principal{Email: "new.ana@example.com"})
	require.NoError(t, err)
	_, err = b.console.AddServiceUser(access.Principal{})
	require.NoError(t, err)

	out := b.sure()

	require.Equal(t, "promoted", out.State)
	b.requireTruth()
	// A count, the feed, a batch of users, the deleted one alone, three service users, and a list without the deleted
	// one, since an older console may lack the call.
	require.Equal(t, 1+1+1+1+3+1, out.Requests)
	changes, err := b.store.Changes(t.Context(), store.ChangesQuery{Console: b.sync.console.Console()})
	require.NoError(t, err)
	authored := 0
	for _, c := range changes {
		if slices.Contains([]string{user.ID, service.ID}, c.ID) && c.By != nil {
			require.Equal(t, []string{"Carol Roy"}, c.By)
			authored++
		}
	}
	require.NotZero(t, authored)
	require.Equal(t, "unchanged", b.sure().State, "what was seen is not new again")
}

// A hundred changes among a thousand users cost at most ten requests, and one for each principal; users come in
// batches.
func TestDelta_CostsOneRequestPerPrincipal(t *testing.T) {
	t.Parallel()
	b := newDeltaFixture(t, consoletest.Options{Users: 1000, ServiceUsers: 30})
	for i, p := range b.console.Truth().Principals {
		switch {
		case p.Kind == access.User && i%10 == 0 && i < 900:
			require.NoError(t, b.console.SetUserRoles(p.ID, access.SiteLevel, b.heldSomewhere()))
		case p.Kind == access.ServiceUser && i%3 == 0:
			require.NoError(t, b.console.SetServiceUserRoles(p.ID, access.SiteLevel, b.heldSomewhere()))
		}
	}
	out := b.sure()
	require.Equal(t, "promoted", out.State)
	require.Equal(t, 1+1+1+10, out.Requests, "a count, the feed, one batch of users, ten service users")
	b.requireTruth()
}

// A service user that moves to another level looks deleted in the feed, and is there: only the fetch by id counts.
func TestDelta_BelievesADeletionOnlyAfterAFetch(t *testing.T) {
	t.Parallel()
	b := newDeltaFixture(t, consoletest.Options{})
	service := b.someone(access.ServiceUser, 0)
	role := []access.HeldRole{{RoleID: b.console.Truth().Roles[0].ID}}
	require.NoError(t, b.console.SetServiceUserRoles(service.ID, access.Tenant, role))
	require.Equal(t, "promoted", b.sure().State)
	b.requireTruth()

	// A batch that lacks somebody proves nothing either.
	user := b.someone(access.User, 0)
	require.NoError(t, b.console.SetUserRoles(user.ID, access.SiteLevel, b.heldSomewhere()))
	b.console.AddFault(consoletest.Fault{Name: consoletest.EmptyPage, Path: "/users", Only: consoletest.OnlyPages})
	require.Equal(t, "promoted", b.sure().State)
	b.requireTruth()
}

// New roles, sites and accounts are read as whole lists, also where only a principal tells of them.
func TestDelta_ReadsListsAnew(t *testing.T) {
	t.Parallel()
	b := newDeltaFixture(t, consoletest.Options{})
	_, err := b.console.AddRole(access.Role{Name: "Auditors"})
	require.NoError(t, err)
	_, err = b.console.AddAccount(access.Account{})
	require.NoError(t, err)
	site, err := b.console.AddSite(access.Site{})
	require.NoError(t, err)
	require.Equal(t, "promoted", b.sure().State)
	b.requireTruth()
	require.NotEmpty(t, site)

	// The entry about a new site is lost, but a user has a role there.
	b.console.SetFeed(consoletest.Feed{LoseEvery: 1})
	site, err = b.console.AddSite(access.Site{})
	require.NoError(t, err)
	b.console.SetFeed(consoletest.Feed{})
	held := []access.HeldRole{{RoleID: b.console.Truth().Roles[0].ID, ScopeID: site}}
	require.NoError(t, b.console.SetUserRoles(b.someone(access.User, 0).ID, access.SiteLevel, held))
	require.Equal(t, "promoted", b.sure().State)
	b.requireTruth()
}

// Each reason for which a delta sync cannot be sure; each time the full sync that follows ends it.
func TestDelta_FallsBackToAFullSync(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		options consoletest.Options
		make    func(b *deltaFixture)
		why     string
	}{
		"count moved, feed empty": {make: func(b *deltaFixture) {
			b.console.SetFeed(consoletest.Feed{LoseEvery: 1})
			b.console.RemoveUsers(1)
		}, why: "the console counts 19 users and the last sync saw 20"},
		"too many": {options: consoletest.Options{Users: 900}, make: func(b *deltaFixture) {
			b.console.RemoveUsers(201)
		}, why: "more than 200 principals"},
		"not read for long": {make: func(b *deltaFixture) {
			b.sync.now = func() time.Time { return time.Now().Add(7*24*time.Hour + time.Minute) }
		}, why: "not read for more than 7 days"},
		"no permission": {make: func(b *deltaFixture) {
			b.console.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: "/activities", Times: 1})
		}, why: "Activity Page.view"},
		"unknown type": {make: func(b *deltaFixture) {
			b.console.SetFeed(consoletest.Feed{MissingTypes: []int{37}})
		}, why: "activityTypes"},
		"role deleted": {make: func(b *deltaFixture) {
			roles := b.console.Truth().Roles
			require.NoError(b.t, b.console.RemoveRole(roles[len(roles)-1].ID, roles[0].ID))
		}, why: "a role was deleted"},
		"site deleted": {make: func(b *deltaFixture) {
			sites := b.console.Truth().Sites
			require.True(b.t, b.console.RemoveSite(sites[len(sites)-1].ID))
		}, why: "a site or account was deleted"},
		"mass loss": {options: consoletest.Options{Users: 40}, make: func(b *deltaFixture) {
			b.console.RemoveUsers(12)
			b.sync.guard = Guard{MaxPercent: 25, MinRows: 10}
		}, why: "12 of 40 users would be gone"},
		"quarantined full sync": {make: func(b *deltaFixture) {
			b.begin("other")
			require.NoError(b.t, b.store.Quarantine(b.t.Context(), "other", []string{"chance"}))
		}, why: "has not ended"},
		"terminated full sync": {make: func(b *deltaFixture) {
			b.begin("other")
			b.sync.now = func() time.Time { return time.Now().Add(time.Hour + time.Minute) }
		}, why: "has not ended"},
		"a name that nobody has": {make: func(b *deltaFixture) {
			b.console.SetFeed(consoletest.Feed{NamesOnly: true})
			_, err := b.console.AddServiceUser(access.Principal{Name: "svc.new"})
			require.NoError(b.t, err)
		}, why: `names "svc.new" without an id`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newDeltaFixture(t, c.options)
			c.make(b)
			before := b.kept()
			out := b.delta()
			require.Contains(t, out.Full, c.why)
			require.Equal(t, before, b.kept(), "nothing was changed")
			b.sync.guard = Guard{MaxPercent: 100, MinRows: 10}
			b.full()
			b.requireTruth()
			require.Equal(t, "unchanged", b.sure().State, "delta syncs go on afterwards")
		})
	}
}

// While a full sync runs, also one that begins during the delta, the delta leaves everything to it.
func TestDelta_LeavesItToAFullSync(t *testing.T) {
	t.Parallel()
	b := newDeltaFixture(t, consoletest.Options{})
	require.NoError(t, b.console.SetUserRoles(b.someone(access.User, 1).ID, access.SiteLevel, b.heldSomewhere()))
	before := b.kept()
	b.console.OnRequest(func(r consoletest.Request) {
		if r.Path == "/activities" {
			b.begin("other")
		}
	})
	for range 2 {
		out := b.sure()
		require.Equal(t, "unchanged", out.State)
		require.Equal(t, []string{"a full sync is under way: it reads what this delta sync would have"}, out.Warnings)
		require.Equal(t, before, b.kept())
		b.console.OnRequest(nil)
	}
	b.drainAll("other")
	require.Equal(t, "promoted", b.mustSettle(settleInput("other")).State)
	b.requireTruth()
	require.Equal(t, "unchanged", b.sure().State)
}

// A console whose feed lacks a type without which nothing can be followed gets full syncs, and the reason.
func TestDelta_FeedThatIsOfNoUse(t *testing.T) {
	t.Parallel()
	b := newDeltaFixture(t, consoletest.Options{})
	b.console.SetFeed(consoletest.Feed{MissingTypes: []int{142}})
	b.full()
	require.Contains(t, b.delta().Full, "does not know activities of type 142")
	b.console.SetFeed(consoletest.Feed{MissingTypes: []int{37}})
	b.full()
	require.Equal(t, "unchanged", b.sure().State, "one of two types in a pair is enough")
	b.console.RemoveUsers(1)
	require.Equal(t, "promoted", b.sure().State)
	b.requireTruth()
}

// An entry without an id is resolved by the address or the name, in the database and then on the console.
func TestDelta_ResolvesNames(t *testing.T) {
	t.Parallel()
	b := newDeltaFixture(t, consoletest.Options{Users: 40})
	b.console.SetFeed(consoletest.Feed{NamesOnly: true})
	require.NoError(t, b.console.SetUserRoles(b.someone(access.User, 1).ID, access.SiteLevel, b.heldSomewhere()))
	require.True(t, b.console.RemoveServiceUser(b.someone(access.ServiceUser, 1).ID))
	_, err := b.console.AddUser(access.Principal{Email: "new.ana@example.com"})
	require.NoError(t, err)
	require.Equal(t, "promoted", b.sure().State)
	b.requireTruth()
}

// The feed and the console may be down for a while: the attempt fails as other activities do, and changes nothing.
func TestDelta_ErrorsThatPassAreRetried(t *testing.T) {
	t.Parallel()
	for _, f := range []consoletest.Fault{
		{Name: consoletest.RateLimited, Path: "/activities", Times: 1},
		{Name: consoletest.ServerError, Path: "/users", Only: consoletest.OnlyPages, Times: 1},
		{Name: consoletest.Truncated, Path: "/activities", Times: 1},
	} {
		b := newDeltaFixture(t, consoletest.Options{})
		require.NoError(t, b.console.SetUserRoles(b.someone(access.User, 1).ID, access.SiteLevel, b.heldSomewhere()))
		b.console.AddFault(f)
		_, err := execute[wire.SyncDeltaResult](b.syncFixture, wire.SyncDeltaActivity,
			wire.SyncDeltaInput{Snapshot: "delta"})
		require.Error(t, err)
		out := mustExecute[wire.SyncDeltaResult](b.syncFixture, wire.SyncDeltaActivity,
			wire.SyncDeltaInput{Snapshot: "delta"})
		require.Equal(t, "promoted", out.Settled.State)
		again := mustExecute[wire.SyncDeltaResult](b.syncFixture, wire.SyncDeltaActivity,
			wire.SyncDeltaInput{Snapshot: "delta"})
		require.Equal(t, "promoted", again.Settled.State, "an attempt whose answer was lost")
		require.Equal(t, out.Settled.Added, again.Settled.Added)
		b.requireTruth()
	}
}

// What a request of ours has changed is in the next delta sync, though the feed has lost it: it must not look missing.
func TestDelta_RefetchesOwnWrites(t *testing.T) {
	t.Parallel()
	b := newDeltaFixture(t, consoletest.Options{})
	user, other := b.someone(access.User, 1), b.someone(access.User, 2)
	b.console.SetFeed(consoletest.Feed{LoseEvery: 1})
	require.NoError(t, b.console.SetUserRoles(user.ID, access.SiteLevel, b.heldSomewhere()))
	b.console.SetFeed(consoletest.Feed{})
	require.NoError(t, b.console.SetUserRoles(other.ID, access.SiteLevel, b.heldSomewhere()))
	b.sync.ExplainingLosses(func(ctx context.Context) error {
		_, err := b.store.SaveClaims(ctx, b.sync.console.Console(), store.ClaimsUpdate{
			To: ledger.Head{Seq: 1, Hash: "one"}, Claims: []store.Claim{{
				ID: "grant/1#run", Op: store.ClaimGrant, Request: "grant/1", Run: "run",
				Holding:   access.Holding{Level: access.SiteLevel, RoleID: b.heldSomewhere()[0].RoleID},
				Principal: ledger.Subject{Kind: access.User, ID: user.ID}, State: store.ClaimOpen, Entry: 1,
				Proven: true, Authorized: true, Began: time.Now(),
			}},
		})
		return err
	})
	require.Equal(t, "promoted", b.sure().State)
	b.requireTruth()
}

// A proof that is recorded late has a time before the last sync: the next delta sync refetches whom it is about, once.
func TestDelta_RefetchesLateProofs(t *testing.T) {
	t.Parallel()
	b := newDeltaFixture(t, consoletest.Options{})
	b.sync.ExplainingLosses(func(context.Context) error { return nil })
	user := b.someone(access.User, 1)
	b.console.SetFeed(consoletest.Feed{LoseEvery: 1})
	require.NoError(t, b.console.SetUserRoles(user.ID, access.SiteLevel, b.heldSomewhere()))
	require.Equal(t, "unchanged", b.sure().State, "nobody knows of it")
	_, err := b.store.Append(t.Context(), b.sync.console.Console(), ledger.NewEntry{
		Request: "grant/1", Key: ledger.ProofKey("grant/1#run/acquire"), At: time.Now().Add(-time.Hour),
		Body: ledger.Proof{Principal: &ledger.Subject{Kind: access.User, ID: user.ID}},
	})
	require.NoError(t, err)
	require.Equal(t, "promoted", b.sure().State)
	b.requireTruth()
	out := b.sure()
	require.Equal(t, "unchanged", out.State)
	require.Equal(t, 2, out.Requests)
}

// A worker of another console refuses.
func TestDelta_OtherConsole(t *testing.T) {
	t.Parallel()
	b := newDeltaFixture(t, consoletest.Options{})
	_, err := execute[wire.SyncDeltaResult](b.syncFixture, wire.SyncDeltaActivity,
		wire.SyncDeltaInput{Snapshot: "delta", Console: "other.sentinelone.net"})
	require.ErrorContains(t, err, "other.sentinelone.net")
}

// Syncs before the first delta sync read nothing of the feed.
func TestDelta_NothingIsReadUnlessWanted(t *testing.T) {
	t.Parallel()
	b := &deltaFixture{syncFixture: newSyncFixture(t, consoletest.Options{})}
	b.full()
	require.False(t, slices.ContainsFunc(b.console.Requests(), func(r consoletest.Request) bool {
		return strings.HasPrefix(r.Path, "/activities") || r.Method != http.MethodGet && r.Method != http.MethodPost
	}))
	require.False(t, b.feed().Wanted)
}
