package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// shownAgain is a writer that has deleted its principal, which the console shows again for a day. From noon on its
// history is long.
func shownAgain(t *testing.T) (*writerEnv, *changeReply) {
	t.Helper()
	w := newWriter(t)
	w.on(wire.WriteActivity, mock.Anything).Return(wire.WriteResult{Proof: access.Proof{
		Op: access.OpDelete, Outcome: access.Deleted, Reads: []access.Read{{Gone: true}},
	}}, nil)
	w.on(wire.ConfirmActivity, mock.Anything).Return(
		func(context.Context, wire.ConfirmInput) (wire.ConfirmResult, error) {
			gone := w.Now().Sub(began) > 24*time.Hour
			return wire.ConfirmResult{Read: access.Read{Gone: gone}, Judged: true, Shown: !gone}, nil
		})
	w.at(12*time.Hour, func() { w.SetContinueAsNewSuggested(true) })
	return w, w.sendChange(time.Second, changeTo(access.OpDelete, access.Lease{ID: "offboard/1#run"}))
}

// Reading again and again whether a principal is gone makes no run longer than Temporal takes: the next run goes on.
func TestPrincipal_ConfirmationsMakeRoom(t *testing.T) {
	t.Parallel()
	w, gone := shownAgain(t)
	w.run()
	require.NoError(t, w.GetWorkflowError(), "nothing is leased: the next change starts a new run")
	require.Less(t, w.Now().Sub(began), 13*time.Hour)
	var app *temporal.ApplicationError
	require.ErrorAs(t, gone.err, &app)
	require.Equal(t, string(kinds.Unavailable), app.Type())
	require.False(t, app.NonRetryable(), "the request asks again")
}

// A run whose history has no such step reads on to the end, as it was recorded. The answer lists the first reads and
// the last one.
func TestPrincipal_ConfirmationsBefore(t *testing.T) {
	t.Parallel()
	w, gone := shownAgain(t)
	w.beganBefore(writersAskOnce, "confirmations-make-room")
	w.run()
	require.Equal(t, access.Deleted, gone.requireOutcome(t))
	require.True(t, gone.answer.Proof.Confirmed)
	require.Greater(t, gone.at, 24*time.Hour)
	require.Less(t, len(gone.answer.Proof.Reads), 30, "of some 290")
}
