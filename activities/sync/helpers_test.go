package sync

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// syncFixture is the activities with a real store and a simulated console, run one
// attempt at a time behind the interceptor that the worker has.
type syncFixture struct {
	t       *testing.T
	console *consoletest.Server
	store   *store.Store
	sync    *Activities
}

func newSyncFixture(t *testing.T, o consoletest.Options) *syncFixture {
	t.Helper()
	server, client := attempttest.Console(t, o)
	return newSyncFixtureOf(t, server, client)
}

// newSyncFixtureOf has no server where the test answers for the console itself.
func newSyncFixtureOf(t *testing.T, server *consoletest.Server, client *console.Client) *syncFixture {
	t.Helper()
	db := attempttest.Store(t)
	return &syncFixture{
		t: t, console: server, store: db, sync: New(client, db, Guard{MaxPercent: 25, MinRows: 10}),
	}
}

// env is where one attempt runs.
func (b *syncFixture) env() *testsuite.TestActivityEnvironment {
	env := attempttest.Env()
	b.sync.Register(env)
	return env
}

// execute runs one attempt at the activity of that name.
func execute[Out any](b *syncFixture, name string, in any) (Out, error) {
	b.t.Helper()
	return attempttest.Execute[Out](b.t, b.env(), name, in)
}

// mustExecute runs an attempt that must succeed.
func mustExecute[Out any](b *syncFixture, name string, in any) Out {
	b.t.Helper()
	out, err := execute[Out](b, name, in)
	require.NoError(b.t, err)
	return out
}

func (b *syncFixture) mustBegin(in wire.SyncBeginInput) wire.SyncBeginResult {
	b.t.Helper()
	return mustExecute[wire.SyncBeginResult](b, wire.SyncBeginActivity, in)
}

func (b *syncFixture) mustCheck(in wire.SyncCheckInput) wire.SyncCheckResult {
	b.t.Helper()
	return mustExecute[wire.SyncCheckResult](b, wire.SyncCheckActivity, in)
}

func (b *syncFixture) mustDrain(in wire.SyncDrainInput) wire.SyncDrainResult {
	b.t.Helper()
	return mustExecute[wire.SyncDrainResult](b, wire.SyncDrainActivity, in)
}

func (b *syncFixture) mustSettle(in wire.SyncSettleInput) wire.SyncSettleResult {
	b.t.Helper()
	return mustExecute[wire.SyncSettleResult](b, wire.SyncSettleActivity, in)
}

func (b *syncFixture) mustPromote(in wire.SyncPromoteInput) wire.SyncSettleResult {
	b.t.Helper()
	return mustExecute[wire.SyncSettleResult](b, wire.SyncPromoteActivity, in)
}

func (b *syncFixture) mustDiscard(in wire.SyncDiscardInput) {
	b.t.Helper()
	mustExecute[struct{}](b, wire.SyncDiscardActivity, in)
}

func (b *syncFixture) begin(snapshot string) {
	b.t.Helper()
	b.mustBegin(wire.SyncBeginInput{
		Snapshot: snapshot, Collections: access.Collections(), StartedAt: time.Now().UTC(),
	})
}

// drain walks a collection, attempt after attempt while they may be repeated.
func (b *syncFixture) drain(in wire.SyncDrainInput) (wire.SyncDrainResult, error) {
	b.t.Helper()
	var err error
	for range 10 {
		var out wire.SyncDrainResult
		out, err = execute[wire.SyncDrainResult](b, wire.SyncDrainActivity, in)
		if err == nil || attempttest.ApplicationError(b.t, err).NonRetryable() {
			return out, err
		}
	}
	return wire.SyncDrainResult{}, err
}

// drainAll walks every collection to a proven end.
func (b *syncFixture) drainAll(snapshot string) {
	b.t.Helper()
	for _, c := range access.Collections() {
		out, err := b.drain(wire.SyncDrainInput{Snapshot: snapshot, Collection: c, Attempt: 1})
		require.NoError(b.t, err)
		require.Empty(b.t, out.Doubt)
	}
}

func settleInput(snapshot string) wire.SyncSettleInput {
	return wire.SyncSettleInput{Snapshot: snapshot, Collections: access.Collections()}
}

// syncAll is a whole sync.
func (b *syncFixture) syncAll(snapshot string) wire.SyncSettleResult {
	b.t.Helper()
	b.begin(snapshot)
	b.drainAll(snapshot)
	return b.mustSettle(settleInput(snapshot))
}

// requireTruth holds what readers see against the console's own state.
func (b *syncFixture) requireTruth() {
	b.t.Helper()
	require.Equal(b.t, stateOf(b.console.Truth()), b.kept())
}

func (b *syncFixture) requireNothingPromoted() {
	b.t.Helper()
	_, err := b.store.Latest(b.t.Context(), b.sync.console.Console(), nil)
	require.ErrorIs(b.t, err, store.ErrNoSnapshot)
}

// kept is what readers of the store see.
func (b *syncFixture) kept() consoleState {
	b.t.Helper()
	var p consoleState
	require.NoError(b.t, b.store.Export(b.t.Context(), b.sync.console.Console(), nil, &p))
	p.sort()
	return p
}

// consoleState is a console's state, sorted, assignments apart.
type consoleState struct {
	Accounts    []access.Account
	Sites       []access.Site
	Roles       []access.Role
	Principals  []access.Principal
	Assignments []access.Assignment
}

func (p *consoleState) Account(a access.Account) error {
	p.Accounts = append(p.Accounts, a)
	return nil
}
func (p *consoleState) Site(s access.Site) error { p.Sites = append(p.Sites, s); return nil }
func (p *consoleState) Role(r access.Role) error { p.Roles = append(p.Roles, r); return nil }
func (p *consoleState) Assignment(a access.Assignment) error {
	p.Assignments = append(p.Assignments, a)
	return nil
}

func (p *consoleState) Principal(who access.Principal) error {
	p.Principals = append(p.Principals, withoutRoles(who))
	return nil
}

func (p *consoleState) sort() {
	slices.SortFunc(p.Principals, func(a, b access.Principal) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(p.Assignments, func(a, b access.Assignment) int {
		return cmp.Or(cmp.Compare(a.PrincipalKind, b.PrincipalKind), cmp.Compare(a.PrincipalID, b.PrincipalID),
			cmp.Compare(a.ScopeID, b.ScopeID), cmp.Compare(a.RoleID, b.RoleID))
	})
}

// withoutRoles is a principal without what is compared elsewhere: its roles. Times are
// compared as moments.
func withoutRoles(p access.Principal) access.Principal {
	p.Held = nil
	for _, at := range []**time.Time{&p.CreatedAt, &p.TokenExpiresAt, &p.LastActiveAt} {
		if *at != nil {
			*at = new((*at).UTC())
		}
	}
	return p
}

func stateOf(t consoletest.Truth) consoleState {
	p := consoleState{Accounts: t.Accounts, Sites: t.Sites, Roles: t.Roles, Assignments: t.Assignments()}
	for _, who := range t.Principals {
		p.Principals = append(p.Principals, withoutRoles(who))
	}
	p.sort()
	return p
}

// size is how many rows of a collection the console has.
func (b *syncFixture) size(c access.Collection) int {
	t := b.console.Truth()
	switch c {
	case access.Accounts:
		return len(t.Accounts)
	case access.Sites:
		return len(t.Sites)
	case access.Roles:
		return len(t.Roles)
	case access.Users, access.ServiceUsers:
	}
	n := 0
	for _, p := range t.Principals {
		if p.In() == c {
			n++
		}
	}
	return n
}

// cursors are those of the page requests so far, "" for a first page.
func (b *syncFixture) cursors() []string {
	var out []string
	for _, r := range b.console.Requests() {
		if r.Page() {
			out = append(out, r.Cursor)
		}
	}
	return out
}

func path(c access.Collection) string {
	return map[access.Collection]string{
		access.Accounts: "/accounts", access.Sites: "/sites", access.Roles: "/rbac/roles",
		access.Users: "/users", access.ServiceUsers: "/service-users",
	}[c]
}
