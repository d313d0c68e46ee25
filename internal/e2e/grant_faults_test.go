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

// consoleCall is one of the calls that a request makes about its principal.
type consoleCall struct {
	name     string
	method   string
	after    int // calls of that method before it
	applying bool
}

// grantCalls are those of a timed grant, in order: one that nothing disturbs makes
// exactly these.
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

// permanentCalls are those of a grant for good.
var permanentCalls = grantCalls[:4]

// revokeCalls are those of a revoke.
var revokeCalls = []consoleCall{
	{"plan", "GET", 0, false},
	{"read before taking", "GET", 1, false},
	{"take", "PUT", 0, false},
	{"read back what was taken", "GET", 2, false},
	{"look again", "GET", 3, false},
}

// finalFaults are the faults that end a grant that is not given yet.
var finalFaults = map[consoletest.FaultKind]bool{
	consoletest.Forbidden: true, consoletest.Unauthorized: true, consoletest.Conflict: true, consoletest.NotFound: true,
}

// listOnlyFaults are the faults that only lists can have.
var listOnlyFaults = map[consoletest.FaultKind]bool{consoletest.EmptyPage: true, consoletest.Vanish: true}

// Whatever goes wrong at whichever call of a timed grant: it ends right, with one
// receipt, and the console is as it was before. All of them run at once, each with a
// user of its own.
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

// The same at every call of a grant for good: the role is there if the grant says so,
// and if not, all is as it was before.
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

// The same at every call of a revoke, which once it is planned is carried through.
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

// faultedRequest is one request that meets a fault twice.
type faultedRequest struct {
	*grantEnv

	kind   consoletest.FaultKind
	call   consoleCall
	fault  string
	before access.Holdings
	run    client.WorkflowRun
}

// startWithFaults starts one request for each fault at each call, by users who hold the
// Viewer role and more.
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

// resultOrRefusal waits for the end and checks what holds of every request. A final answer of the
// console to the plan fails the request, and one before anything is given refuses it.
func (d *faultedRequest) resultOrRefusal(t *testing.T) (got wire.RequestResult, refused bool) {
	t.Helper()
	err := d.run.Get(d.ctx(), &got)
	require.Positive(t, d.console.FaultsFired(d.fault), "the fault must have been met")
	require.Len(t, d.ledgerReceipts(d.run.GetID()), 1)
	if err != nil {
		require.True(t, finalFaults[d.kind] && d.call.name == "plan", "%v", err)
		return got, true
	}
	d.requireReceipt(got)
	if got.State == "refused" {
		require.True(t, finalFaults[d.kind] && d.call.applying, got.Message)
		require.NotEmpty(t, got.Message)
		return got, true
	}
	return got, false
}
