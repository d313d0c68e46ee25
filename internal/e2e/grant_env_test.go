package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// roles is a stack with one user that holds Viewer at one site, and a role it does
// not hold yet at another.
type grantEnv struct {
	*stack

	user   access.Principal
	viewer access.Holding // what it holds
	requested access.Holding // what tests give and take
}

func newGrantEnv(t *testing.T) *grantEnv {
	t.Helper()
	r := prepareGrantEnv(t, newStack(t, consoleWithoutUsers))
	r.startWorker()
	return r
}

// rolesConsole has no users but those that tests make.
var consoleWithoutUsers = consoletest.Options{Seed: 31, Sites: 6, Users: -1}

// prepareRoles makes the user without starting a worker.
func prepareGrantEnv(t *testing.T, s *stack) *grantEnv {
	t.Helper()
	truth := s.console.Truth()
	r := &grantEnv{stack: s}
	r.viewer = access.Holding{
		Level: access.SiteLevel, RoleID: predefined(t, truth, "Viewer").ID, ScopeID: truth.Sites[0].ID,
	}
	r.requested = access.Holding{
		Level: access.SiteLevel, RoleID: predefined(t, truth, "SOC").ID, ScopeID: truth.Sites[1].ID,
	}
	r.user = r.addUser("ana@example.com")
	return r
}

// addUser makes one more user with the Viewer role, and more roles of its level.
func (r *grantEnv) addUser(email string, more ...access.Holding) access.Principal {
	r.t.Helper()
	p := access.Principal{
		Kind: access.User, Email: email, Name: email, Level: r.viewer.Level, Held: []access.HeldRole{heldRole(r.viewer)},
	}
	for _, h := range more {
		p.Held = append(p.Held, heldRole(h))
	}
	id, err := r.console.AddUser(p)
	require.NoError(r.t, err)
	p.ID = id
	return p
}

// with is the same stack with another user as its own.
func (r *grantEnv) withUser(email string, more ...access.Holding) *grantEnv {
	r.t.Helper()
	own := *r
	own.user = r.addUser(email, more...)
	return &own
}

func predefined(t *testing.T, truth consoletest.Truth, name string) access.Role {
	t.Helper()
	for _, role := range truth.Roles {
		if role.Predefined && role.Name == name {
			return role
		}
	}
	require.Fail(t, "no such role", name)
	return access.Role{}
}

func (r *grantEnv) input(duration string) wire.GrantInput {
	return r.inputFor(r.user, r.requested, duration)
}

func (r *grantEnv) inputFor(p access.Principal, h access.Holding, duration string) wire.GrantInput {
	r.t.Helper()
	in := wire.GrantInput{
		Principal: access.PrincipalSelector{Kind: p.Kind, ID: p.ID}, Role: access.RoleSelector{ID: h.RoleID},
		Scope:     access.ScopeSelector{Level: h.Level, ID: h.ScopeID},
		Requester: "bob@example.com", Reason: "INC-42",
	}
	if duration != "" {
		d, err := time.ParseDuration(duration)
		require.NoError(r.t, err)
		in.Duration = new(access.Duration(d))
	}
	return in
}

func (r *grantEnv) startGrant(name string, in wire.GrantInput) client.WorkflowRun {
	r.t.Helper()
	return r.start(wire.GrantID(r.t.Name()+name), wire.GrantType, in)
}

func (r *grantEnv) start(id, kind string, in any) client.WorkflowRun {
	r.t.Helper()
	run, err := r.client.ExecuteWorkflow(r.ctx(), client.StartWorkflowOptions{ID: id, TaskQueue: r.queue}, kind, in)
	require.NoError(r.t, err)
	return run
}

func (r *grantEnv) grant(name string, in wire.GrantInput) wire.RequestResult {
	r.t.Helper()
	return r.result(r.startGrant(name, in))
}

func (r *grantEnv) revoke(name string) wire.RequestResult {
	r.t.Helper()
	return r.result(r.startRevoke(name, r.requested))
}

// startRevoke takes a role from the user.
func (r *grantEnv) startRevoke(name string, h access.Holding) client.WorkflowRun {
	r.t.Helper()
	in := r.inputFor(r.user, h, "")
	return r.start(wire.RevokeID(r.t.Name()+name), wire.RevokeType, wire.RevokeInput{
		Principal: in.Principal, Role: in.Role, Scope: in.Scope, Requester: in.Requester,
	})
}

func (r *grantEnv) result(run client.WorkflowRun) wire.RequestResult {
	r.t.Helper()
	var out wire.RequestResult
	require.NoError(r.t, run.Get(r.ctx(), &out))
	return out
}

// held is what the user holds on the console now.
func (r *grantEnv) holdings() access.Holdings { return r.holdingsOf(r.user) }

func (r *grantEnv) holdingsOf(p access.Principal) access.Holdings {
	r.t.Helper()
	for _, x := range r.console.Truth().Principals {
		if x.Kind == p.Kind && x.ID == p.ID {
			return x.Holdings()
		}
	}
	return access.Holdings{}
}

func (r *grantEnv) untilHolds(want bool) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.holdings().Holds(r.requested) == want }, limit, 20*time.Millisecond)
}

func heldRole(h access.Holding) access.HeldRole {
	return access.HeldRole{RoleID: h.RoleID, ScopeID: h.ScopeID}
}

// byHand replaces what the user holds, behind our back.
func (r *grantEnv) setRolesByHand(holdings ...access.Holding) {
	r.t.Helper()
	list := make([]access.HeldRole, len(holdings))
	for i, h := range holdings {
		list[i] = heldRole(h)
	}
	require.NoError(r.t, r.console.SetUserRoles(r.user.ID, holdings[0].Level, list))
}

// consoleKey is the console's key in the store.
func (s *stack) consoleKey() string { return strings.TrimPrefix(s.console.URL, "http://") }

// openStore opens the database that the worker writes, once.
func (s *stack) openStore() *store.Store {
	s.t.Helper()
	if s.store == nil {
		db, err := store.OpenReader(s.ctx(), s.database)
		require.NoError(s.t, err)
		s.t.Cleanup(func() { _ = db.Close() })
		s.store = db
	}
	return s.store
}

// requireLedger checks the chain of the ledger.
func (s *stack) requireLedger() {
	s.t.Helper()
	report, err := s.openStore().VerifyLedger(s.ctx(), s.consoleKey())
	require.NoError(s.t, err)
	require.Empty(s.t, report.Faults)
	require.Positive(s.t, report.Entries)
}

// puts are the requests that change roles.
func (r *grantEnv) roleWrites() []consoletest.Request {
	var out []consoletest.Request
	for _, q := range r.console.Requests() {
		if q.Method == http.MethodPut {
			out = append(out, q)
		}
	}
	return out
}

// requireReceipt checks that a result's receipt is whole and is the one in the ledger.
func (r *grantEnv) requireReceipt(got wire.RequestResult) {
	r.t.Helper()
	require.True(r.t, got.Receipt.Intact())
	require.Equal(r.t, got.State, got.Receipt.State)
	require.Equal(r.t, got.Outcome, got.Receipt.Outcome)
	receipts := r.ledgerReceipts(got.Receipt.Request)
	require.Len(r.t, receipts, 1, "exactly one receipt")
	written, err := ledger.DecodeAs[ledger.Receipt](receipts[0])
	require.NoError(r.t, err)
	require.JSONEq(r.t, toJSON(r.t, got.Receipt), toJSON(r.t, written.Receipt))
}

// receipts are what the ledger has of a request.
func (r *grantEnv) ledgerReceipts(request string) []ledger.Entry {
	r.t.Helper()
	entries, err := r.openStore().LedgerOf(r.ctx(), r.consoleKey(), request)
	require.NoError(r.t, err)
	return slices.DeleteFunc(entries, func(e ledger.Entry) bool { return e.Kind != ledger.KindReceipt })
}
