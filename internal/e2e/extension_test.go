package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/wire"
)

// Row 6 of issue 10: whoever asks, the end does not move without the approvals that the grant needed.
func TestExtension_NeedsApproval(t *testing.T) {
	t.Parallel()
	s := newApprovalEnv(t)
	run := s.startGrant("1", s.input("4h"))
	s.untilStatus(run, isAwaitingApproval)
	for _, by := range []string{"carol@example.com", "dave@example.com"} {
		_, err := s.decide(run, "approve", by)
		require.NoError(t, err)
	}
	ends := *s.untilStatus(run, isActive).EndsAt
	year := access.Duration(366*24*time.Hour) - access.Duration(4*time.Hour)
	for _, by := range []string{"mallory@example.com", "ana@example.com", "bob@example.com"} {
		_, err := s.tryUpdate(run, wire.ExtendUpdate, wire.ExtendInput{By: by, Duration: year})
		require.Error(t, err, by)
	}
	answer := s.update(run, wire.ExtendUpdate,
		wire.ExtendInput{By: "bob@example.com", Duration: access.Duration(time.Hour)})
	require.True(t, answer.Pending)
	require.Equal(t, wire.StateActive, answer.State)
	require.True(t, ends.Equal(*answer.EndsAt), "it has not moved")

	require.EventuallyWithT(t, func(c *assertT) { // Temporal's list follows, and a busy worker may not answer in time
		shown := s.starter("requests", "--waiting-for", "carol@example.com")
		require.Contains(c, shown.stdout, "extension until", shown.stderr)
	}, limit, 200*time.Millisecond)
	approved := s.starter("approve", run.GetID(), "--by", "carol@example.com", "--yes")
	require.Zero(t, approved.code, approved.stderr)
	require.Contains(t, approved.stderr, "requested by bob@example.com")
	require.True(t, ends.Equal(*s.untilStatus(run, isActive).EndsAt), "one of two has approved")
	for _, by := range []string{"bob@example.com", "ana@example.com", "carol@example.com"} {
		_, err := s.decide(run, "approve", by)
		require.Error(t, err, by)
	}
	_, err := s.decide(run, "approve", "dave@example.com")
	require.NoError(t, err)
	moved := s.untilStatus(run, func(s wire.RequestStatus) bool { return s.EndsAt.After(ends) })
	require.True(t, ends.Add(time.Hour).Equal(*moved.EndsAt))

	denied := s.update(run, wire.ExtendUpdate,
		wire.ExtendInput{By: "bob@example.com", Duration: access.Duration(time.Hour)})
	require.True(t, denied.Pending)
	_, err = s.decide(run, "deny", "carol@example.com")
	require.NoError(t, err)
	require.True(t, moved.EndsAt.Equal(*s.untilStatus(run, isActive).EndsAt), "a no leaves it as it was")
	s.update(run, wire.EndUpdate, wire.StopInput{By: "bob@example.com"})
	got := s.result(run)
	require.Equal(t, wire.StateEnded, got.State)
	s.requireReceipt(got)
	require.Len(t, got.Receipt.Extensions, 1)
	require.Len(t, got.Receipt.Extensions[0].Decisions, 2)
	require.Len(t, s.ledgerEntries(run, "extension"), 1)
}

// startActiveSigned is a grant of 4 h that two leads have approved.
func (e *signedEnv) startActiveSigned(name string) (client.WorkflowRun, wire.RequestStatus) {
	e.t.Helper()
	in := e.input("4h")
	in.Console = e.consoleKey()
	run := e.startGrant(name, e.signGrant(in, e.grantID(name), "bob@example.com", e.now()))
	e.approveSigned(run, "carol@example.com")
	e.approveSigned(run, "dave@example.com")
	return run, e.untilStatus(run, isActive)
}

// signedStop is a message that somebody has signed.
func (e *signedEnv) signedStop(s wire.RequestStatus, action, who string) wire.StopInput {
	e.t.Helper()
	in := wire.StopInput{By: who}
	at := e.now()
	in.Sign(e.sign(who, signing.OfStop(s.Request, s.Run, access.Stop{
		Action: action, By: who, SignedAt: at,
	})), at)
	return in
}

// Rows 6 and 16 of issue 10, with signers: what is not signed does nothing and is recorded, and the
// receipt says signed only if all of it is.
func TestSigned_StopsAndExtensions(t *testing.T) {
	t.Parallel()
	e := newSignedEnv(t)
	waiting := e.startSigned("waiting")
	_, err := e.tryUpdate(waiting, wire.CancelUpdate, wire.StopInput{By: "bob@example.com"})
	require.ErrorContains(t, err, "a signature is required: cancel with `starter cancel`, which signs")
	status := e.untilStatus(waiting, isAwaitingApproval)
	require.Equal(t, wire.StateCancelled,
		e.update(waiting, wire.CancelUpdate, e.signedStop(status, "cancel", "bob@example.com")).State)

	run, status := e.startActiveSigned("1")
	hour := wire.ExtendInput{By: "bob@example.com", Duration: access.Duration(time.Hour)}
	_, err = e.tryUpdate(run, wire.ExtendUpdate, hour)
	require.ErrorContains(t, err, "a signature is required: extend with `starter extend`")
	hour.SignedAt, hour.EndsAt = e.now(), status.EndsAt.Add(time.Hour)
	hour.Signature = e.sign("bob@example.com", signing.OfExtension(access.ExtensionRequest{
		Request: status.Request, Run: status.Run, PlanHash: status.Plan.Hash, By: hour.By, Duration: hour.Duration,
		EndsAt: hour.EndsAt, SignedAt: hour.SignedAt,
	}))
	answer := e.update(run, wire.ExtendUpdate, hour)
	require.True(t, answer.Pending)
	_, err = e.tryUpdate(run, wire.ApproveUpdate,
		wire.DecisionInput{By: "carol@example.com", PlanHash: answer.Extension})
	require.ErrorContains(t, err, "a signature is required")
	for _, who := range []string{"carol@example.com", "dave@example.com"} {
		in := wire.DecisionInput{By: who, PlanHash: answer.Extension, SignedAt: e.now()}
		in.Signature = e.sign(who, signing.OfDecision(status.Request, status.Run, answer.Extension,
			access.Decision{Action: signing.KindApprove, By: who, SignedAt: in.SignedAt}))
		require.NoError(t, e.tryApprove(run, in))
	}
	e.untilStatus(run, func(s wire.RequestStatus) bool { return s.EndsAt.Equal(hour.EndsAt) })

	_, err = e.tryUpdate(run, wire.EndUpdate, wire.StopInput{By: "mallory@example.com"})
	require.ErrorContains(t, err, "a signature is required: end with `starter end`, which signs")
	require.NoError(t, e.client.CancelWorkflow(e.ctx(), run.GetID(), ""))
	require.True(t, e.holdings().Holds(e.requested))
	require.Equal(t, wire.StateActive, e.untilStatus(run, isActive).State, "a cancellation in Temporal is no end")
	e.update(run, wire.EndUpdate, e.signedStop(status, "end", "carol@example.com"))
	got := e.result(run)
	require.Equal(t, wire.StateEnded, got.State)
	require.Equal(t, access.AllSigned, got.Receipt.Signed)
	require.NotEqual(t, access.Unsigned, got.Receipt.Stop.Signed)
	said := e.requireReceiptVerifies(toJSON(t, got))
	require.Contains(t, said, "approved by carol@example.com, dave@example.com, as the policy asks")
	require.Contains(t, said, ", end by carol@example.com at ")
	stops := e.ledgerEntries(run, "stop")
	require.Len(t, stops, 2)
	first, err := ledger.DecodeAs[ledger.Stop](stops[0])
	require.NoError(t, err)
	require.NotEmpty(t, first.Refusal)
}

// Row 16 of issue 10: a quarantined sync is neither confirmed nor discarded without a signature, nor
// confirmed by who started it.
func TestSigned_QuarantineDecisions(t *testing.T) {
	t.Parallel()
	keys, allowed := sshtest.People(t, "bob@example.com", "carol@example.com")
	s, before, id := newQuarantinedSync(t, "ALLOWED_SIGNERS="+allowed)
	status := s.untilSyncState(s.client.GetWorkflow(s.ctx(), id, ""), wire.StateQuarantined)
	send := func(action, who string, sign bool) error {
		in := wire.QuarantineDecision{By: who}
		if sign {
			at := time.Now().UTC()
			signature, err := signing.Sign(s.ctx(), keys[who],
				signing.OfStop(id, status.Snapshot, access.Stop{Action: action, By: who, SignedAt: at}))
			require.NoError(t, err)
			in.Sign(signature, at)
		}
		handle, err := s.client.UpdateWorkflow(s.ctx(), client.UpdateWorkflowOptions{
			WorkflowID: id, UpdateName: action, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		if err == nil {
			err = handle.Get(s.ctx(), nil)
		}
		return err
	}
	for _, action := range []string{wire.ConfirmUpdate, wire.DiscardUpdate} {
		require.ErrorContains(t, send(action, "carol@example.com", false), "a signature is required: "+action)
	}
	require.ErrorContains(t, send(wire.ConfirmUpdate, "bob@example.com", true), "bob@example.com started this sync")
	require.Equal(t, before, s.export())
	require.NoError(t, send(wire.ConfirmUpdate, "carol@example.com", true))
	s.requireStoreMatchesConsole()
}
