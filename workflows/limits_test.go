package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

const megabyte = 1 << 20

// tooLong are messages to a running grant, each with a text beyond its limit or with a
// name that no person has.
func tooLong() map[string]struct {
	update string
	in     any
	want   string
} {
	long := strings.Repeat("x", 2*megabyte)
	type message = struct {
		update string
		in     any
		want   string
	}
	return map[string]message{
		"approve by": {
			wire.ApproveUpdate, wire.DecisionInput{By: long}, "by is 2097152 bytes long, and the limit is 320",
		},
		"deny by": {wire.DenyUpdate, wire.DecisionInput{By: long}, "by is 2097152 bytes long"},
		"comment": {
			wire.DenyUpdate,
			wire.DecisionInput{By: carolMail, Comment: long},
			"comment is 2097152 bytes long, and the limit is 4096",
		},
		"signature": {
			wire.ApproveUpdate, wire.DecisionInput{By: carolMail, Signature: long}, "signature is 2097152 bytes long",
		},
		"plan hash": {
			wire.ApproveUpdate, wire.DecisionInput{By: carolMail, PlanHash: long}, "planHash is 2097152 bytes long",
		},
		"extend": {
			wire.ExtendUpdate,
			wire.ExtendInput{By: long, Duration: access.Duration(time.Hour)},
			"by is 2097152 bytes long",
		},
		"end":         {wire.EndUpdate, wire.StopInput{By: long}, "by is 2097152 bytes long"},
		"cancel":      {wire.CancelUpdate, wire.StopInput{By: long}, "by is 2097152 bytes long"},
		"end comment": {wire.EndUpdate, wire.StopInput{By: carolMail, Comment: long}, "comment is 2097152 bytes long"},
		"end signed": {
			wire.EndUpdate,
			wire.StopInput{By: carolMail, Signed: wire.Signed{Signature: long}},
			"signature is 2097152 bytes long",
		},
		"escape":    {wire.EndUpdate, wire.StopInput{By: "\x1b]0;x\acarol@example.com"}, "by contains U+001B"},
		"invisible": {wire.ApproveUpdate, wire.DecisionInput{By: "carol\u3164@example.com"}, "by contains U+3164"},
		"display name": {
			wire.ApproveUpdate, wire.DecisionInput{By: "Carol <carol@example.com>"}, "write the address alone",
		},
	}
}

// TestUpdates_TooLong sends what is too long to a running grant: none is accepted, so none
// is in the history, and the role is released at its end.
func TestUpdates_TooLong(t *testing.T) {
	t.Parallel()
	s := newRequest(t)
	in := grantInput(4 * time.Hour)
	s.plans(in)
	s.applies(access.OpAcquire, access.Applied)
	s.applies(access.OpRelease, access.Released)
	replies := map[string]*updateReply{}
	at := time.Hour
	for name, c := range tooLong() {
		at += time.Second
		replies[name] = s.sendUpdate(at, c.update, c.in)
	}
	require.Equal(t, wire.StateExpired, s.grant(in).State)
	for name, c := range tooLong() {
		replies[name].requireRefused(t, c.want)
	}
}

// TestUpdates_HistoryFull refuses what would make a long history longer, but not the end.
func TestUpdates_HistoryFull(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(*requestEnv){
		"bytes":  func(s *requestEnv) { s.SetCurrentHistorySize(10 * megabyte) },
		"events": func(s *requestEnv) { s.SetCurrentHistoryLength(15_000) },
	} {
		s := newRequest(t)
		in := grantInput(4 * time.Hour)
		s.plans(in)
		s.applies(access.OpAcquire, access.Applied)
		s.applies(access.OpRelease, access.Released)
		s.acceptsExtensions().Once()
		hour := access.Duration(time.Hour)
		before := s.sendUpdate(time.Hour, wire.ExtendUpdate, wire.ExtendInput{By: bobMail, Duration: hour})
		s.at(2*time.Hour, func() { fill(s) })
		decided := s.sendUpdate(2*time.Hour+time.Second, wire.DenyUpdate, wire.DecisionInput{By: carolMail})
		extended := s.sendUpdate(2*time.Hour+time.Second, wire.ExtendUpdate,
			wire.ExtendInput{By: bobMail, Duration: hour})
		ended := s.sendUpdate(3*time.Hour, wire.EndUpdate, byCarol())
		require.Equal(t, wire.StateEnded, s.grant(in).State, name)
		before.requireAccepted(t)
		decided.requireRefused(t, "the history of the request is full")
		extended.requireRefused(t, "start a new request")
		ended.requireAccepted(t)
	}
}

// TestInputs_TooLong fails each workflow before it does anything, with a message that does
// not repeat the text.
func TestInputs_TooLong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", megabyte)
	grant := grantInput(time.Hour)
	grant.Reason = long
	revoke := revokeInput()
	revoke.Requester = long
	who := access.PrincipalSelector{Kind: access.User, ID: "7"}
	for name, c := range map[string]struct {
		in   any
		want string
	}{
		wire.GrantType:  {grant, "reason is 1048576 bytes long, and the limit is 4096"},
		wire.RevokeType: {revoke, "requester is 1048576 bytes long, and the limit is 320"},
		wire.OffboardType: {
			wire.OffboardInput{Principal: who, Mode: long, Requester: bobMail}, "mode is 1048576 bytes long",
		},
		wire.ProvisionUserType: {
			wire.ProvisionUserInput{Email: long, FullName: "Ana", Requester: bobMail}, "email is 1048576 bytes long",
		},
		wire.ProvisionServiceUserType: {
			wire.ProvisionServiceUserInput{Name: long, Requester: bobMail}, "name is 1048576 bytes long",
		},
		wire.DelegateType: {
			wire.DelegationInput{By: carolMail, To: long, Duration: access.Duration(time.Hour)},
			"to is 1048576 bytes long",
		},
		wire.FreezeType: {
			wire.FreezeInput{Action: wire.FreezeAction, By: carolMail, Reason: long}, "reason is 1048576 bytes",
		},
		wire.SyncType: {wire.SyncInput{Console: long}, "console is 1048576 bytes long"},
	} {
		s := newRequest(t)
		ran := 0
		s.SetOnActivityStartedListener(countActivities(&ran))
		s.ExecuteWorkflow(name, c.in)
		require.ErrorContains(t, s.GetWorkflowError(), c.want, name)
		require.Less(t, len(s.GetWorkflowError().Error()), 1000, name)
		require.Equal(t, string(kinds.Invalid), s.failure().Type())
		require.Zero(t, ran, name)
	}
}

// TestInputs_StartedBeforeLimits has a grant that an earlier version has started go on, as
// its history says.
func TestInputs_StartedBeforeLimits(t *testing.T) {
	t.Parallel()
	s := newRequest(t)
	s.OnGetVersion("inputLimits", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion).Once()
	in := grantInput(4 * time.Hour)
	in.Requester = "Bob <bob@example.com>"
	s.plans(in)
	s.applies(access.OpAcquire, access.Applied)
	s.applies(access.OpRelease, access.Released)
	require.Equal(t, wire.StateExpired, s.grant(in).State)
}

// TestInputs_WithinLimitsAskNoVersion keeps the histories of all other requests as they are.
func TestInputs_WithinLimitsAskNoVersion(t *testing.T) {
	t.Parallel()
	s := newRequest(t)
	s.OnGetVersion("inputLimits", workflow.DefaultVersion, workflow.Version(1)).
		Maybe().Panic("an ordinary history has no version")
	in := grantInput(4 * time.Hour)
	s.plans(in)
	s.applies(access.OpAcquire, access.Applied)
	s.applies(access.OpRelease, access.Released)
	require.Equal(t, wire.StateExpired, s.grant(in).State)
}

// TestSync_DecisionTooLong and the writer's own update refuse the same.
func TestSync_DecisionTooLong(t *testing.T) {
	t.Parallel()
	s := quarantineScene(t)
	s.on(wire.SyncPromoteActivity, promoteInput()).Return(wire.SyncSettleResult{State: "promoted"}, nil).Once()
	refused := 0
	for _, by := range []string{strings.Repeat("x", 2*megabyte), "ana\x1b[2J@example.com"} {
		s.update(time.Minute, wire.DiscardUpdate, wire.QuarantineDecision{By: by}, func(err error) {
			refused++
			require.Regexp(t, "^by (is 2097152 bytes long|contains U)", err.Error())
		}, func(any, error) { require.Fail(t, "it was accepted") })
	}
	s.mustUpdate(time.Hour, wire.ConfirmUpdate, wire.QuarantineDecision{By: ana}, func(any) {})
	s.ExecuteWorkflow(wire.SyncType, wire.SyncInput{Collections: []string{"users"}})
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, 2, refused)
}
