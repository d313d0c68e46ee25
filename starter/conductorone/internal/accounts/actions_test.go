package accounts_test

import (
	"context"
	"errors"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/actions"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/accounts"
)

// fakeUpdates answers each message as the test says, and keeps the last one.
type fakeUpdates struct {
	answer      wire.RequestAnswer
	decided     wire.QuarantineAnswer
	quarantined []string
	err         error

	onExtend func() // nil for nothing

	typed, decision, id string
	extend              wire.ExtendInput
	end                 wire.StopInput
	decide              wire.QuarantineDecision
}

func (f *fakeUpdates) Extend(_ context.Context, typed string, in wire.ExtendInput) (string, wire.RequestAnswer, error) {
	f.typed, f.extend = typed, in
	if f.onExtend != nil {
		f.onExtend()
	}
	return typed, f.answer, f.err
}

func (f *fakeUpdates) End(_ context.Context, typed string, in wire.StopInput) (string, wire.RequestAnswer, error) {
	f.typed, f.end = typed, in
	return typed, f.answer, f.err
}

func (f *fakeUpdates) Decide(
	_ context.Context, id, decision string, in wire.QuarantineDecision,
) (wire.QuarantineAnswer, error) {
	f.id, f.decision, f.decide = id, decision, in
	return f.decided, f.err
}

func (f *fakeUpdates) Quarantined(context.Context) ([]string, error) { return f.quarantined, nil }

// invoke runs an action to its end through the SDK's own manager.
func invoke(
	t *testing.T, r *fakeRequests, u *fakeUpdates, name string, args map[string]any,
) (v2.BatonActionStatus, map[string]any) {
	t.Helper()
	m := actions.NewActionManager(t.Context())
	if u == nil {
		u = &fakeUpdates{}
	}
	require.NoError(t, accounts.Actions{Config: config(r, fakeLookup{}), Updates: u}.Register(t.Context(), m))
	in, err := structpb.NewStruct(args)
	require.NoError(t, err)
	_, state, out, _, err := m.InvokeActionWithWait(t.Context(), name, "", in, time.Minute)
	require.NoError(t, err)
	return state, out.AsMap()
}

const (
	complete = v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE
	failed   = v2.BatonActionStatus_BATON_ACTION_STATUS_FAILED
)

func resource(kind, id string) map[string]any {
	return map[string]any{"resource_type_id": kind, "resource_id": id}
}

func grantForArgs() map[string]any {
	return map[string]any{
		"principal": resource("user", "700"), "role": resource("role", "5"), "scope": resource("site", "9"),
		"duration": "4h", "reason": "INC-42",
	}
}

func TestGrantFor(t *testing.T) {
	t.Parallel()
	ends := now.Add(4 * time.Hour)
	r := &fakeRequests{answers: []requestrecord.Observation{{
		Status: &wire.RequestStatus{State: wire.StateActive, EndsAt: &ends},
	}}}
	state, out := invoke(t, r, nil, accounts.GrantForAction, grantForArgs())
	require.Equal(t, complete, state)
	require.Equal(t, true, out["success"])
	require.Equal(t, wire.StateActive, out["state"])
	require.Contains(t, out["ends_at"], "18:00")
	require.Equal(t, r.started[0].ID, out["request"])
	in, is := r.started[0].Input.(*wire.GrantInput)
	require.True(t, is)
	require.Equal(t, wire.GrantInput{
		Principal: access.PrincipalSelector{Kind: access.User, ID: "700"}, Role: access.RoleSelector{ID: "5"},
		Scope:     access.ScopeSelector{Level: access.SiteLevel, ID: "9"},
		Requester: requester, Reason: "INC-42", Duration: new(access.Duration(4 * time.Hour)), Console: consoleName,
	}, *in)

	// As protojson spells a resource's id; the tenant has no id on the console.
	args := with(grantForArgs(), "scope", map[string]any{"resourceTypeId": "tenant", "resourceId": "tenant"})
	invoke(t, r, nil, accounts.GrantForAction, args)
	in, is = r.started[1].Input.(*wire.GrantInput)
	require.True(t, is)
	require.Equal(t, access.ScopeSelector{Level: access.Tenant}, in.Scope)
	invoke(t, r, nil, accounts.GrantForAction, grantForArgs())
	invoke(t, r, nil, accounts.GrantForAction, with(grantForArgs(), "duration", "5h"))
	all := ids(r.started)
	require.Equal(t, all[0], all[2])
	require.NotEqual(t, all[0], all[1])
	require.NotEqual(t, all[0], all[3])
}

// A grant that waits for approval is not done; one that was denied has failed.
func TestGrantFor_NotDone(t *testing.T) {
	t.Parallel()
	r := &fakeRequests{answers: []requestrecord.Observation{running(wire.StateAwaitingApproval, "for soc-leads")}}
	state, out := invoke(t, r, nil, accounts.GrantForAction, grantForArgs())
	require.Equal(t, complete, state)
	require.Equal(t, false, out["success"])
	require.Equal(t, wire.StateAwaitingApproval, out["state"])
	require.Contains(t, out["message"], "soc-leads")
	require.Contains(t, out["message"], "run the action again")
	r.answers = []requestrecord.Observation{ended(wire.StateDenied, "denied by carol", nil)}
	state, out = invoke(t, r, nil, accounts.GrantForAction, grantForArgs())
	require.Equal(t, failed, state)
	require.Contains(t, out["error"], "denied by carol")
}

func TestGrantFor_BadArguments(t *testing.T) {
	t.Parallel()
	r := &fakeRequests{}
	for word, args := range map[string]map[string]any{
		"principal is missing": without(grantForArgs(), "principal"),
		"principal is a site":  with(grantForArgs(), "principal", resource("site", "9")),
		"role is missing":      without(grantForArgs(), "role"),
		"scope is missing":     without(grantForArgs(), "scope"),
		"duration is missing":  without(grantForArgs(), "duration"),
		"duration: ":           with(grantForArgs(), "duration", "soon"),
		"the maximum is":       with(grantForArgs(), "duration", "400d"),
		"reason is missing":    without(grantForArgs(), "reason"),
	} {
		state, out := invoke(t, r, nil, accounts.GrantForAction, args)
		require.Equal(t, failed, state, word)
		require.Contains(t, out["error"], word)
	}
	require.Empty(t, r.started)
}

func TestExtendAndEnd(t *testing.T) {
	t.Parallel()
	r := ledgerOf(t, requester, access.Proof{Op: access.OpRelease, Outcome: access.Released})
	ends := now.Add(2 * time.Hour)
	u := &fakeUpdates{answer: wire.RequestAnswer{State: wire.StateActive, EndsAt: &ends, Pending: true}}
	args := map[string]any{"request": "INC-42", "duration": "2h", "reason": "still on it"}
	state, out := invoke(t, r, u, accounts.ExtendAction, args)
	require.Equal(t, complete, state)
	require.Equal(t, false, out["success"], "it waits for its approval")
	require.Contains(t, out["message"], "starter approve INC-42")
	require.Equal(t, wire.ExtendInput{
		By: requester, Duration: access.Duration(2 * time.Hour), Comment: "still on it",
	}, u.extend)
	u.answer.Pending = false
	u.onExtend = func() { r.earlier[0].Moved = append(r.earlier[0].Moved, access.Extension{}) }
	_, out = invoke(t, r, u, accounts.ExtendAction, args)
	require.Equal(t, true, out["success"])
	require.Contains(t, out["ends_at"], "16:00")

	u.answer = wire.RequestAnswer{State: wire.StateEnded, Outcome: access.Released}
	state, out = invoke(t, r, u, accounts.EndAction, map[string]any{"request": "INC-42"})
	require.Equal(t, complete, state)
	require.Equal(t, true, out["success"])
	require.Equal(t, "grant/INC-42", out["request"])
	require.Equal(t, wire.StateEnded, out["state"])
	require.Equal(t, requester, u.end.By)

	u.err = errors.New("the request has ended")
	for _, name := range []string{accounts.ExtendAction, accounts.EndAction} {
		state, out = invoke(t, r, u, name, args)
		require.Equal(t, failed, state)
		require.Contains(t, out["error"], "the request has ended")
		require.Contains(t, out["error"], "starter show INC-42")
		state, out = invoke(t, r, u, name, without(args, "request"))
		require.Equal(t, failed, state)
		require.Contains(t, out["error"], "request is missing")
	}
}

func TestDecideSync(t *testing.T) {
	t.Parallel()
	u := &fakeUpdates{
		quarantined: []string{"sync/acmeco.sentinelone.net"},
		decided:     wire.QuarantineAnswer{State: wire.StatePromoted, By: requester},
	}
	state, out := invoke(t, nil, u, accounts.ConfirmSyncAction, map[string]any{"reason": "sites were closed"})
	require.Equal(t, complete, state)
	require.Equal(t, true, out["success"])
	require.Equal(t, wire.ConfirmUpdate, u.decision)
	require.Equal(t, u.quarantined[0], u.id)
	require.Equal(t, wire.QuarantineDecision{By: requester, Comment: "sites were closed"}, u.decide)

	u.decided.Pending, u.decided.State = "for 1 of 2 from owners", wire.StateQuarantined
	_, out = invoke(t, nil, u, accounts.ConfirmSyncAction, nil)
	require.Equal(t, false, out["success"])
	require.Contains(t, out["message"], "for 1 of 2 from owners")

	u.decided = wire.QuarantineAnswer{State: wire.StateQuarantined, By: requester}
	_, out = invoke(t, nil, u, accounts.DiscardSyncAction, map[string]any{"sync": "nightly"})
	require.Equal(t, true, out["success"])
	require.Equal(t, wire.DiscardUpdate, u.decision)
	require.Equal(t, "nightly", u.id)

	u.quarantined = nil
	state, out = invoke(t, nil, u, accounts.DiscardSyncAction, nil)
	require.Equal(t, failed, state)
	require.Contains(t, out["error"], "no sync is quarantined")
	u.quarantined = []string{"a", "b"}
	_, out = invoke(t, nil, u, accounts.ConfirmSyncAction, nil)
	require.Contains(t, out["error"], "a, b")
	u.quarantined, u.err = []string{"a"}, status.Error(codes.Unavailable, "Temporal is away")
	state, out = invoke(t, nil, u, accounts.ConfirmSyncAction, nil)
	require.Equal(t, failed, state)
	require.Contains(t, out["error"], "Temporal is away")
}
