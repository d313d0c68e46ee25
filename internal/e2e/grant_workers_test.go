package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// The writer of a principal is terminated while it has a lease. The release starts another
// writer, which does not know the lease, and removes the role.
func TestGrant_WriterTerminated(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	before := s.holdings()
	run := s.startGrant("/1", s.input("30s"))
	s.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateActive })
	writer := wire.PrincipalID(s.consoleKey(), s.user.Kind, s.user.ID)
	got := s.cli("workflow", "terminate", "--workflow-id", writer, "--reason", "test")
	require.Zero(t, got.code, got.stderr)

	end := s.result(run)
	require.Equal(t, "expired", end.State, end.Message)
	require.Equal(t, access.Released, end.Outcome)
	require.Equal(t, before, s.holdings())
	s.requireReceipt(end)
}

// A workflow accepts ten updates in flight by default. More grants than that for one
// principal wait until there is room, and none fails.
func TestGrant_MoreForOnePrincipalThanTemporalTakes(t *testing.T) {
	t.Parallel()
	o := grantworld.Options()
	o.Sites = 30
	s := prepareGrantEnv(t, newStack(t, o))
	s.startWorker()
	g := newRequestGate(s)
	g.blockAt(s.user, grantCalls[2])
	var runs []client.WorkflowRun
	for i, site := range s.console.Truth().Sites[1:] {
		wanted := s.requested
		wanted.ScopeID = site.ID
		runs = append(runs, s.startGrant(strconv.Itoa(i), s.inputFor(s.user, wanted, "")))
	}
	for _, run := range runs {
		s.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateApplying })
	}
	writer := wire.PrincipalID(s.consoleKey(), s.user.Kind, s.user.ID)
	var got wire.PrincipalStatus
	require.Eventually(t, func() bool {
		value, err := s.client.QueryWorkflow(s.ctx(), writer, "", wire.StatusQuery)
		return err == nil && value.Get(&got) == nil && got.Waiting >= 9 // behind the one that is blocked
	}, limit, 100*time.Millisecond)
	t.Logf("of %d changes %d are at the writer", len(runs), 1+got.Waiting)
	g.open()
	for _, run := range runs {
		got := s.result(run)
		require.Equal(t, "granted", got.State, got.Message)
	}
	require.Len(t, s.holdings().Held, 1+len(runs))
	require.Equal(t, 1, s.console.MaxConcurrentWrites(s.user.Kind, s.user.ID))
}

// Two workers share thirty timed grants on one PostgreSQL database, and one is killed
// meanwhile: all grants end as they should.
func TestGrant_TwoWorkersOneKilled(t *testing.T) {
	t.Parallel()
	s := newStack(t, grantworld.Options())
	s.database = pgtest.URL(t)
	r := prepareGrantEnv(t, s)
	r.startWorker()
	first := r.worker
	r.startWorker()
	type timed struct {
		*grantEnv

		run client.WorkflowRun
	}
	all := make([]timed, 30)
	for i := range all {
		u := r.withUser(fmt.Sprintf("user.%d@example.com", i))
		all[i] = timed{grantEnv: u, run: u.startOneSecondGrant("/" + strconv.Itoa(i))}
	}
	require.Eventually(t, func() bool { return len(r.roleWrites()) >= 15 }, limit, 10*time.Millisecond)
	first.Kill()
	shares := map[bool]int{}
	before := r.holdings()
	for _, u := range all {
		got := u.result(u.run)
		require.Equal(t, "expired", got.State, got.Message)
		require.Equal(t, access.Released, got.Outcome)
		u.requireReceipt(got)
		require.Equal(t, before, u.holdings())
		require.Equal(t, 1, u.console.MaxConcurrentWrites(u.user.Kind, u.user.ID))
		for _, e := range history(s, u.run.GetID()).Events {
			if a := e.GetActivityTaskStartedEventAttributes(); a != nil {
				shares[strings.HasPrefix(a.Identity, strconv.Itoa(first.Pid())+"@")]++
			}
		}
	}
	require.Positive(t, shares[true], "the killed worker did some of the work")
	require.Positive(t, shares[false], "the other worker did some of the work")
	r.requireLedger()
}
