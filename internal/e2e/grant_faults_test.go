package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// consoleCall is one of the calls to the console that a request makes about its principal.
type consoleCall struct {
	name     string
	method   string
	after    int // how many calls of that method come before it
	applying bool
}

// grantCalls are the calls of a timed grant without faults, in order.
var grantCalls = []consoleCall{
	{"plan", "GET", 0, true},
	{"read before giving", "GET", 1, true},
	{"give", "PUT", 0, true},
	{"read back what was given", "GET", 2, true},
	{"read before taking", "GET", 3, false},
	{"take", "PUT", 1, false},
	{"read back what was taken", "GET", 4, false},
	{"look again", "GET", 5, false},
}

// permanentCalls are the calls of a permanent grant.
var permanentCalls = grantCalls[:4]

// revokeCalls are the calls of a revoke.
var revokeCalls = []consoleCall{
	{"plan", "GET", 0, false},
	{"read before taking", "GET", 1, false},
	{"take", "PUT", 0, false},
	{"read back what was taken", "GET", 2, false},
	{"look again", "GET", 3, false},
}

// listOnlyFaults are the faults that occur in lists only.
var listOnlyFaults = map[consoletest.FaultKind]bool{consoletest.EmptyPage: true, consoletest.Vanish: true}

// Each fault at each call of a timed grant: it ends as it should, with one receipt, and the
// user holds what it held before. The grants run at once, each for a user of its own.
func TestFaults_EveryKindAtEveryCallOfAGrant(t *testing.T) { //nolint:tparallel // the grants run side by side
	t.Parallel()
	s := newGrantEnv(t)
	for _, d := range s.startWithFaults(grantCalls, func(r *grantEnv, name string) client.WorkflowRun {
		return r.startGrant(name, r.input("1s"))
	}) {
		t.Run(d.name(), func(t *testing.T) {
			got, refused := d.resultOrRefusal(t)
			require.Equal(t, d.before, d.holdings())
			if !refused {
				require.Equal(t, "expired", got.State, got.Message)
				require.Equal(t, access.Released, got.Outcome)
			}
		})
	}
	s.requireLedger()
}

// Each fault at each call of a permanent grant: the user holds the role if the grant says
// so, and otherwise what it held before.
func TestFaults_EveryKindAtEveryCallOfAPermanentGrant(t *testing.T) { //nolint:tparallel // see above
	t.Parallel()
	s := newGrantEnv(t)
	for _, d := range s.startWithFaults(permanentCalls, func(r *grantEnv, name string) client.WorkflowRun {
		return r.startGrant(name, r.input(""))
	}) {
		t.Run(d.name(), func(t *testing.T) {
			got, refused := d.resultOrRefusal(t)
			if refused {
				require.Equal(t, d.before, d.holdings())
				return
			}
			require.Equal(t, "granted", got.State, got.Message)
			require.Equal(t, access.Applied, got.Outcome)
			require.True(t, d.holdings().Holds(d.requested))
			require.True(t, d.holdings().Holds(d.viewer))
		})
	}
	s.requireLedger()
}

// Each fault at each call of a revoke: once it is planned, it is carried out.
func TestFaults_EveryKindAtEveryCallOfARevoke(t *testing.T) { //nolint:tparallel // see above
	t.Parallel()
	s := newGrantEnv(t)
	for _, d := range s.startWithFaults(revokeCalls, func(r *grantEnv, name string) client.WorkflowRun {
		return r.startRevoke(name, r.requested)
	}, s.requested) {
		t.Run(d.name(), func(t *testing.T) {
			got, refused := d.resultOrRefusal(t)
			if refused {
				require.Equal(t, d.before, d.holdings())
				return
			}
			require.Equal(t, "revoked", got.State, got.Message)
			require.Equal(t, access.Removed, got.Outcome)
			require.False(t, d.holdings().Holds(d.requested))
			require.True(t, d.holdings().Holds(d.viewer))
		})
	}
	s.requireLedger()
}

// faultedRequest is one request whose principal meets a fault twice.
type faultedRequest struct {
	*grantEnv

	kind   consoletest.FaultKind
	call   consoleCall
	fault  string
	before access.Holdings
	run    client.WorkflowRun
}

// startWithFaults starts one request for each fault at each call, each for a user who holds
// Viewer and more roles.
func (r *grantEnv) startWithFaults(
	calls []consoleCall, start func(*grantEnv, string) client.WorkflowRun, more ...access.Holding,
) []*faultedRequest {
	r.t.Helper()
	var all []*faultedRequest
	for _, kind := range consoletest.FaultKinds() {
		for i, call := range calls {
			if listOnlyFaults[kind] || kind == consoletest.Stale && call.method != http.MethodPut {
				continue
			}
			own := r.withUser(fmt.Sprintf("%s.%d@example.com", kind, i), more...)
			d := &faultedRequest{grantEnv: own, kind: kind, call: call, before: own.holdings()}
			d.fault = r.console.AddFault(consoletest.Fault{
				Name: kind, Path: "/users/" + own.user.ID, Method: call.method, After: call.after, Times: 2,
				Delay: 3 * time.Second,
			})
			d.run = start(own, fmt.Sprintf("/%s/%d", kind, i))
			all = append(all, d)
		}
	}
	return all
}

func (d *faultedRequest) name() string { return fmt.Sprintf("%s at %s", d.kind, d.call.name) }

// resultOrRefusal waits for the end and checks what holds for every request. A final error
// of the console fails the request during its plan, and refuses it before it is applied.
func (d *faultedRequest) resultOrRefusal(t *testing.T) (got wire.RequestResult, refused bool) {
	t.Helper()
	err := d.run.Get(d.ctx(), &got)
	require.Positive(t, d.console.FaultsFired(d.fault), "the fault occurred")
	require.Len(t, d.ledgerReceipts(d.run.GetID()), 1)
	if err != nil {
		require.True(t, isFinalFault(d.kind) && d.call.name == "plan", "%v", err)
		return got, true
	}
	d.requireReceipt(got)
	if got.State == "refused" {
		require.True(t, isFinalFault(d.kind) && d.call.applying, got.Message)
		require.NotEmpty(t, got.Message)
		return got, true
	}
	return got, false
}
