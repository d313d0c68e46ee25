package requestclient

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/wire"
)

// A decision goes to the run that was read, about the plan that was read.
func TestDecide_NamesRunAndPlan(t *testing.T) {
	t.Parallel()
	service := &updateRecorder{}
	s := pendingStatus()
	_, err := clientOf(service).Decide(t.Context(), Unsigned(clock), wire.DenyUpdate, s,
		wire.DecisionInput{By: carol, Comment: "no"})
	require.ErrorContains(t, err, errRejected.Error())
	require.Len(t, service.got, 1)
	sent := service.got[0]
	require.Equal(t, []any{wire.DecisionInput{By: carol, Comment: "no", PlanHash: s.Plan.Hash}}, sent.Args)
	require.Equal(t, "grant/INC-42", sent.WorkflowID)
	require.Equal(t, "r1", sent.FirstExecutionRunID)
	require.Equal(t, wire.DenyUpdate, sent.UpdateName)
	require.Equal(t, client.WorkflowUpdateStageCompleted, sent.WaitForStage)
}

// With a key the decision is signed; if signing fails, nothing is sent.
func TestDecide_Signs(t *testing.T) {
	t.Parallel()
	service := &updateRecorder{}
	by := open(t, signing.KeyOptions{Path: sshtest.New(t).Save(t, ""), By: carol})
	_, err := clientOf(service).Decide(t.Context(), by, wire.ApproveUpdate, pendingStatus(),
		wire.DecisionInput{By: carol, Duration: access.Duration(1)})
	require.ErrorContains(t, err, errRejected.Error())
	in, ok := service.got[0].Args[0].(wire.DecisionInput)
	require.True(t, ok)
	require.Contains(t, in.Signature, "BEGIN SSH SIGNATURE")
	require.False(t, in.SignedAt.IsZero())

	socket, stop := sshtest.StoppableAgent(t, map[string]sshtest.Key{carol: sshtest.New(t)})
	held := open(t, signing.KeyOptions{Socket: socket, By: carol})
	stop()
	_, err = clientOf(service).Decide(t.Context(), held, wire.DenyUpdate, pendingStatus(),
		wire.DecisionInput{By: carol})
	require.ErrorContains(t, err, "cannot sign the decision, and nothing was sent: ")
	require.Len(t, service.got, 1)
}
