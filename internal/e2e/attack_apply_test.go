package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// Somebody completes `Request.Apply` of an approved grant by hand, with a proof of success and a
// receipt of their own, while giving access is frozen. Nobody gets the role by that, and no
// receipt says that anybody had it.
func TestAttack_ApplyCompletedByHand(t *testing.T) {
	t.Parallel()
	a := newAttacker(newSignedEnv(t))
	timed := a.frozenGrant("timed", "3s")
	other := &attacker{signedEnv: new(*a.signedEnv), queue: a.queue}
	other.grantEnv = a.withUser("dora@example.com")
	permanent := other.frozenGrant("permanent", "")

	a.completeApply(timed, access.OpAcquire, false)
	got := a.result(timed)
	require.Equal(t, wire.StateCancelled, got.State, got.Message)
	require.Equal(t, access.NotApplied, got.Outcome)
	a.requireReceipt(got)

	other.completeApply(permanent, access.OpGrant, true)
	require.NoError(t, permanent.Get(a.ctx(), nil))
	require.Empty(t, a.ledgerReceipts(permanent.GetID()), "the ledger has no receipt of a grant that was not made")
	a.requireNothingWritten()
}

// frozenGrant is a grant that two people have approved, whose change waits because giving access
// is frozen.
func (a *attacker) frozenGrant(name, duration string) client.WorkflowRun {
	a.t.Helper()
	in := a.input(duration)
	in.Console = a.consoleKey()
	run := a.startGrant(name, a.signGrant(in, a.grantID(name), "bob@example.com", a.now()))
	a.approveSigned(run, "carol@example.com")
	frozen := a.signedStarter("freeze", "carol@example.com", "--reason", "INC-7")
	require.Zero(a.t, frozen.code, frozen.stderr)
	a.approveSigned(run, "dave@example.com")
	a.untilStatus(run, func(s wire.RequestStatus) bool { return s.State == wire.StateApplying && s.Waiting != "" })
	return run
}

// completeApply completes the pending activity that has the writer give the role.
func (a *attacker) completeApply(run client.WorkflowRun, op access.Op, withReceipt bool) {
	a.t.Helper()
	status := a.untilStatus(run, func(s wire.RequestStatus) bool { return s.State == wire.StateApplying })
	forged := wire.ApplyResult{ChangeAnswer: wire.ChangeAnswer{Proof: access.Proof{
		Op: op, Key: access.ChangeKey(run.GetID()+"#"+status.Run, op), Outcome: access.Applied,
		Before: a.holdings(), After: status.Plan.After, Reads: []access.Read{},
	}}}
	if withReceipt {
		forged.Receipt = new(access.Receipt{
			Request: run.GetID(), Run: status.Run, State: wire.StateGranted, Outcome: access.Applied,
			Plan: *status.Plan, Proofs: []access.Proof{forged.Proof},
		}.Seal())
	}
	id := a.untilActivity(run, wire.ApplyActivity, 1)
	require.NoError(a.t, a.client.CompleteActivityByID(
		a.ctx(), "default", run.GetID(), run.GetRunID(), id, forged, nil))
}
