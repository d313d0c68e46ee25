package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/testbed/flowtest"
	"sentinelone-provisioner/internal/wire"
)

// A delegation until a time is one, though no worker was there to take it before that time,
// and does not revoke an earlier delegation.
func TestDelegate_TakenLate(t *testing.T) {
	t.Parallel()
	s := newRequest(t)
	flowtest.Intercept(s.TestWorkflowEnvironment, &originalRun{queued: 26 * time.Hour})
	var got wire.DelegateInput
	s.on(wire.DelegateActivity, mock.Anything).
		Return(func(_ context.Context, in wire.DelegateInput) (wire.DelegateResult, error) {
			got = in
			return wire.DelegateResult{Delegation: in.Delegation}, nil
		}).Once()
	s.ExecuteWorkflow(wire.DelegateType,
		wire.DelegationInput{By: carolMail, To: daveMail, Until: began.Add(-time.Hour)})
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, began.Add(-26*time.Hour), got.Delegation.At)
	require.False(t, got.Delegation.TakesBack())
}
