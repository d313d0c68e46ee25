package activities

import (
	"cmp"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// bench is the activities with a real store and a simulated console, run one
// attempt at a time behind the interceptor that the worker has.
type bench struct {
	t       *testing.T
	console *consoletest.Server
	store   *store.Store
	sync    *Sync
}

func newBench(t *testing.T, o consoletest.Options) *bench {
	t.Helper()
	server := consoletest.Start(t, o)
	client, err := console.New(console.Config{
		BaseURL: server.URL, Token: console.StaticToken(server.Token()), Budgets: []console.Budget{},
	})
	require.NoError(t, err)
	db, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "store.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return &bench{
		t: t, console: server, store: db, sync: NewSync(client, db, Guard{MaxPercent: 25, MinRows: 10}),
	}
}

// stage is where one attempt runs.
func (b *bench) stage() *testsuite.TestActivityEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{fault.NewInterceptor()}})
	b.sync.Register(env)
	return env
}

// attempt runs one attempt of the activity of that name.
func attempt[Out any](b *bench, name string, in any) (Out, error) {
	b.t.Helper()
	return attemptOn[Out](b, b.stage(), name, in)
}

func attemptOn[Out any](b *bench, env *testsuite.TestActivityEnvironment, name string, in any) (Out, error) {
	b.t.Helper()
	var out Out
	got, err := env.ExecuteActivity(name, in)
	if err != nil {
		return out, err
	}
	if got.HasValue() {
		require.NoError(b.t, got.Get(&out))
	}
	return out, nil
}

// good is an attempt that must succeed.
func good[Out any](b *bench, name string, in any) Out {
	b.t.Helper()
	out, err := attempt[Out](b, name, in)
	require.NoError(b.t, err)
	return out
}

// failure is the application error that Temporal would see.
func failure(t *testing.T, err error) *temporal.ApplicationError {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	return app
}

func (b *bench) begin(snapshot string) {
	b.t.Helper()
	good[wire.SyncBeginResult](b, wire.SyncBeginActivity, wire.SyncBeginInput{
		Snapshot: snapshot, Collections: access.Collections(), StartedAt: time.Now().UTC(),
	})
}

// drain walks a collection, attempt after attempt while they may be repeated.
func (b *bench) drain(in wire.SyncDrainInput) (wire.SyncDrainResult, error) {
	b.t.Helper()
	var err error
	for range 10 {
		var out wire.SyncDrainResult
		out, err = attempt[wire.SyncDrainResult](b, wire.SyncDrainActivity, in)
		if err == nil || failure(b.t, err).NonRetryable() {
			return out, err
		}
	}
	return wire.SyncDrainResult{}, err
}

// drainAll walks every collection to a proven end.
func (b *bench) drainAll(snapshot string) {
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
func (b *bench) syncAll(snapshot string) wire.SyncSettleResult {
	b.t.Helper()
	b.begin(snapshot)
	b.drainAll(snapshot)
	return good[wire.SyncSettleResult](b, wire.SyncSettleActivity, settleInput(snapshot))
}

// requireTruth holds what readers see against the console's own state.
func (b *bench) requireTruth() {
	b.t.Helper()
	require.Equal(b.t, plain(b.console.Truth()), b.kept())
}

func (b *bench) requireNothingPromoted() {
	b.t.Helper()
	_, err := b.store.Latest(b.t.Context(), b.sync.console.Console(), nil)
	require.ErrorIs(b.t, err, store.ErrNoSnapshot)
}

// kept is what readers of the store see.
func (b *bench) kept() picture {
	b.t.Helper()
	var p picture
	require.NoError(b.t, b.store.Export(b.t.Context(), b.sync.console.Console(), nil, &p))
	p.sort()
	return p
}

// picture is a console's state, sorted, assignments apart.
type picture struct {
	Accounts    []access.Account
	Sites       []access.Site
	Roles       []access.Role
	Principals  []access.Principal
	Assignments []access.Assignment
}

func (p *picture) Account(a access.Account) error { p.Accounts = append(p.Accounts, a); return nil }
func (p *picture) Site(s access.Site) error       { p.Sites = append(p.Sites, s); return nil }
func (p *picture) Role(r access.Role) error       { p.Roles = append(p.Roles, r); return nil }
func (p *picture) Assignment(a access.Assignment) error {
	p.Assignments = append(p.Assignments, a)
	return nil
}

func (p *picture) Principal(who access.Principal) error {
	p.Principals = append(p.Principals, bare(who))
	return nil
}

func (p *picture) sort() {
	slices.SortFunc(p.Principals, func(a, b access.Principal) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(p.Assignments, func(a, b access.Assignment) int {
		return cmp.Or(cmp.Compare(a.PrincipalKind, b.PrincipalKind), cmp.Compare(a.PrincipalID, b.PrincipalID),
			cmp.Compare(a.ScopeID, b.ScopeID), cmp.Compare(a.RoleID, b.RoleID))
	})
}

// bare is a principal without what is compared elsewhere: its roles. Times are
// compared as moments.
func bare(p access.Principal) access.Principal {
	p.Held = nil
	for _, at := range []**time.Time{&p.CreatedAt, &p.TokenExpiresAt, &p.LastActiveAt} {
		if *at != nil {
			*at = new((*at).UTC())
		}
	}
	return p
}

func plain(t consoletest.Truth) picture {
	p := picture{Accounts: t.Accounts, Sites: t.Sites, Roles: t.Roles, Assignments: t.Assignments()}
	for _, who := range t.Principals {
		p.Principals = append(p.Principals, bare(who))
	}
	p.sort()
	return p
}

// size is how many rows of a collection the console has.
func (b *bench) size(c access.Collection) int {
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
func (b *bench) cursors() []string {
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
