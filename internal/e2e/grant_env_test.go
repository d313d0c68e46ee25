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
	"sentinelone-provisioner/internal/receipt"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// grantEnv is a stack whose console has one user, who holds Viewer at one site. Tests grant
// the user another role at another site.
type grantEnv struct {
	*stack

	world     *grantworld.World
	user      access.Principal
	viewer    access.Holding // which the user holds
	requested access.Holding // which tests grant and revoke
}

// newGrantEnv has a worker that approves every request.
func newGrantEnv(t *testing.T) *grantEnv {
	t.Helper()
	r := prepareGrantEnv(t, newStack(t, grantworld.Options()))
	r.startWorker()
	return r
}

// newGrantEnvWithPolicy has a worker that follows a policy, with more environment
// variables.
func newGrantEnvWithPolicy(t *testing.T, policy string, extraEnv ...string) *grantEnv {
	t.Helper()
	r := prepareGrantEnv(t, newStack(t, grantworld.Options()))
	r.setPolicy(policy)
	r.extraEnv = append(r.extraEnv, extraEnv...)
	r.startWorker()
	return r
}

// prepareGrantEnv adds the user and starts no worker.
func prepareGrantEnv(t *testing.T, s *stack) *grantEnv {
	t.Helper()
	world := grantworld.New(t, s.console)
	return &grantEnv{
		stack: s, world: world, viewer: world.Viewer, requested: world.SOC, user: world.AddUser("ana@example.com"),
	}
}

// withUser is the same stack with another user, who holds Viewer and more roles.
func (r *grantEnv) withUser(email string, more ...access.Holding) *grantEnv {
	r.t.Helper()
	own := *r
	own.user = r.world.AddUser(email, more...)
	return &own
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

// startRevoke revokes a role of the user.
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

// holdings is what the user holds on the console now.
func (r *grantEnv) holdings() access.Holdings {
	return r.world.HoldingsOf(r.user.Kind, r.user.ID)
}

func (r *grantEnv) untilHolds(want bool) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.holdings().Holds(r.requested) == want }, limit, 20*time.Millisecond)
}

// setRolesByHand replaces what the user holds, as somebody in the console's own pages.
func (r *grantEnv) setRolesByHand(holdings ...access.Holding) {
	r.t.Helper()
	list := grantworld.Holdings(holdings...)
	require.NoError(r.t, r.console.SetUserRoles(r.user.ID, list.Level, list.Held))
}

// consoleKey is the key of the console in the store: its host and port.
func (s *stack) consoleKey() string { return strings.TrimPrefix(s.console.URL, "http://") }

// openStore opens the worker's database for reading, once.
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

// requireLedger verifies the hash chain of the ledger.
func (s *stack) requireLedger() {
	s.t.Helper()
	report, err := s.openStore().VerifyLedger(s.ctx(), s.consoleKey())
	require.NoError(s.t, err)
	require.Empty(s.t, report.Faults)
	require.Positive(s.t, report.Entries)
}

// roleWrites are the requests to the console that change roles.
func (r *grantEnv) roleWrites() []consoletest.Request {
	var out []consoletest.Request
	for _, q := range r.console.Requests() {
		if q.Method == http.MethodPut {
			out = append(out, q)
		}
	}
	return out
}

// ledgerKey is the file of the key that seals the ledger, which the worker has made.
func (s *stack) ledgerKey() string { return strings.TrimPrefix(s.database, "sqlite://") + ".key" }

// requireReceipt checks that the receipt of a result is the one in the ledger, and that what it
// says was done is what was requested and approved.
func (r *grantEnv) requireReceipt(got wire.RequestResult) {
	r.t.Helper()
	require.True(r.t, got.Receipt.Intact())
	checks, err := receipt.Verify(*got.Receipt, receipt.Means{})
	require.NoError(r.t, err)
	for _, c := range checks {
		require.NotEqual(r.t, signing.Failed, c.Result, "%s: %s", c.Name, c.Detail)
	}
	require.Equal(r.t, got.State, got.Receipt.State)
	require.Equal(r.t, got.Outcome, got.Receipt.Outcome)
	receipts := r.ledgerReceipts(got.Receipt.Request)
	require.Len(r.t, receipts, 1, "exactly one receipt")
	written, err := ledger.DecodeAs[ledger.Receipt](receipts[0])
	require.NoError(r.t, err)
	require.JSONEq(r.t, toJSON(r.t, got.Receipt), toJSON(r.t, written.Receipt))
}

// ledgerReceipts are the receipts that the ledger has of a request.
func (r *grantEnv) ledgerReceipts(request string) []ledger.Entry {
	r.t.Helper()
	entries, err := r.openStore().LedgerOf(r.ctx(), r.consoleKey(), request)
	require.NoError(r.t, err)
	return slices.DeleteFunc(entries, func(e ledger.Entry) bool { return e.Kind != ledger.KindReceipt })
}
