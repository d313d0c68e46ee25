package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/tokensink"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/workflows"
)

// atOnce is how many tests run side by side: they wait more than they compute. With more of them a busy machine answers
// none in the time that the program gives it.
const atOnce = "4"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// live is a simulated console, a real Temporal server and our worker's workflows and
// activities in this process. The environment points at them.
type live struct {
	t        *testing.T
	console  *consoletest.Server
	temporal *testbed.DevServer
	client   client.Client
	db       *store.Store
	host     string
	tokens   string            // folder of service users' tokens
	accounts map[string]string // ids by name
	sites    map[string]string // ids by "Account / Site"
	roles    map[string]string // ids by name
	stop     func()            // of the worker
	policy   *policy.Policy    // nil: askSome
}

// askSome asks anybody about roles of people whose address says so, and of service users
// that are to be made and whose name does; about nobody else.
const askSome = `
rules:
  - {name: ask, when: 'principal.email.startsWith("asked.")', permanent: true, approvals: [{need: 1, from: [anyone]}]}
  - name: ask-new
    when: newAccount && principal.name.startsWith("asked.")
    permanent: true
    approvals: [{need: 1, from: [anyone]}]
  - {name: all, permanent: true, autoApprove: true}
  - {name: tokens, for: [rotateToken], approvals: [{need: 1, from: [anyone]}]}
`

// newLive brings everything up. Two accounts, a site name that both have, a name that
// an account and a site share, and two service users of one name make trouble.
func newLive(t *testing.T, tweaks ...func(*live)) *live {
	t.Helper()
	l := &live{
		t: t, tokens: t.TempDir(),
		accounts: map[string]string{}, sites: map[string]string{}, roles: map[string]string{},
	}
	l.console = consoletest.Start(t, consoletest.Options{
		Seed: 5, Accounts: -1, Sites: -1, Users: -1, ServiceUsers: -1, CustomRoles: -1,
	})
	l.host = strings.TrimPrefix(l.console.URL, "http://")
	var err error
	l.temporal, err = testbed.StartDevServer(t.Context(), filepath.Join(t.TempDir(), "temporal.db"))
	require.NoError(t, err)
	t.Cleanup(l.temporal.Stop)
	database := "sqlite://" + filepath.Join(t.TempDir(), "test.db")
	environ(t, map[string]string{
		"SENTINELONE_BASE_URL": l.console.URL, "SENTINELONE_API_TOKEN": l.console.Token(), "DATABASE_URL": database,
		"TEMPORAL_ADDRESS": l.temporal.Address, "USER": "bob@example.com",
	})
	l.db, err = store.Open(t.Context(), database)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.db.Close()) })
	l.client, err = l.temporal.Client(t.Context())
	require.NoError(t, err)
	t.Cleanup(l.client.Close)
	l.populate()
	for _, tweak := range tweaks {
		tweak(l)
	}
	l.startWorker()
	t.Cleanup(func() { l.stop() })
	return l
}

func (l *live) populate() {
	l.t.Helper()
	must := func(id string, err error) string { l.t.Helper(); require.NoError(l.t, err); return id }
	for _, name := range []string{"Acme", "Globex"} {
		l.accounts[name] = must(l.console.AddAccount(access.Account{Name: name}))
		for _, site := range []string{"Berlin", "Only " + name} {
			l.sites[name+" / "+site] = must(l.console.AddSite(access.Site{Name: site, AccountID: l.accounts[name]}))
		}
	}
	l.sites["Globex / Acme"] = must(l.console.AddSite(access.Site{Name: "Acme", AccountID: l.accounts["Globex"]}))
	must(l.console.AddRole(access.Role{Name: "Auditor", Scope: access.AccountLevel, ScopeID: l.accounts["Globex"]}))
	must(l.console.AddRole(access.Role{Name: "Blank ", Scope: access.Tenant}))
	must(l.console.AddRole(access.Role{Name: "Odd\u200b", Scope: access.Tenant}))
	must(l.console.AddRole(access.Role{Name: "Odd", Scope: access.Tenant}))
	for site, state := range map[string]string{"Paris": "deleted", "Paris North ": "active"} {
		l.sites["Acme / "+site] = must(l.console.AddSite(access.Site{
			Name: site, AccountID: l.accounts["Acme"], State: state,
		}))
	}
	for _, r := range l.console.Truth().Roles {
		l.roles[r.Name] = r.ID
	}
	for range 2 {
		must(l.console.AddServiceUser(access.Principal{
			Kind: access.ServiceUser, Name: "svc.twin", Level: access.SiteLevel, Held: l.viewer("Acme / Berlin"),
		}))
	}
}

func (l *live) viewer(site string) []access.HeldRole {
	return []access.HeldRole{{RoleID: l.roles["Viewer"], ScopeID: l.sites[site]}}
}

// person adds a user that holds Viewer at the site that only Acme has.
func (l *live) person(email string) access.Principal {
	l.t.Helper()
	p := access.Principal{
		Kind: access.User, Email: email, Name: "Name of " + email, Level: access.SiteLevel,
		Held: l.viewer("Acme / Only Acme"),
	}
	id, err := l.console.AddUser(p)
	require.NoError(l.t, err)
	p.ID = id
	return p
}

// holds says whether somebody holds a role at a site now.
func (l *live) holds(p access.Principal, role, site string) bool {
	for _, x := range l.console.Truth().Principals {
		if x.ID == p.ID && x.Kind == p.Kind {
			return x.Holdings().Holds(access.Holding{
				Level: access.SiteLevel, RoleID: l.roles[role], ScopeID: l.sites[site],
			})
		}
	}
	return false
}

// startWorker works as our worker does, until stop is called.
func (l *live) startWorker() {
	l.t.Helper()
	cfg, err := config.Load()
	require.NoError(l.t, err)
	s1, err := cfg.Console.Client("test")
	require.NoError(l.t, err)
	options := worker.Options{
		DisableRegistrationAliasing: true,
		DeadlockDetectionTimeout:    waitLimit, // a busy machine takes its second
		Interceptors: []interceptor.WorkerInterceptor{
			fault.NewInterceptor(),
		},
	}
	w := worker.New(l.client, cfg.Worker.TaskQueue, options)
	workflows.Register(w)
	tokens := tokensink.New(l.tokens, "")
	rules := l.policy
	if rules == nil {
		var err error
		rules, err = policy.Parse("the test's policy", []byte(askSome))
		require.NoError(l.t, err)
	}
	activities.NewRequest(s1, l.db).StoringTokens(tokens).Following(rules).Register(w)
	options.DisableWorkflowWorker = true
	changes := worker.New(l.client, wire.WriteQueue(cfg.Worker.TaskQueue), options)
	authority := activities.NewAuthority(l.db, s1.Console(), nil)
	activities.NewPrincipal(s1, l.db, authority).Register(changes)
	activities.NewAccounts(s1, l.db, tokens, authority).Register(changes)
	require.NoError(l.t, w.Start())
	require.NoError(l.t, changes.Start())
	l.stop = func() { workerIsUp.Store(false); w.Stop(); changes.Stop(); l.stop = func() {} }
	e := &temporalclient.Connection{Client: l.client, TaskQueue: cfg.Worker.TaskQueue}
	polls := func() bool { return e.WorkerPolls(l.t.Context()) == nil }
	require.Eventually(l.t, polls, waitLimit, 50*time.Millisecond)
	workerIsUp.Store(true)
}

// sync makes the store know what the console has.
func (l *live) sync(id string) {
	l.t.Helper()
	truth := l.console.Truth()
	var all []access.Entity
	for _, a := range truth.Accounts {
		all = append(all, a)
	}
	for _, s := range truth.Sites {
		all = append(all, s)
	}
	for _, r := range truth.Roles {
		all = append(all, r)
	}
	for _, p := range truth.Principals {
		all = append(all, p)
	}
	(&fixture{t: l.t, db: l.db}).sync(l.host, id, all)
}
