package connection

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/connection"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/schedule"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// enough are the permissions of a role that has what the worker needs, and no more.
var enough = []string{
	"Accounts.view", "Sites.view", "Roles.view", "Users.view", "Users.edit", "Service Users.view", "Service Users.edit",
	"Activity Page.view",
}

// fixture is the activity with a real store and a simulated console.
type fixture struct {
	t       *testing.T
	console *consoletest.Server
	store   *store.Store
	checks  *Activities
	clock   time.Time
}

func newFixture(t *testing.T, o consoletest.Options, tweaks ...func(*console.Config)) *fixture {
	t.Helper()
	if o.RolePermissions == nil {
		o.RolePermissions = enough
	}
	server, client := attempttest.Console(t, o, tweaks...)
	f := &fixture{t: t, console: server, store: attempttest.Store(t), clock: time.Now().UTC()}
	f.checks = New(client, f.store, 5*time.Minute)
	f.checks.now = func() time.Time { return f.clock }
	f.checks.running = func(context.Context, store.Snapshot) bool { return false }
	f.scheduled(schedule.Schedule{}, schedule.ErrMissing)
	return f
}

// scheduled is what Temporal says of the schedule of delta syncs.
func (f *fixture) scheduled(s schedule.Schedule, err error) {
	f.checks.schedule = func(_ context.Context, id string) (schedule.Schedule, error) {
		require.Equal(f.t, "sync/"+f.checks.console.Console()+"/delta", id)
		return s, err
	}
}

// check makes one check, and returns what it says of now.
func (f *fixture) check() connection.Report {
	f.t.Helper()
	env := attempttest.Env()
	f.checks.Register(env)
	out, err := attempttest.Execute[wire.ConnectionCheckResult](f.t, env, wire.ConnectionCheckActivity,
		wire.ConnectionCheckInput{Console: f.checks.console.Console()})
	require.NoError(f.t, err)
	require.Equal(f.t, access.Duration(5*time.Minute), out.Every)
	var report connection.Report
	require.NoError(f.t, json.Unmarshal(out.Report, &report))
	kept, err := Latest(f.t.Context(), f.store, f.checks.console.Console())
	require.NoError(f.t, err)
	require.Equal(f.t, report.Evidence, *kept, "readers of the store see the same")
	return report
}

// sync promotes a snapshot of service users with tokens, and of nothing else.
func (f *fixture) sync(id string, serviceUsers ...access.Entity) {
	f.t.Helper()
	ctx, host := f.t.Context(), f.checks.console.Console()
	require.NoError(f.t, f.store.Begin(ctx, store.BeginInput{
		Console: host, ID: id, Collections: access.Collections(), StartedAt: f.clock, WorkflowID: "sync/" + host,
	}))
	for _, c := range access.Collections() {
		_, err := f.store.StartDrain(ctx, id, c, 1)
		require.NoError(f.t, err)
		page := store.SavePageInput{Snapshot: id, Collection: c, Attempt: 1, Last: true}
		if c == access.ServiceUsers {
			page.Entities = serviceUsers
		}
		require.NoError(f.t, f.store.SavePage(ctx, page))
		_, err = f.store.LoadPage(ctx, id, c, 1)
		require.NoError(f.t, err)
	}
	_, err := f.store.Promote(ctx, id, store.PromoteInput{Collections: access.Collections()})
	require.NoError(f.t, err)
}

func serviceUser(id string, ends time.Time) access.Principal {
	return access.Principal{
		Kind: access.ServiceUser, ID: id, Name: "ci " + id, Level: access.Tenant, TokenExpiresAt: &ends,
	}
}

func state(r connection.Report, rung string) connection.State { return r.Rung(rung).State }

// A console that is well and synced is Connected, for ten requests. None is to /system/status, which proves nothing.
func TestCheck_Connected(t *testing.T) {
	t.Parallel()
	f := newFixture(t, consoletest.Options{})
	f.sync("s1")
	r := f.check()
	require.Equal(t, connection.Connected, r.Label, r.Why)
	require.Equal(t, connection.OK, state(r, connection.RungWrite), r.Rung(connection.RungWrite).Evidence)
	require.Equal(t, connection.OK, state(r, connection.RungExcess))
	require.Equal(t, "the token sees 3 of 3 sites", r.Rung(connection.RungSites).Evidence)
	require.Contains(t, r.Rung(connection.RungReachable).Evidence, "the console answers, version Simulated-1.0")
	require.Contains(t, r.Rung(connection.RungToken).Evidence, "on 2036-01-01 00:00 UTC")
	require.Empty(t, r.Evidence.Faults)
	require.LessOrEqual(t, len(f.console.Requests()), 10)
	for _, request := range f.console.Requests() {
		require.NotContains(t, request.Path, "/system/status")
		require.NotContains(t, []string{http.MethodPut, http.MethodDelete}, request.Method)
	}
}

// Each case breaks one thing at the console, and one rung shows it.
func TestCheck_ConsoleBroken(t *testing.T) {
	t.Parallel()
	fault := func(kind consoletest.FaultKind, path string) func(*fixture) {
		return func(f *fixture) { f.console.AddFault(consoletest.Fault{Name: kind, Path: path}) }
	}
	for name, c := range map[string]struct {
		options consoletest.Options
		breaks  func(*fixture)
		rung    string
		state   connection.State
		label   connection.Label
		says    string
	}{
		"token": {
			consoletest.Options{},
			fault(consoletest.Unauthorized, ""),
			connection.RungAuthenticated, connection.Wrong, connection.Disconnected, "401",
		},
		"down": {
			consoletest.Options{},
			func(f *fixture) { f.console.Close() },
			connection.RungReachable, connection.Wrong, connection.Disconnected, "no response from the console",
		},
		"gateway": {
			consoletest.Options{},
			fault(consoletest.BadGateway, ""),
			connection.RungReachable, connection.Wrong, connection.Disconnected, "502",
		},
		"read": {
			consoletest.Options{},
			fault(consoletest.Forbidden, "/users"),
			connection.RungRead, connection.Wrong, connection.Degraded, "lacks Users.view",
		},
		"busy": {
			consoletest.Options{},
			fault(consoletest.ServerError, "/service-users"),
			connection.RungRead, connection.Unknown, connection.Degraded, "not known: Service Users.view",
		},
		"write": {
			consoletest.Options{RolePermissions: []string{"Users.view", "Service Users.edit"}},
			nil,
			connection.RungWrite, connection.Wrong, connection.Degraded, "lacks Users.edit",
		},
		"role": {
			consoletest.Options{},
			fault(consoletest.Forbidden, "/rbac/role"),
			connection.RungWrite, connection.Unknown, connection.Connected, "not known: Users.edit, Service Users.edit",
		},
		"excess": {
			consoletest.Options{RolePermissions: append([]string{"Sites.delete", "Users.delete"}, enough...)},
			nil,
			connection.RungExcess, connection.Notice, connection.Connected,
			"1 permission more than the worker needs: Sites.delete",
		},
		"sites": {
			consoletest.Options{UnseenSites: 2},
			nil,
			connection.RungSites, connection.Wrong, connection.Degraded, "sees 3 of 5 sites",
		},
		"expiry": {
			consoletest.Options{TokenExpiresAt: time.Now().Add(49 * time.Hour)},
			nil,
			connection.RungToken, connection.Wrong, connection.Degraded, "ends in 2 days",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, c.options)
			f.sync("s1")
			if c.breaks != nil {
				c.breaks(f)
			}
			r := f.check()
			require.Equal(t, c.label, r.Label, r.Why)
			require.Equal(t, c.state, state(r, c.rung))
			require.Contains(t, r.Rung(c.rung).Evidence, c.says)
		})
	}
}

// Each case breaks one thing in the store, and one rung shows it.
func TestCheck_StoreBroken(t *testing.T) {
	t.Parallel()
	f := newFixture(t, consoletest.Options{})
	host := f.checks.console.Console()
	r := f.check()
	require.Equal(t, connection.Degraded, r.Label)
	require.Equal(t, "full sync: no sync is proven: run `starter sync --wait`", r.Why)
	require.Equal(t, connection.Unknown, state(r, connection.RungServiceUserTokens))

	f.sync("s1", serviceUser("501", f.clock.Add(100*time.Hour)), serviceUser("502", f.clock.Add(-time.Hour)))
	r = f.check()
	require.Equal(t, connection.Connected, r.Label, r.Why)
	require.Equal(t, connection.Notice, state(r, connection.RungServiceUserTokens))
	require.Contains(t, r.Rung(connection.RungServiceUserTokens).Evidence, "1 token ends within 30 days")
	require.Equal(t, 1, r.Evidence.ServiceUserTokens.Ended)

	run := ledger.Run{Request: "freeze/1", ID: "r"}
	_, err := f.store.Append(t.Context(), host, ledger.NewEntry{
		Request: run.Request, Key: run.FreezeKey(), At: f.clock, Body: ledger.Freeze{},
	})
	require.NoError(t, err)
	require.Equal(t, "entry 1, the last one, is not sealed: set LEDGER_KEY_FILE",
		f.check().Rung(connection.RungLedger).Evidence)

	wait := store.Wait{
		Console: host, Request: "grant/1", Step: "acquire", Since: f.clock.Add(-2 * time.Hour), At: f.clock,
		Text: access.GivingFrozen + " since 09:00",
	}
	require.NoError(t, f.store.NoteWait(t.Context(), wait))
	require.Equal(t, connection.Connected, f.check().Label, "what is frozen waits for people")
	wait.Request, wait.Text = "grant/2", "GET /users: 502"
	require.NoError(t, f.store.NoteWait(t.Context(), wait))
	r = f.check()
	require.Equal(t, connection.Degraded, r.Label)
	require.Contains(t, r.Why, "1 step of a request waits for the console, that of grant/2 for 2 h")
	require.NoError(t, f.store.ClearWait(t.Context(), host, "grant/2", "acquire"))

	require.NoError(t, f.store.Begin(t.Context(), store.BeginInput{
		Console: host, ID: "s2", Collections: access.Collections(), StartedAt: f.clock, WorkflowID: "sync/" + host,
	}))
	require.Equal(t, connection.Connected, f.check().Label, "Temporal does not know the sync as running")
	f.checks.running = func(_ context.Context, s store.Snapshot) bool { return s.ID == "s2" }
	r = f.check()
	require.Equal(t, connection.Syncing, r.Label)
	require.Equal(t, "sync/"+host, r.Evidence.Running.WorkflowID)
	require.NoError(t, f.store.Quarantine(t.Context(), "s2", []string{"a loss"}))
	require.Contains(t, f.check().Why, "1 snapshot quarantined")
}

// What the console said before stays with its time, so that one failed check is no end, and several are.
func TestCheck_RemembersTheLastAnswer(t *testing.T) {
	t.Parallel()
	f := newFixture(t, consoletest.Options{})
	f.sync("s1")
	first := f.clock
	require.Equal(t, connection.Connected, f.check().Label)
	f.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway})
	f.clock = first.Add(5 * time.Minute)
	r := f.check()
	require.Equal(t, connection.Degraded, r.Label)
	require.Contains(t, r.Why, "(last well 5 min ago)")
	require.Equal(t, first, r.Evidence.Authenticated.At, "the console did not say anything new")
	f.clock = first.Add(16 * time.Minute)
	require.Equal(t, connection.Disconnected, f.check().Label)
	f.console.ClearFaults()
	f.clock = first.Add(17 * time.Minute)
	require.Equal(t, connection.Connected, f.check().Label)
}

// Whoever starts checks in a row costs the console one.
func TestCheck_AsksNotTooOften(t *testing.T) {
	t.Parallel()
	f := newFixture(t, consoletest.Options{})
	f.check()
	asked := len(f.console.Requests())
	f.clock = f.clock.Add(9 * time.Second)
	f.check()
	require.Len(t, f.console.Requests(), asked)
	f.clock = f.clock.Add(2 * time.Second)
	f.check()
	require.Greater(t, len(f.console.Requests()), asked)
}

// The token of a service user tells nothing about its owner: the one whose token ends in the same second is it.
func TestCheck_OwnerIsAServiceUser(t *testing.T) {
	t.Parallel()
	ends := time.Date(2034, 1, 1, 0, 0, 0, 0, time.UTC)
	f := newFixture(t, consoletest.Options{OwnerIsServiceUser: true, TokenExpiresAt: ends})
	f.sync("s1")
	require.Equal(t, connection.Unknown, state(f.check(), connection.RungWrite))
	_, id := f.console.TokenOwner()
	f.clock = f.clock.Add(time.Minute)
	f.sync("s2", serviceUser(id, ends))
	r := f.check()
	require.Equal(t, connection.OK, state(r, connection.RungWrite), r.Rung(connection.RungWrite).Evidence)
}

// A worker that never writes needs no permission to, and one that has it has too much.
func TestCheck_ReadOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t, consoletest.Options{}, func(c *console.Config) { c.ReadOnly = true })
	f.sync("s1")
	r := f.check()
	require.Equal(t, connection.Connected, r.Label, r.Why)
	require.Equal(t, []string{"Service Users.edit", "Users.edit"}, r.Evidence.Permissions.Excessive)
}

// A worker of another console refuses, and one that makes no checks ends them without a request.
func TestCheck_NotHere(t *testing.T) {
	t.Parallel()
	f := newFixture(t, consoletest.Options{})
	env := attempttest.Env()
	f.checks.Register(env)
	_, err := attempttest.Execute[wire.ConnectionCheckResult](t, env, wire.ConnectionCheckActivity,
		wire.ConnectionCheckInput{Console: "other.sentinelone.net"})
	require.Equal(t, "Conflict", attempttest.ApplicationError(t, err).Type())
	f.checks.every = 0
	out, err := attempttest.Execute[wire.ConnectionCheckResult](t, env, wire.ConnectionCheckActivity,
		wire.ConnectionCheckInput{})
	require.NoError(t, err)
	require.Zero(t, out.Every)
	require.Empty(t, f.console.Requests())
}
