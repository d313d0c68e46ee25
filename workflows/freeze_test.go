package workflows_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// What the activity records is the result and the status. A message that does not count fails
// the workflow with the reason.
func TestFreeze_States(t *testing.T) {
	t.Parallel()
	in := wire.FreezeInput{Action: wire.FreezeAction, By: carolMail, Reason: "INC-7"}
	frozen := access.FreezeState{Frozen: true, By: carolMail}
	for _, c := range []struct {
		action, refusal, state string
		giving                 access.FreezeState
	}{
		{wire.FreezeAction, "", wire.StateFrozen, frozen},
		{wire.UnfreezeAction, "", wire.StateUnfreezing, frozen},
		{wire.UnfreezeAction, "", wire.StateUnfrozen, access.FreezeState{}},
		{wire.UnfreezeAction, "a signature is required", wire.StateRefused, frozen},
	} {
		s := newRequest(t)
		in.Action = c.action
		out := wire.FreezeResult{Freeze: in.Freeze(), Refusal: c.refusal, Giving: c.giving}
		var sent wire.FreezeActivityInput
		s.on(wire.FreezeActivity, mock.Anything).
			Return(func(_ context.Context, in wire.FreezeActivityInput) (wire.FreezeResult, error) {
				sent = in
				return out, nil
			}).Once()
		s.ExecuteWorkflow(wire.FreezeType, in)
		require.Equal(t, in.Freeze(), sent.Freeze)
		require.Equal(t, began, sent.Request.StartedAt)
		value, err := s.QueryWorkflow(wire.StatusQuery)
		require.NoError(t, err)
		var status wire.FreezeStatus
		require.NoError(t, value.Get(&status))
		require.Equal(t, c.state, status.State)
		require.Equal(t, c.refusal, status.Message)
		require.Equal(t, c.giving, *status.Giving)
		if c.refusal != "" {
			require.ErrorContains(t, s.GetWorkflowError(), c.refusal)
			require.Equal(t, string(kinds.Refused), s.failure().Type())
			continue
		}
		require.NoError(t, s.GetWorkflowError())
		var got wire.FreezeResult
		require.NoError(t, s.GetWorkflowResult(&got))
		require.Equal(t, out, got)
	}
}

// An input that says something else than it means is refused before anything is recorded.
func TestFreeze_BadInput(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"by":"carol@example.com","reason":"INC-7"}`:                        `action is "": write freeze or unfreeze`,
		`{"action":"thaw","by":"carol@example.com"}`:                         `action is "thaw"`,
		`{"action":"freeze","by":"carol@example.com","reason":" "}`:          `"reason" is missing`,
		`{"action":"unfreeze"}`:                                              `"by" is missing`,
		`{"action":"unfreeze","by":"carol@example.com","signed":"SHA256:x"}`: "input is not understood",
		`{"action":"unfreeze","by":"` + strings.Repeat("x", 400) + `"}`:      "by is 400 bytes long",
	} {
		s := newRequest(t)
		ran := 0
		s.SetOnActivityStartedListener(countActivities(&ran))
		s.ExecuteWorkflow(wire.FreezeType, json.RawMessage(text))
		require.ErrorContains(t, s.GetWorkflowError(), want)
		require.Zero(t, ran, text)
	}
}
