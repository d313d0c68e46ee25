package main

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// updated is a service that keeps the updates that it gets, and refuses them.
type updated struct {
	client.Client

	got []client.UpdateWorkflowOptions
}

var errNotTaken = errors.New("not taken")

func (c *updated) UpdateWorkflow(
	_ context.Context, o client.UpdateWorkflowOptions,
) (client.WorkflowUpdateHandle, error) {
	c.got = append(c.got, o)
	return nil, errNotTaken
}

// A decision goes to the run that was seen, about the plan that was seen.
func TestMessenger_SaysWhatWasSeen(t *testing.T) {
	t.Parallel()
	service := &updated{}
	p := newTestSigner(&bytes.Buffer{})
	m := decisionSender{app: p, engine: &temporalClient{&temporalclient.Connection{Client: service}}, pen: signer{app: p}}
	s := inboxStatus()
	_, err := m.take(t.Context(), wire.DenyUpdate, s, wire.DecisionInput{By: carol, Comment: "no"})
	require.ErrorContains(t, err, errNotTaken.Error())
	require.Len(t, service.got, 1)
	sent := service.got[0]
	require.Equal(t, []any{wire.DecisionInput{By: carol, Comment: "no", PlanHash: s.Plan.Hash}}, sent.Args)
	require.Equal(t, "grant/INC-42", sent.WorkflowID)
	require.Equal(t, "r1", sent.FirstExecutionRunID)
	require.Equal(t, wire.DenyUpdate, sent.UpdateName)
	require.Equal(t, client.WorkflowUpdateStageCompleted, sent.WaitForStage)
}

// What is sent is signed, if there is a key.
func TestMessenger_Signs(t *testing.T) {
	environ(t, nil)
	service := &updated{}
	p := newTestSigner(&bytes.Buffer{})
	by, err := p.signer(t.Context(), signOptions{key: sshtest.New(t).Save(t, "")}, carol)
	require.NoError(t, err)
	defer by.close()
	m := decisionSender{app: p, engine: &temporalClient{&temporalclient.Connection{Client: service}}, pen: by}
	_, err = m.take(t.Context(), wire.ApproveUpdate, inboxStatus(),
		wire.DecisionInput{By: carol, Duration: access.Duration(1)})
	require.ErrorContains(t, err, errNotTaken.Error())
	in, ok := service.got[0].Args[0].(wire.DecisionInput)
	require.True(t, ok)
	require.Contains(t, in.Signature, "BEGIN SSH SIGNATURE")
	require.False(t, in.SignedAt.IsZero())

	// What cannot be signed is not sent without.
	socket, stop := sshtest.StoppableAgent(t, map[string]sshtest.Key{carol: sshtest.New(t)})
	t.Setenv("SSH_AUTH_SOCK", socket)
	held, err := p.signer(t.Context(), signOptions{}, carol)
	require.NoError(t, err)
	defer held.close()
	stop()
	m.pen = held
	_, err = m.take(t.Context(), wire.DenyUpdate, inboxStatus(), wire.DecisionInput{By: carol})
	require.ErrorContains(t, err, "it could not be signed, and nothing was sent: ")
	require.Len(t, service.got, 1)
}
