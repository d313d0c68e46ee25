package e2e

import (
	"bytes"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	syncactivities "sentinelone-provisioner/activities/sync"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/export"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/testbed/flowtest"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/workflows"
)

// shortTimeout is the client's limit for one request to the console where responses are too slow. Elsewhere it is the
// usual one, which no request of a busy machine exceeds.
const shortTimeout = 2 * time.Second

// syncEnv runs syncs in the SDK's test environment, which skips the pauses between
// attempts. Workflow, activities, client and store are real; there is no Temporal server.
type syncEnv struct {
	t       *testing.T
	console *consoletest.Server
	client  *console.Client
	store   *store.Store
	runs    int
	added   int // users, by addUsers
}

func newSyncEnv(t *testing.T, o consoletest.Options) *syncEnv {
	t.Helper()
	return newSyncEnvWithin(t, 0, o)
}

// newSyncEnvWithin has a client that waits so long for one response; 0: as long as usual.
func newSyncEnvWithin(t *testing.T, timeout time.Duration, o consoletest.Options) *syncEnv {
	t.Helper()
	server := consoletest.Start(t, o)
	client, err := console.New(console.Config{
		BaseURL: server.URL, Token: console.StaticToken(server.Token()), Timeout: timeout,
	})
	require.NoError(t, err)
	db, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "store.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return &syncEnv{t: t, console: server, client: client, store: db}
}

// sync runs one sync of everything. onQuarantine is called an hour into a quarantine.
func (l *syncEnv) sync(onQuarantine func(*testsuite.TestWorkflowEnvironment)) (wire.SyncResult, error) {
	l.t.Helper()
	env := flowtest.New(&runID{id: fmt.Sprintf("run-%d", l.runs)}, fault.NewInterceptor())
	env.SetTestTimeout(limit)
	l.runs++
	workflows.Register(env)
	syncactivities.New(l.client, l.store, syncactivities.Guard{MaxPercent: 25, MinRows: 10}).Register(env)
	if onQuarantine != nil {
		env.RegisterDelayedCallback(func() { onQuarantine(env) }, time.Hour)
	}
	env.ExecuteWorkflow(wire.SyncType, wire.SyncInput{})
	require.True(l.t, env.IsWorkflowCompleted())
	var out wire.SyncResult
	if err := env.GetWorkflowError(); err != nil {
		return out, err
	}
	require.NoError(l.t, env.GetWorkflowResult(&out))
	return out, nil
}

func (l *syncEnv) export() string {
	l.t.Helper()
	var b bytes.Buffer
	sink := export.NewJSON(&b)
	require.NoError(l.t, l.store.Export(l.t.Context(), l.client.Console(), nil, sink))
	require.NoError(l.t, sink.Close())
	return b.String()
}

func (l *syncEnv) truth() string {
	l.t.Helper()
	return truthJSON(l.t, l.console.Truth())
}

var listPaths = map[access.Collection]string{
	access.Accounts: "/accounts", access.Sites: "/sites", access.Roles: "/rbac/roles",
	access.Users: "/users", access.ServiceUsers: "/service-users",
}

func severalPages() consoletest.Options {
	return consoletest.Options{Seed: 31, Accounts: 30, Sites: 1050, Users: 1050, ServiceUsers: 1050, CustomRoles: 30}
}

// Each fault at each collection. If it passes after three times, the sync promotes what the
// console has. If it lasts until it is repaired, the sync waits for that, fails with the
// cause, or quarantines the snapshot. It never promotes a snapshot that differs from the
// console.
func TestFaults_EveryKindAtEveryCollection(t *testing.T) {
	t.Parallel()
	for _, kind := range consoletest.FaultKinds() {
		if kind == consoletest.Stale {
			continue // occurs at writes only
		}
		for collection, path := range listPaths {
			t.Run(string(kind)+"/"+string(collection), func(t *testing.T) {
				t.Parallel()
				var timeout time.Duration
				if kind == consoletest.Slow {
					timeout = shortTimeout
				}
				l := newSyncEnvWithin(t, timeout, severalPages())
				_, err := l.sync(nil)
				require.NoError(t, err)
				require.Equal(t, l.truth(), l.export())
				require.True(t, l.console.RemoveUser(l.firstUser()))

				lasting := consoletest.Fault{Name: kind, Path: path, Delay: 2 * shortTimeout}
				passing := lasting
				passing.Only, passing.Times = consoletest.OnlyPages, 3
				passing.RetryAfter = 2 * time.Second // a lasting fault has no Retry-After
				l.requireSyncUnderFault(passing)
				l.requireSyncUnderFault(lasting)
			})
		}
	}
}

func (l *syncEnv) firstUser() string {
	for _, p := range l.console.Truth().Principals {
		if p.Kind == access.User {
			return p.ID
		}
	}
	return ""
}

// requireSyncUnderFault runs a sync under a fault and compares the store with the console.
// A lasting fault is repaired after it has been met seven times: the test environment,
// unlike a server, gives up on an activity five minutes of its own clock after the first
// attempt.
func (l *syncEnv) requireSyncUnderFault(f consoletest.Fault) {
	l.t.Helper()
	before := l.export()
	id := l.console.AddFault(f)
	var seen atomic.Int64
	l.console.OnRequest(func(consoletest.Request) {
		if l.console.FaultsFired(id) >= 7 || f.Name == consoletest.Slow && seen.Add(1) > 20 {
			l.console.ClearFaults()
		}
	})
	defer l.console.ClearFaults()
	got, err := l.sync(nil)
	switch {
	case isFinalFault(f.Name):
		l.requireFinal(err, f)
		require.Equal(l.t, before, l.export())
	case got.State == wire.StateQuarantined:
		require.NoError(l.t, err)
		require.NotEmpty(l.t, got.Warnings)
		require.Equal(l.t, before, l.export(), "a quarantined snapshot must not show")
		require.Contains(l.t, []consoletest.FaultKind{consoletest.Vanish, consoletest.EmptyPage}, f.Name)
	default:
		require.NoError(l.t, err)
		require.Equal(l.t, l.truth(), l.export())
	}
}

// isFinalFault says whether a request that meets the fault fails, instead of being retried.
func isFinalFault(kind consoletest.FaultKind) bool {
	switch kind {
	case consoletest.Unauthorized, consoletest.Forbidden, consoletest.NotFound, consoletest.Conflict:
		return true
	default:
		return false
	}
}

func (l *syncEnv) requireFinal(err error, f consoletest.Fault) {
	l.t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(l.t, err, &app)
	want := map[consoletest.FaultKind]struct {
		kind kinds.Kind
		says string
	}{
		consoletest.Unauthorized: {kinds.Unauthenticated, "token"}, consoletest.Forbidden: {kinds.Forbidden, ".view"},
		consoletest.NotFound: {kinds.NotFound, "404"}, consoletest.Conflict: {kinds.Conflict, "409"},
	}[f.Name]
	require.Equal(l.t, string(want.kind), app.Type())
	require.Contains(l.t, app.Message(), want.says)
}

// The console returns empty lists consistently, so that only the guard against mass loss
// can notice: no principal is marked gone.
func TestFaults_EverythingEmpty(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]consoletest.Options{
		"large": {Seed: 37, Users: 200}, "a handful": {Seed: 37, Users: 4, ServiceUsers: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newSyncEnv(t, options)
			_, err := l.sync(nil)
			require.NoError(t, err)
			before := l.export()
			l.console.AddFault(consoletest.Fault{Name: consoletest.EmptyPage})
			got, err := l.sync(nil)
			require.NoError(t, err)
			require.Equal(t, wire.StateQuarantined, got.State)
			require.Equal(t, before, l.export())
		})
	}
}

// The first sync has no earlier snapshot to compare with. A consistently empty list of
// users is noticed by the member counts of the roles.
func TestFaults_FirstSyncWithoutUsers(t *testing.T) {
	t.Parallel()
	l := newSyncEnv(t, consoletest.Options{Seed: 38})
	l.console.AddFault(consoletest.Fault{Name: consoletest.EmptyPage, Path: "/users"})
	got, err := l.sync(nil)
	require.NoError(t, err)
	require.Equal(t, wire.StateQuarantined, got.State)
	require.Contains(t, got.Warnings[0], "no users were received")
}

// The console is edited during pagination: the store equals the console in the end, or the
// snapshot is quarantined with the reason.
func TestEdits_WhilePaging(t *testing.T) {
	t.Parallel()
	edits := map[string]func(*syncEnv, int){
		"one added":              func(l *syncEnv, n int) { l.onPage(n, 2, func() { l.addUsers(1) }) },
		"one removed behind":     func(l *syncEnv, n int) { l.onPage(n, 2, l.removeFirst) },
		"removed and added":      func(l *syncEnv, n int) { l.onPage(n, 2, func() { l.removeFirst(); l.addUsers(1) }) },
		"edited at every page":   func(l *syncEnv, _ int) { l.addUsers(1) },
		"removed at every page":  func(l *syncEnv, _ int) { l.removeFirst() },
		"swapped at every page":  func(l *syncEnv, _ int) { l.removeFirst(); l.addUsers(1) },
		"hundreds added at once": func(l *syncEnv, n int) { l.onPage(n, 1, func() { l.addUsers(300) }) },
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newSyncEnv(t, consoletest.Options{Seed: 41, Users: 3500})
			var pages atomic.Int64
			l.console.OnRequest(func(r consoletest.Request) {
				if r.Page() && r.Path == "/users" {
					edit(l, int(pages.Add(1)))
				}
			})
			got, err := l.sync(nil)
			require.NoError(t, err)
			if got.State == wire.StateQuarantined {
				require.Contains(t, name, "every page",
					"a console that comes to rest must be promoted: %v", got.Warnings)
				return
			}
			l.console.OnRequest(nil)
			require.Equal(t, l.truth(), l.export())
		})
	}
}

// addUsers adds users with the roles of the first one.
func (l *syncEnv) addUsers(n int) {
	for _, p := range l.console.Truth().Principals {
		if p.Kind != access.User {
			continue
		}
		for range n {
			l.added++
			_, err := l.console.AddUser(access.Principal{
				Kind: access.User, Email: fmt.Sprintf("new%d@example.com", l.added), Name: "New",
				Level: p.Level, Held: p.Held,
			})
			if err != nil { // not require: a request's goroutine must not end the test
				l.t.Errorf("add a user: %v", err)
			}
		}
		return
	}
}

func (l *syncEnv) removeFirst() { l.console.RemoveUser(l.firstUser()) }

func (l *syncEnv) onPage(n, at int, edit func()) {
	if n == at {
		edit()
	}
}

// With cursors that are offsets, a row removed behind the reader shifts another one past
// it, and one added at the end makes the counts agree. A missing row is looked up a second
// time, so it is not marked gone.
func TestEdits_BalancedWithOffsetCursors(t *testing.T) {
	t.Parallel()
	l := newSyncEnv(t, consoletest.Options{Seed: 101, Users: 2500, OffsetCursors: true})
	_, err := l.sync(nil)
	require.NoError(t, err)
	require.Equal(t, l.truth(), l.export())
	var pages atomic.Int64
	l.console.OnRequest(func(r consoletest.Request) {
		if r.Page() && r.Path == "/users" && pages.Add(1) == 2 {
			l.console.RemoveUser(l.firstUser())
			l.addUsers(1)
		}
	})
	got, err := l.sync(nil)
	require.NoError(t, err)
	require.Equal(t, wire.StatePromoted, got.State)
	require.Equal(t, l.truth(), l.export())
	require.Empty(t, got.Warnings)
	require.EqualValues(t, 6, pages.Load(), "three pages, twice")
}
