package pending

import (
	"context"
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

// An active request that needs no decision is queried once a minute only; one that does not
// answer is known by its last status, and is queried again at once.
func TestFinder_LeavesRestingRequestsAlone(t *testing.T) {
	t.Parallel()
	now := noon
	l := NewFinder(nil, "", func() time.Time { return now })
	info := &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: "grant/1", RunId: "r"},
	}
	run, running := temporalclient.RunOf(info), []*workflowpb.WorkflowExecutionInfo{info}
	require.True(t, l.due(run), "it was never queried")
	s := leadsStatus()
	l.keep(run, s, nil)
	require.True(t, l.due(run), "it is pending")

	s.State, s.Approval.Review = wire.StateActive, true
	l.keep(run, s, nil)
	require.True(t, l.due(run), "its review is pending")

	s.Approval.Verdict = "approved"
	l.keep(run, s, nil)
	require.False(t, l.due(run))
	now = now.Add(restInterval)
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

// A query that times out while the worker answers others is not taken for a missing worker: the
// other requests of the queue are still read.
func TestPollRound_BusyWorker(t *testing.T) {
	t.Parallel()
	info := &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: "grant/1"}, TaskQueue: "q",
	}
	r := pollRound{
		Finder: NewFinder(nil, "", time.Now), silent: map[string]bool{}, answered: map[string]bool{"q": true},
	}
	r.note(t.Context(), info, context.DeadlineExceeded)
	require.Len(t, r.errs, 1)
	require.EqualError(t, r.errs[0],
		`grant/1: the workers on task queue "q" are busy and did not answer in time: try again`)
	require.False(t, r.isSilent("q"))
}
