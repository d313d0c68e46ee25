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
	"sentinelone-provisioner/workflows"
)

// callOf is one of the calls that a timed grant makes about its principal.
type callOf struct {
	name   string
	method string
	after  int // calls of that method before it
	gives  bool
}

// grantCalls are they, in order: a grant that nothing disturbs makes exactly these.
var grantCalls = []callOf{
	{"plan", "GET", 0, true},
	{"read before giving", "GET", 1, true},
	{"give", "PUT", 0, true},
	{"read back what was given", "GET", 2, true},
	{"read before taking", "GET", 3, false},
	{"take", "PUT", 1, false},
	{"read back what was taken", "GET", 4, false},
	{"look again", "GET", 5, false},
}

// ends are the faults that end a grant that is not given yet.
var ends = map[consoletest.FaultKind]bool{
	consoletest.Forbidden: true, consoletest.Unauthorized: true, consoletest.Conflict: true, consoletest.NotFound: true,
}

// ofLists are the faults that only lists can have.
var ofLists = map[consoletest.FaultKind]bool{consoletest.EmptyPage: true, consoletest.Vanish: true}

// Whatever goes wrong at whichever call of a timed grant: it ends right, with one
// receipt, and the console is as it was before. All of them run at once, each with a
// user of its own.
func TestFaults_EveryKindAtEveryCallOfAGrant(t *testing.T) { //nolint:tparallel // the grants run side by side
	t.Parallel()
	s := newRoles(t)
	var all []*disturbed
	for _, kind := range consoletest.FaultKinds() {
		for i, call := range grantCalls {
			if !ofLists[kind] && (kind != consoletest.Stale || call.method == http.MethodPut) {
				all = append(all, s.disturb(kind, call, i))
			}
		}
	}
	for _, d := range all {
		t.Run(fmt.Sprintf("%s at %s", d.kind, d.call.name), d.check)
	}
}

// disturbed is one timed grant that meets a fault twice.
type disturbed struct {
	*roles

	kind   consoletest.FaultKind
	call   callOf
	fault  string
	before access.Holdings
	run    client.WorkflowRun
}

func (r *roles) disturb(kind consoletest.FaultKind, call callOf, n int) *disturbed {
	r.t.Helper()
	own := *r
	own.user = r.addUser(fmt.Sprintf("%s.%d@example.com", kind, n))
	d := &disturbed{roles: &own, kind: kind, call: call, before: own.held()}
	d.fault = r.console.AddFault(consoletest.Fault{
		Name: kind, Path: "/users/" + own.user.ID, Method: call.method, After: call.after, Times: 2,
		Delay: 3 * time.Second,
	})
	d.run = d.startGrant(fmt.Sprintf("/%s/%d", kind, n), d.input("1s"))
	return d
}

func (d *disturbed) check(t *testing.T) {
	var got workflows.RequestResult
	err := d.run.Get(d.ctx(), &got)
	require.Positive(t, d.console.FaultsFired(d.fault), "the fault must have been met")
	require.Equal(t, d.before, d.held())
	switch {
	case err != nil:
		require.True(t, ends[d.kind] && d.call.name == "plan", "%v", err)
		require.Len(t, d.receipts(d.run.GetID()), 1)
		return
	case ends[d.kind] && d.call.gives && got.State == "refused":
		require.NotEmpty(t, got.Message)
	default:
		require.NoError(t, err)
		require.Equal(t, "expired", got.State, got.Message)
		require.Equal(t, access.Released, got.Outcome)
	}
	d.requireReceipt(got)
}
