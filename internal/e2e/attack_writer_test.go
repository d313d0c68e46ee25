package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// Row 1 of issue 10: an activity of the writer is completed by hand, with the answer that the
// role was released. The role is released all the same, and the receipt has the true proof. A
// lease that goes on keeps the writer, and with it Temporal's answer to the update.
func TestAttack_ReleaseCompletedByHand(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	other := s.startGrant("/other", s.inputFor(s.user, s.world.AtSite("SOC", 2), "10m"))
	s.untilStatus(other, isActive)
	run := s.startGrant("/1", s.input("10m"))
	status := s.untilStatus(run, isActive)
	fault := s.console.AddFault(consoletest.Fault{
		Name: consoletest.ServerError, Method: http.MethodPut, Path: "/users",
	})
	go func() { _, _ = s.tryUpdate(run, wire.EndUpdate, wire.StopInput{By: "bob@example.com"}) }()
	a := &attacker{signedEnv: &signedEnv{grantEnv: s}}
	writer := s.client.GetWorkflow(s.ctx(), wire.PrincipalID(s.consoleKey(), s.user.Kind, s.user.ID), "")
	id := a.untilPendingActivity(writer, wire.WriteActivity)
	lease := run.GetID() + "#" + status.Run
	forged := wire.WriteResult{
		Proof: access.Proof{
			Op: access.OpRelease, Key: access.ChangeKey(lease, access.OpRelease), Outcome: access.Released,
			Before: s.holdings(), After: s.user.Holdings(), Reads: []access.Read{}, Confirmed: true,
		},
		Next: access.OwnershipState{
			Known: true, Baseline: s.user.Holdings(), Proven: s.user.Holdings(),
			Leases: []access.Lease{{ID: "grant/unknown#run", Holding: s.viewer, End: time.Now().Add(time.Hour)}},
		},
	}
	require.NoError(t, s.client.CompleteActivityByID(s.ctx(), "default", writer.GetID(), "", id, forged, nil))
	require.True(t, s.console.RemoveFault(fault))
	got := s.result(run)
	require.Equal(t, wire.StateEnded, got.State)
	require.False(t, s.holdings().Holds(s.requested))
	require.True(t, s.holdings().Holds(s.world.AtSite("SOC", 2)))
	require.Equal(t, access.Released, got.Outcome)
	s.requireReceipt(got)
}

// Row 19 of issue 10: a reset before the role was applied starts no new clock.
func TestAttack_ResetStartsNoNewClock(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	run := s.startGrant("/1", s.input("60s"))
	ends := *s.untilStatus(run, isActive).EndsAt
	again := s.resetBefore(run, enums.EVENT_TYPE_TIMER_STARTED)
	s.untilStatus(again, func(wire.RequestStatus) bool { return time.Until(ends) < 35*time.Second })
	again = s.resetBefore(again, enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) // before it is planned
	require.Equal(t, wire.StateExpired, s.result(again).State)
	for _, c := range s.console.Changes() {
		require.False(t, c.After.Holds(s.requested) && c.At.After(ends), "%+v", c)
		if c.Before.Holds(s.requested) {
			require.WithinDuration(t, ends, c.At, 24*time.Second) // a new clock would end later than that
		}
	}
	require.False(t, s.holdings().Holds(s.requested))
}

// Row 19 of issue 10: writers under other ids, and activities that write from workflows of the
// attacker's own, wait for the one that changes the principal: one write reaches the console.
func TestAttack_TwoWritersAtOnce(t *testing.T) {
	t.Parallel()
	a := newAttacker(newSignedEnv(t))
	gate := newRequestGate(a.grantEnv)
	gate.blockAt(a.user, consoleCall{method: http.MethodPut})
	run := a.startSigned("1")
	status := a.untilStatus(run, isAwaitingApproval)
	a.approveSigned(run, "carol@example.com")
	a.approveSigned(run, "dave@example.com")
	gate.untilBlocked(1)
	who := wire.WriterStart{Console: a.consoleKey(), Kind: a.user.Kind, ID: a.user.ID}
	change := a.forgedChange(run.GetID(), status.Run, access.OpGrant, a.requested)
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			_, err := a.runActivity(fmt.Sprint("forge/", t.Name(), n), wire.WriteQueue(a.signedEnv.queue),
				wire.WriteActivity, wire.WriteInput{Writer: who, Change: change})
			t.Logf("write %d: %v", n, err)
		})
	}
	second := a.start(wire.PrincipalID(who.Console, who.Kind, who.ID)+"/second", wire.PrincipalType, who)
	done := make(chan error, 1)
	go func() { _, err := a.tryUpdate(second, wire.ChangeUpdate, change); done <- err }()
	all.Wait() // three attempts each, while the first write is under way
	require.Len(t, a.roleWrites(), 1)
	gate.open()
	require.Equal(t, wire.StateGranted, a.result(run).State)
	require.NoError(t, <-done)
	require.Len(t, a.roleWrites(), 1)
	require.True(t, a.holdings().Holds(a.requested))
}
