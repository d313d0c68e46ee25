package e2e

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// The console is down when a time-bound grant ends. The status says why the release is
// pending. Once the console is back, the role is removed before anything else is written:
// before a grant whose write failed, one whose plan failed, and before a sync.
func TestGrant_ConsoleDownAcrossItsEnd(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	planned, late := s.withUser("bob@example.com"), s.withUser("carol@example.com")
	before := s.holdings()
	run := s.startGrant("/timed", s.input("30s"))
	in := planned.input("")
	in.StartAt = new(time.Now().Add(45 * time.Second)) // it is planned before the outage, and starts in it
	scheduled := planned.startGrant("/planned", in)
	s.untilStatus(scheduled, func(got wire.RequestStatus) bool { return got.State == wire.StateScheduled })
	s.untilStatus(run, isActive) // else the outage would be in the way of its proof

	s.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway})
	unplanned := late.startGrant("/late", late.input(""))
	sync := s.startSync("", wire.SyncInput{})
	waiting := regexp.MustCompile(
		`^waiting for SentinelOne since \S+ \S+ UTC, attempt ([2-9]|\d\d), ` +
			`next at \S+ \S+ UTC, last error: .*GET /users/.*502`)
	got := s.untilStatus(run, func(got wire.RequestStatus) bool { return waiting.MatchString(got.Waiting) })
	require.Equal(t, wire.StateReleasing, got.State)
	s.untilStatus(scheduled, func(got wire.RequestStatus) bool { return waiting.MatchString(got.Waiting) })
	require.NoError(t, s.console.WaitForRequests(s.ctx(), 2, func(q consoletest.Request) bool {
		return q.Path == "/users/"+late.user.ID && q.Status == http.StatusBadGateway
	}))
	require.True(t, s.holdings().Holds(s.requested))
	require.NoError(t, s.workerOutput.WaitFor(s.ctx(), "Access that must end is still in force", 1))
	gate := newRequestGate(s)
	gate.blockAt(s.user, consoleCall{method: http.MethodGet})
	s.untilAllDefer(gate, []client.WorkflowRun{scheduled, unplanned})
	s.console.ClearFaults()
	gate.open()

	end := s.result(run)
	require.Equal(t, "expired", end.State, end.Message)
	require.Equal(t, access.Released, end.Outcome)
	require.Equal(t, before, s.holdings())
	s.requireReceipt(end)
	for _, other := range []client.WorkflowRun{scheduled, unplanned} {
		got := s.result(other)
		require.Equal(t, "granted", got.State, got.Message)
		s.requireReceipt(got)
	}
	require.Equal(t, wire.StatePromoted, s.syncResult(sync).State)
	require.Equal(t, []string{s.user.ID, s.user.ID}, s.writtenUsers()[:2], "released before others are granted")
	require.Len(t, s.writtenUsers(), 4)
}

// untilAllDefer waits until the next attempt of a release is blocked by the gate, and all these requests defer to it:
// none of them is under way when the console comes back.
func (s *stack) untilAllDefer(gate *requestGate, all []client.WorkflowRun) {
	s.t.Helper()
	gate.untilBlocked(1)
	for _, run := range all {
		s.untilStatus(run, func(got wire.RequestStatus) bool {
			return strings.Contains(got.Waiting, "a release of access goes first")
		})
	}
}

// writtenUsers lists whose roles the API changed, in order.
func (r *grantEnv) writtenUsers() []string {
	var out []string
	for _, c := range r.console.Changes() {
		if c.By == consoletest.ByAPI {
			out = append(out, c.ID)
		}
	}
	return out
}

// untilStatus polls the status of a request until a condition holds.
func (s *stack) untilStatus(
	run client.WorkflowRun, holds func(wire.RequestStatus) bool,
) (got wire.RequestStatus) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		got = wire.RequestStatus{} // an absent field would leave that of the last answer
		value, err := s.client.QueryWorkflow(s.ctx(), run.GetID(), run.GetRunID(), wire.StatusQuery)
		if err != nil || value.Get(&got) != nil {
			return false
		}
		got = s.completer().Request(s.ctx(), got)
		return holds(got)
	}, limit, 100*time.Millisecond)
	return got
}

// With SENTINELONE_READ_ONLY grants and revokes are refused. A grant that was applied
// before cannot be released, and its status says why. No request that writes reaches the
// console. Without the switch the role is removed.
func TestGrant_ReadOnlySwitch(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	before := s.holdings()
	timed := s.startGrant("/timed", s.input("30s"))
	s.untilStatus(timed, func(got wire.RequestStatus) bool { return got.State == wire.StateActive })
	_, err := s.worker.Stop(stopGrace)
	require.NoError(t, err)
	s.console.ResetRequests()

	usual := s.extraEnv
	s.extraEnv = append(slices.Clone(usual), "SENTINELONE_READ_ONLY=true")
	s.startWorker()
	other := s.withUser("bob@example.com")
	for _, run := range []client.WorkflowRun{
		other.startGrant("/permanent", other.input("")),
		other.startGrant("/timed2", other.input("1s")),
		other.startRevoke("/revoke", other.viewer),
	} {
		got := s.result(run)
		require.Equal(t, "refused", got.State)
		require.Contains(t, got.Message, "SENTINELONE_READ_ONLY")
		s.requireReceipt(got)
	}
	got := s.untilStatus(timed, func(got wire.RequestStatus) bool {
		return got.State == wire.StateReleasing && got.Waiting != ""
	})
	require.Contains(t, got.Waiting, "read-only")
	require.True(t, s.holdings().Holds(s.requested))
	require.False(t, slices.ContainsFunc(s.console.Requests(), consoletest.Request.Write))

	_, err = s.worker.Stop(stopGrace)
	require.NoError(t, err)
	s.extraEnv = usual
	s.startWorker()
	end := s.result(timed)
	require.Equal(t, "expired", end.State, end.Message)
	require.Equal(t, access.Released, end.Outcome)
	require.Equal(t, before, s.holdings())
	s.requireReceipt(end)
	require.True(t, slices.ContainsFunc(s.console.Requests(), func(q consoletest.Request) bool {
		return q.Method == http.MethodPut
	}), "the simulator logs writes")
}

// stopGrace is how long most platforms wait for a process to stop before they kill it. An
// idle worker stops sooner.
const stopGrace = 30 * time.Second
