package pending

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
