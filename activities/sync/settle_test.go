package sync

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

const ana = "ana@example.com"

// The first sync promotes what is there, the next one finds it unchanged, and
// one after an edit brings just that.
func TestSettle_PromotedUnchangedPromoted(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	first := b.syncAll("s1")
	held := len(b.console.Truth().Assignments())
	require.Equal(t, "promoted", first.State)
	require.Equal(t, map[string]int{
		"accounts": 1, "sites": 3, "roles": 10, "users": 20, "serviceUsers": 10, "assignments": held,
	}, first.Counts)
	require.Equal(t, held, first.Added)
	require.Empty(t, first.Reasons)
	b.requireTruth()

	second := b.syncAll("s2")
	require.Equal(t, "unchanged", second.State)
	require.Zero(t, second.Added+second.Removed)
	require.Equal(t, first.Counts, second.Counts)

	_, err := b.console.AddUser(access.Principal{})
	require.NoError(t, err)
	third := b.syncAll("s3")
	require.Equal(t, "promoted", third.State)
	require.Equal(t, 1, third.Added)
	require.Zero(t, third.Removed)
	b.requireTruth()
}

// Settled again, the answer is the same and nothing happens twice.
func TestSettle_TwiceHasOneEffect(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	first := b.syncAll("s1")
	again := b.mustSettle(settleInput("s1"))
	require.LessOrEqual(t, again.Requests, 1, "the roles are asked for while the store looks")
	again.At, again.Requests = first.At, first.Requests
	require.Equal(t, first, again)
	require.Equal(t, "unchanged", b.syncAll("s2").State)
	b.requireTruth()
}

// quarantine makes a first sync, removes 12 of 20 users and syncs again.
func quarantine(t *testing.T) *syncFixture {
	t.Helper()
	b := newSyncFixture(t, consoletest.Options{})
	b.syncAll("s1")
	b.console.RemoveUsers(12)
	got := b.syncAll("s2")
	require.Equal(t, wire.SettledQuarantined, got.State)
	require.Contains(t, got.Reasons, "12 of 20 users would be gone (more than 25 %)")
	require.Equal(t, 8, got.Counts["users"])
	return b
}

// A loss that goes too far is held back: readers still see what was before, and
// asking again changes nothing.
func TestSettle_MassLossIsQuarantined(t *testing.T) {
	t.Parallel()
	b := quarantine(t)
	count := func() int {
		n := 0
		for _, p := range b.kept().Principals {
			if p.Kind == access.User {
				n++
			}
		}
		return n
	}
	require.Equal(t, 20, count())
	waiting, err := b.store.Quarantined(t.Context(), b.sync.console.Console())
	require.NoError(t, err)
	require.Len(t, waiting, 1)
	require.Equal(t, "s2", waiting[0].ID)

	require.Equal(t, wire.SettledQuarantined, b.mustSettle(settleInput("s2")).State)
	require.Equal(t, 20, count())
}

// What someone confirmed is promoted, once, under their name.
func TestPromote_Confirmed(t *testing.T) {
	t.Parallel()
	b := quarantine(t)
	in := wire.SyncPromoteInput{Snapshot: "s2", Collections: access.Collections(), By: ana}
	first := b.mustPromote(in)
	require.Equal(t, "promoted", first.State)
	require.Positive(t, first.Removed)
	b.requireTruth()

	second := b.mustPromote(in)
	second.At = first.At
	require.Equal(t, first, second)
	latest, err := b.store.Latest(t.Context(), b.sync.console.Console(), nil)
	require.NoError(t, err)
	require.Equal(t, "s2", latest.ID)
	require.Equal(t, ana, latest.DecidedBy)

	_, err = execute[struct{}](
		b,
		wire.SyncDiscardActivity,
		wire.SyncDiscardInput{Snapshot: "s2", By: "bob@example.com", Why: "late"},
	)
	require.Equal(
		t,
		string(kinds.Conflict),
		attempttest.ApplicationError(t, err).Type(),
		"what was promoted is not discarded",
	)
	b.requireTruth()
}

// What someone discarded leaves no trace for readers, and cannot be promoted.
func TestDiscard_TwiceHasOneEffect(t *testing.T) {
	t.Parallel()
	b := quarantine(t)
	before := b.kept()
	in := wire.SyncDiscardInput{Snapshot: "s2", By: ana, Why: "discarded by " + ana}
	b.mustDiscard(in)
	b.mustDiscard(in)
	require.Equal(t, before, b.kept())
	waiting, err := b.store.Quarantined(t.Context(), b.sync.console.Console())
	require.NoError(t, err)
	require.Empty(t, waiting)

	_, err = execute[wire.SyncSettleResult](b, wire.SyncPromoteActivity, wire.SyncPromoteInput{
		Snapshot: "s2", Collections: access.Collections(), By: ana,
	})
	require.Equal(t, string(kinds.Conflict), attempttest.ApplicationError(t, err).Type())
	require.True(t, attempttest.ApplicationError(t, err).NonRetryable())
	require.Equal(t, before, b.kept())
}

// A sync that broke off drops what it had received; the next one is right.
func TestDiscard_Failed(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.begin("s1")
	b.mustDrain(users(1))
	b.mustDiscard(wire.SyncDiscardInput{Snapshot: "s1", Why: "cancelled", Failed: true})
	progress, err := b.store.Progress(t.Context(), "s1")
	require.NoError(t, err)
	require.Equal(t, "failed", progress.State)
	require.Equal(t, "promoted", b.syncAll("s2").State)
	b.requireTruth()
}

// A few rows may go without anybody being asked.
func TestSettle_SmallLossIsPromoted(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.syncAll("s1")
	b.console.RemoveServiceUsers(2)
	got := b.syncAll("s2")
	require.Equal(t, "promoted", got.State)
	require.Equal(t, 8, got.Counts["serviceUsers"])
	b.requireTruth()
}

// A console that answers every question about a collection with nothing looks as
// if all had been deleted. Nobody is marked gone before a person has said so.
func TestSettle_EmptyAnswersAreQuarantined(t *testing.T) {
	t.Parallel()
	for _, c := range access.Collections() {
		t.Run(string(c), func(t *testing.T) {
			t.Parallel()
			b := newSyncFixture(t, consoletest.Options{})
			b.syncAll("s1")
			n := b.size(c)
			b.console.AddFault(consoletest.Fault{Name: consoletest.EmptyPage, Path: path(c)})
			got := b.syncAll("s2")
			require.Equal(t, wire.SettledQuarantined, got.State)
			require.Contains(t, fmt.Sprint(got.Reasons), fmt.Sprintf("%d %s would be gone", n, c))
			b.requireTruth()
		})
	}
}

// A collection that could not be proven is never promoted silently.
func TestSettle_DoubtIsQuarantined(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.begin("s1")
	b.drainAll("s1")
	in := settleInput("s1")
	in.Doubts = map[access.Collection]string{access.Sites: "2 different sites were received where the console counts 3"}
	got := b.mustSettle(in)
	require.Equal(t, wire.SettledQuarantined, got.State)
	require.Equal(t, []string{
		"not proven complete: 2 different sites were received where the console counts 3",
	}, got.Reasons)
	b.requireNothingPromoted()
}

// manyRoles has enough roles for their counts to be believed.
var manyRoles = consoletest.Options{Users: 400, CustomRoles: 34, Sites: 5}

// swapRole gives one user, behind the sync's back, another single role.
func (b *syncFixture) swapRole() {
	b.t.Helper()
	truth := b.console.Truth()
	for _, p := range truth.Principals {
		if p.Kind != access.User || len(p.Held) != 1 || p.Level != access.SiteLevel {
			continue
		}
		held := p.Held[0]
		for _, r := range truth.Roles {
			if r.Predefined && r.ID != held.RoleID {
				held.RoleID = r.ID
				require.NoError(b.t, b.console.SetUserRoles(p.ID, p.Level, []access.HeldRole{held}))
				return
			}
		}
	}
	require.Fail(b.t, "no user with a single role at a site")
}

// A role whose members differ from the console's own count has the principals
// walked again, which brings the change; nothing is promoted before.
func TestSettle_RolesThatDoNotBalance(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, manyRoles)
	b.begin("s1")
	b.drainAll("s1")
	b.swapRole()
	got := b.mustSettle(settleInput("s1"))
	require.Equal(t, wire.SettledAgain, got.State)
	require.Equal(t, []access.Collection{access.Users, access.ServiceUsers}, got.Again)
	require.Contains(t, got.Why, "the console counts")
	b.requireNothingPromoted()

	for _, c := range got.Again {
		b.mustDrain(wire.SyncDrainInput{Snapshot: "s1", Collection: c, Attempt: 2})
	}
	in := settleInput("s1")
	in.Rechecked = true
	got = b.mustSettle(in)
	require.Equal(t, "promoted", got.State)
	require.Empty(t, got.Warnings)
	b.requireTruth()
}

// What still differs after the second look is a warning and holds nothing up.
func TestSettle_RolesThatNeverBalance(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, manyRoles)
	b.begin("s1")
	b.drainAll("s1")
	b.swapRole()
	in := settleInput("s1")
	in.Rechecked = true
	got := b.mustSettle(in)
	require.Equal(t, "promoted", got.State)
	require.Len(t, got.Warnings, 2)
}

// Counts that are missing, or that no reading explains, hold nothing up.
func TestSettle_RoleCountsThatSayNothing(t *testing.T) {
	t.Parallel()
	for _, counts := range []consoletest.RoleCount{consoletest.CountAbsent, consoletest.CountWrong} {
		t.Run(string(counts), func(t *testing.T) {
			t.Parallel()
			b := newSyncFixture(t, consoletest.Options{UsersInRoles: counts})
			got := b.syncAll("s1")
			require.Equal(t, "promoted", got.State)
			require.Empty(t, got.Warnings)
			b.requireTruth()
		})
	}
}

// A sync that a later one has overtaken leaves its older sight out, and ends.
func TestSettle_OvertakenByALaterSync(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.begin("s1")
	b.drainAll("s1")
	_, err := b.console.AddUser(access.Principal{})
	require.NoError(t, err)
	require.Equal(t, "promoted", b.syncAll("s2").State)
	b.requireTruth()

	got := b.mustSettle(settleInput("s1"))
	require.Equal(t, "unchanged", got.State)
	require.Zero(t, got.Added+got.Removed)
	require.Equal(t, 21, got.Counts["users"], "as readers see it")
	require.Len(t, got.Warnings, 5)
	require.Contains(t, got.Warnings[3], "users are left out: a sync begun later was promoted first")
	b.requireTruth()

	again := b.mustSettle(settleInput("s1"))
	again.At = got.At
	require.Equal(t, got, again, "twice has one effect")
}

// A quarantined sync that later ones have overtaken promotes nothing when it is
// confirmed, and waits for nobody any more.
func TestPromote_OvertakenWhileQuarantined(t *testing.T) {
	t.Parallel()
	b := quarantine(t)
	b.begin("s3")
	b.drainAll("s3")
	b.mustPromote(wire.SyncPromoteInput{Snapshot: "s3", Collections: access.Collections(), By: ana})
	b.requireTruth()
	in := wire.SyncPromoteInput{Snapshot: "s2", Collections: access.Collections(), By: ana}
	got := b.mustPromote(in)
	require.Equal(t, "unchanged", got.State)
	require.Len(t, got.Warnings, 5)
	again := b.mustPromote(in)
	again.At = got.At
	require.Equal(t, got, again)
	waiting, err := b.store.Quarantined(t.Context(), b.sync.console.Console())
	require.NoError(t, err)
	require.Empty(t, waiting)
	b.requireTruth()
}

// Of a sync overtaken in one collection the others are promoted.
func TestSettle_OvertakenInPart(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.begin("s1")
	b.drainAll("s1")
	only := []access.Collection{access.Users}
	b.mustBegin(wire.SyncBeginInput{Snapshot: "s2", Collections: only, StartedAt: b.sync.now().UTC()})
	b.mustDrain(wire.SyncDrainInput{Snapshot: "s2", Collection: access.Users, Attempt: 1})
	b.mustSettle(wire.SyncSettleInput{Snapshot: "s2", Collections: only})

	in := settleInput("s1")
	in.Doubts = map[access.Collection]string{access.Users: "a doubt about what is left out anyway"}
	got := b.mustSettle(in)
	require.Equal(t, "promoted", got.State)
	require.Equal(t, []string{"users are left out: a sync begun later was promoted first"}, got.Warnings)
	b.requireTruth()
}

// A later sync is promoted after this one was assessed and before its members are
// counted. What this one received is cleared then; that is no loss.
func TestSettle_OvertakenWhileCountingMembers(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.begin("s1")
	b.drainAll("s1")
	b.console.OnRequest(func(r consoletest.Request) {
		if r.Path != "/rbac/roles" {
			return
		}
		b.console.OnRequest(nil)
		b.begin("s2")
		b.drainAll("s2")
		b.mustPromote(wire.SyncPromoteInput{
			Snapshot: "s2", Collections: access.Collections(), By: ana,
		})
	})
	got := b.mustSettle(settleInput("s1"))
	require.Equal(t, "unchanged", got.State)
	require.Len(t, got.Warnings, 5)
	b.requireTruth()
}

// A sync whose base an earlier one has changed meanwhile walks again and is then
// right.
func TestSettle_OvertakenByAnEarlierSync(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.begin("s1")
	b.drainAll("s1")
	b.begin("s2")
	b.drainAll("s2")
	require.Equal(t, "promoted", b.mustSettle(settleInput("s1")).State)
	_, err := b.console.AddUser(access.Principal{})
	require.NoError(t, err)

	got := b.mustSettle(settleInput("s2"))
	require.Equal(t, wire.SettledAgain, got.State)
	require.Equal(t, access.Collections(), got.Again)
	for _, c := range got.Again {
		b.mustDrain(wire.SyncDrainInput{Snapshot: "s2", Collection: c, Attempt: 2})
	}
	got = b.mustSettle(settleInput("s2"))
	require.Equal(t, "promoted", got.State)
	require.Equal(t, 1, got.Added)
	b.requireTruth()
}

// Some collections alone leave the others as they were, and ask nothing about
// roles' members.
func TestSettle_SomeCollections(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.syncAll("s1")
	_, err := b.console.AddSite(access.Site{Name: "Berlin"})
	require.NoError(t, err)
	b.console.RemoveUsers(3)
	only := []access.Collection{access.Sites}
	b.mustBegin(wire.SyncBeginInput{Snapshot: "s2", Collections: only, StartedAt: b.sync.now().UTC()})
	b.mustDrain(wire.SyncDrainInput{Snapshot: "s2", Collection: access.Sites, Attempt: 1})
	b.console.ResetRequests()
	got := b.mustSettle(wire.SyncSettleInput{Snapshot: "s2", Collections: only})
	require.Equal(t, "promoted", got.State)
	require.Zero(t, got.Requests)
	require.Zero(t, b.console.RequestCount())
	kept := b.kept()
	require.Equal(t, stateOf(b.console.Truth()).Sites, kept.Sites)
	require.Len(t, kept.Principals, 30)
}

// A console that is down while a sync is settled is waited out, and says so.
func TestSettle_ConsoleDown(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.begin("s1")
	b.drainAll("s1")
	b.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway})
	_, err := execute[wire.SyncSettleResult](b, wire.SyncSettleActivity, settleInput("s1"))
	require.Equal(t, string(kinds.Unavailable), attempttest.ApplicationError(t, err).Type())
	progress, err := b.store.Progress(t.Context(), "s1")
	require.NoError(t, err)
	require.NotNil(t, progress.Note)
	require.Contains(t, progress.Note.Text, "GET /rbac/roles: 502")
	b.console.ClearFaults()
	require.Equal(t, "promoted", b.mustSettle(settleInput("s1")).State)
	b.requireTruth()
}
