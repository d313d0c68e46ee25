package activities

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/tokensink"
	"sentinelone-provisioner/internal/wire"
)

// accountFixture makes accounts on a simulated console, one attempt at a time, with a clock of
// its own.
type accountFixture struct {
	t               *testing.T
	console         *consoletest.Server
	client          *console.Client
	store           *store.Store
	request         *Request
	accounts        *Accounts
	principal       *Principal
	folder          string
	role            access.Role
	site            access.Site
	runs            int           // of requests, since each has one plan
	elapsed         time.Duration // on top of the real time
	betweenAttempts func()        // happens between two attempts
}

func newAccountFixture(t *testing.T, o consoletest.Options) *accountFixture {
	t.Helper()
	o.Seed, o.Users = 3, -1
	server, client := attempttest.Console(t, o)
	m := &accountFixture{
		t: t, console: server, client: client, store: attempttest.Store(t), folder: t.TempDir(),
		site: server.Truth().Sites[0],
	}
	for _, r := range server.Truth().Roles {
		if r.Predefined && r.Name == "SOC" {
			m.role = r
		}
	}
	require.NotEmpty(t, m.role.ID)
	m.storeTokensIn(tokensink.New(m.folder, ""))
	m.betweenAttempts = func() { m.elapsed += 20 * time.Second }
	return m
}

// addFault puts a fault in force for the next two requests. One that keeps writes from reads
// ends some attempts later, since it is real time that ends it else.
func (m *accountFixture) addFault(f consoletest.Fault) (id string) {
	f.Times = 2
	if f.Name == consoletest.Stale {
		f.Delay = time.Hour
		attempts := 0
		m.betweenAttempts = func() {
			m.elapsed += time.Second
			if attempts++; attempts == 4 {
				m.console.RemoveFault(id)
			}
		}
	}
	id = m.console.AddFault(f)
	return id
}

func (m *accountFixture) storeTokensIn(tokens tokensink.Sink) {
	m.request = NewRequest(m.client, m.store).StoringTokens(tokens).Following(autoApprovePolicy(m.t))
	m.accounts = NewAccounts(m.client, m.store, tokens, NewAuthority(m.store, m.client.Console(), nil))
	m.principal = NewPrincipal(m.client, m.store, NewAuthority(m.store, m.client.Console(), nil))
	now := func() time.Time { return time.Now().Add(m.elapsed) }
	m.accounts.now, m.principal.now = now, now
}

func executeFor[Out any](m *accountFixture, name string, in any) (Out, error) {
	m.t.Helper()
	env := attempttest.Env()
	m.request.Register(env)
	m.accounts.Register(env)
	m.principal.Register(env)
	return attempttest.Execute[Out](m.t, env, name, in)
}

func (m *accountFixture) newUser() access.NewAccount {
	return access.NewAccount{Kind: access.User, Email: "ana@example.com", Name: "Ana Roy"}
}

func (m *accountFixture) newServiceUser() access.NewAccount {
	return access.NewAccount{
		Kind: access.ServiceUser, Name: "ci builds", Description: "builds",
		TokenExpiresAt: time.Date(2035, 3, 1, 9, 0, 0, 0, time.UTC),
	}
}

func (m *accountFixture) info(id string) wire.RequestInfo {
	m.runs++
	return wire.RequestInfo{ID: id, Run: fmt.Sprint("run-", m.runs), StartedAt: time.Now().UTC()}
}

func (m *accountFixture) planInput(a access.NewAccount) wire.PlanInput {
	return wire.PlanInput{
		Request: m.info("provision/INC-42"), Op: access.OpCreate, Account: &a,
		Role:  access.RoleSelector{Name: m.role.Name},
		Scope: access.ScopeSelector{Level: access.SiteLevel, ID: m.site.ID},
		Terms: access.Terms{Requester: "bob@example.com"},
	}
}

// input plans an account that can be made.
func (m *accountFixture) input(a access.NewAccount) wire.CreateInput {
	m.t.Helper()
	in := m.planInput(a)
	out, err := executeFor[wire.PlanResult](m, wire.PlanActivity, in)
	require.NoError(m.t, err)
	require.Empty(m.t, out.Plan.Refusal)
	return wire.CreateInput{
		Request: in.Request,
		Key:     access.ChangeKey(runOf(in.Request).String(), access.OpCreate),
		Plan:    out.Plan,
	}
}

func nameOf(a access.NewAccount) string {
	if a.Kind == access.ServiceUser {
		return wire.ServiceUserCreateActivity
	}
	return wire.UserCreateActivity
}

// createUntilDone makes attempts until one ends it; time passes between two.
func (m *accountFixture) createUntilDone(in wire.CreateInput) wire.CreateResult {
	m.t.Helper()
	for range 20 {
		out, err := executeFor[wire.CreateResult](m, nameOf(*in.Plan.Account), in)
		if err == nil {
			return out
		}
		require.False(m.t, attempttest.ApplicationError(m.t, err).NonRetryable(), "%v", err)
		m.betweenAttempts()
	}
	require.Fail(m.t, "it never ends")
	return wire.CreateResult{}
}

// accountsLike are the accounts of that address or name on the console.
func (m *accountFixture) accountsLike(a access.NewAccount) []access.Principal {
	return slices.DeleteFunc(m.console.Truth().Principals, func(p access.Principal) bool {
		return p.Kind != a.Kind || p.Email != a.Email || a.Kind == access.ServiceUser && p.Name != a.Name
	})
}

func (m *accountFixture) posts(path string) (n int) {
	for _, r := range m.console.Requests() {
		if r.Method == http.MethodPost && r.Path == path {
			n++
		}
	}
	return n
}

// requireToken checks that the file holds the token that opens the console.
func (m *accountFixture) requireToken(p access.Principal, place *access.TokenPlace) {
	m.t.Helper()
	require.NotNil(m.t, place)
	text, err := os.ReadFile(filepath.Join(m.folder, place.Path))
	require.NoError(m.t, err)
	require.NotEmpty(m.t, text)
	require.Equal(m.t, m.console.ServiceUserToken(p.ID), string(text))
	files, err := os.ReadDir(filepath.Join(m.folder, m.client.Console()))
	require.NoError(m.t, err)
	require.Len(m.t, files, 1, "tokens of service users that are no more are gone")
}

func (m *accountFixture) ledger() []ledger.Entry {
	m.t.Helper()
	entries, err := m.store.LedgerOf(m.t.Context(), m.client.Console(), "provision/INC-42")
	require.NoError(m.t, err)
	return entries
}
