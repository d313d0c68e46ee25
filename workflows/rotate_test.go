package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

var ci = access.PrincipalSelector{Kind: access.ServiceUser, ID: "8"}

const ciKey = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"

func rotateInput() wire.RotateTokenInput {
	return wire.RotateTokenInput{
		Principal: ci, TokenLife: new(access.Duration(time.Hour)), Recipient: ciKey, Requester: "bob@example.com",
	}
}

func rotatePlan(a access.Approval) access.Plan {
	return access.Plan{
		Op: access.OpRotate, Console: host, Principal: access.PrincipalRef{Kind: access.ServiceUser, ID: "8"},
		Rotation: &access.TokenRotation{ExpiresAt: began.Add(time.Hour).UTC(), Recipient: ciKey}, Approval: a,
		Before: access.Holdings{}.Normal(), After: access.Holdings{}.Normal(),
	}.Seal()
}

// plansRotation mocks the plan: the life of the token counts from the start of the request.
func (s *accounts) plansRotation(a access.Approval) {
	s.on(wire.PlanActivity, wire.PlanInput{
		Request: s.info(), Op: access.OpRotate, Principal: ci, Terms: access.Terms{Requester: "bob@example.com"},
		Rotation: &access.TokenRotation{ExpiresAt: began.Add(time.Hour).UTC(), Recipient: ciKey},
	}).Return(wire.PlanResult{Plan: rotatePlan(a)}, nil).Once()
}

func (s *accounts) rotates(a access.Approval) *testsuite.MockCallWrapper {
	return s.on(wire.TokenRotateActivity, wire.CreateInput{
		Request: s.info(), Key: s.id + "#" + snapshot + "/" + string(access.OpRotate), Plan: rotatePlan(a),
	})
}

func rotated() wire.CreateResult {
	return wire.CreateResult{Proof: access.Proof{
		Op: access.OpRotate, Outcome: access.Rotated, Reads: []access.Read{},
		Token: &access.TokenPlace{Sink: access.SinkRecipient, Sealed: "sealed"},
	}}
}

func TestRotateToken_Outcomes(t *testing.T) {
	t.Parallel()
	final := temporal.NewNonRetryableApplicationError("the ledger holds no plan", string(kinds.Refused), nil)
	for name, c := range map[string]struct {
		out   wire.CreateResult
		err   error
		state string
		why   string
	}{
		"rotated": {rotated(), nil, wire.StateRotated, ""},
		"refused": {wire.CreateResult{Refused: true, Message: "a token is lost"}, nil, wire.StateRefused, "lost"},
		"failed":  {wire.CreateResult{}, final, wire.StateRefused, "no plan"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAccounts(t, wire.RotateID("INC-45"))
			s.plansRotation(access.Approval{})
			s.rotates(access.Approval{}).Return(c.out, c.err).Once()
			s.closes()
			s.ExecuteWorkflow(wire.RotateTokenType, rotateInput())
			got := s.ended()
			require.Equal(t, c.state, got.State)
			require.Contains(t, got.Message, c.why)
			if c.state == wire.StateRotated {
				require.Equal(t, "sealed", got.Receipt.Proofs[0].Token.Sealed)
			}
		})
	}
}

// It waits for its approval, and makes no token that would have ended by then. Until it is applied it can be cancelled.
func TestRotateToken_Approval(t *testing.T) {
	t.Parallel()
	ask := access.Approval{
		Required: true, DecideWithin: access.Duration(72 * time.Hour),
		Steps: []access.ApprovalStep{{Need: 1, Groups: []string{access.Anyone}, People: []string{}}},
	}
	for name, c := range map[string]struct {
		action string
		after  time.Duration
		state  string
	}{
		"approved": {approval.Approve, time.Minute, wire.StateRotated},
		"denied":   {approval.Deny, time.Minute, wire.StateDenied},
		"too late": {approval.Approve, 2 * time.Hour, wire.StateRefused},
		"timedOut": {"", 0, wire.StateTimedOut},
		"cancel":   {wire.CancelUpdate, time.Minute, wire.StateCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAccounts(t, wire.RotateID("INC-45"))
			s.plansRotation(ask)
			s.on(wire.DecideActivity, mock.Anything).Return(wire.DecideResult{Signed: access.Unsigned}, nil).Maybe()
			if c.state == wire.StateRotated {
				s.rotates(ask).Return(rotated(), nil).Once()
			}
			s.closes()
			if c.action != "" {
				s.RegisterDelayedCallback(func() {
					s.UpdateWorkflow(c.action, "", &testsuite.TestUpdateCallback{
						OnAccept: func() {}, OnComplete: func(_ any, err error) { require.NoError(t, err) },
						OnReject: func(err error) { require.NoError(t, err) },
					}, map[string]string{"by": "carol@example.com"})
				}, c.after)
			}
			s.ExecuteWorkflow(wire.RotateTokenType, rotateInput())
			require.Equal(t, c.state, s.ended().State)
		})
	}
}

// Cancelled in Temporal while the token is made, it is carried through: the old token may be void already.
func TestRotateToken_CarriedThrough(t *testing.T) {
	t.Parallel()
	s := newAccounts(t, wire.RotateID("INC-45"))
	s.plansRotation(access.Approval{})
	s.rotates(access.Approval{}).Return(rotated(), nil).After(time.Minute).Once()
	s.closes()
	s.RegisterDelayedCallback(s.CancelWorkflow, 30*time.Second)
	s.ExecuteWorkflow(wire.RotateTokenType, rotateInput())
	require.Equal(t, wire.StateRotated, s.ended().State)
}

func TestRotateToken_BadInput(t *testing.T) {
	t.Parallel()
	for word, edit := range map[string]func(*wire.RotateTokenInput){
		"only the token of a serviceUser": func(in *wire.RotateTokenInput) { in.Principal.Kind = access.User },
		"tokenLife":                       func(in *wire.RotateTokenInput) { in.TokenLife = nil },
		"at least one minute": func(in *wire.RotateTokenInput) {
			in.TokenLife = new(access.Duration(time.Second))
		},
		"no public key of age": func(in *wire.RotateTokenInput) { in.Recipient = "ssh-ed25519 AAAA" },
		"requester is missing": func(in *wire.RotateTokenInput) { in.Requester = "" },
	} {
		s := newAccounts(t, wire.RotateID("INC-45"))
		in := rotateInput()
		edit(&in)
		s.ExecuteWorkflow(wire.RotateTokenType, in)
		var failed *temporal.ApplicationError
		require.ErrorAs(t, s.GetWorkflowError(), &failed, word)
		require.Equal(t, string(kinds.Invalid), failed.Type())
		require.Contains(t, failed.Message(), word)
	}
}
