package main

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"

	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// A request that is in force and asks nobody is asked about itself once a minute only; one
// that does not answer is known by its last word, and is asked again at once.
func TestLookout_LeavesResting(t *testing.T) {
	t.Parallel()
	now := noon
	l := newLookout(nil, func() time.Time { return now })
	info := &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: "grant/1", RunId: "r"},
	}
	run, running := temporalclient.RunOf(info), []*workflowpb.WorkflowExecutionInfo{info}
	require.True(t, l.due(run), "it was never asked")
	s := inboxStatus()
	l.keep(run, s, nil)
	require.True(t, l.due(run), "people are asked")

	s.State, s.Approval.Review = wire.StateActive, true
	l.keep(run, s, nil)
	require.True(t, l.due(run), "people are asked to review it")

	s.Approval.Verdict = "approved"
	l.keep(run, s, nil)
	require.False(t, l.due(run))
	now = now.Add(restingLook)
	require.True(t, l.due(run))

	now = noon
	l.keep(run, wire.RequestStatus{}, errors.New("no answer"))
	require.True(t, l.due(run), "it did not answer")
	require.Equal(t, []wire.RequestStatus{s}, l.known(running))

	l.keep(run, wire.RequestStatus{}, serviceerror.NewNotFound("gone"))
	require.Empty(t, l.known(running), "what is gone is not listed")
	l.keep(run, s, nil)
	require.Empty(t, l.known(nil), "what has ended is forgotten")
	require.True(t, l.due(run))
}

func TestInOneLine(t *testing.T) {
	t.Parallel()
	one := errors.New("grant/1: nobody answers")
	require.NoError(t, inOneLine(nil))
	require.Equal(t, one, inOneLine(errors.Join(one)))
	require.EqualError(t, inOneLine(errors.Join(one, errors.New("two"))), "2 requests: grant/1: nobody answers")
}
