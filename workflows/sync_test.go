package workflows_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

var promotedCounts = map[string]int{
	"accounts": 1, "sites": 3, "roles": 10, "users": 20, "serviceUsers": 7, "assignments": 54,
}

func promoted() wire.SyncSettleResult {
	return wire.SyncSettleResult{State: "promoted", Counts: promotedCounts, Added: 54}
}

// A console that balances is walked once, settled once and promoted; every
// activity is called with exactly what it needs.
func TestSync_Promoted(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	all := access.Collections()
	s.opens(all...)
	s.drainsProven(all...)
	s.settles(wire.SyncSettleInput{Collections: all}, promoted()).After(time.Minute)

	s.sync()

	require.Equal(t, wire.SyncResult{
		Snapshot: snapshot, State: "promoted", StartedAt: began, FinishedAt: began.Add(time.Minute),
		Counts: promotedCounts, Changes: wire.AssignmentChanges{Added: 54},
		Requests: 6 + 5*2 + 1, Warnings: []string{},
	}, s.result())
}

func TestSync_Unchanged(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	all := access.Collections()
	s.opens(all...)
	s.drainsProven(all...)
	s.settles(wire.SyncSettleInput{Collections: all},
		wire.SyncSettleResult{State: "unchanged", Counts: promotedCounts})

	s.sync()

	got := s.result()
	require.Equal(t, "unchanged", got.State)
	require.Equal(t, wire.AssignmentChanges{}, got.Changes)
	require.Equal(t, promotedCounts, got.Counts)
}

// The status can be asked at every moment and says where the sync is.
func TestSync_StatusTellsEveryStep(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	expires := began.Add(30 * 24 * time.Hour)
	both := []access.Collection{access.Sites, access.Users}
	s.begins(both...).After(time.Minute)
	s.checks(wire.SyncCheckResult{
		Expected: sizesOf(access.Users), TokenExpiresAt: &expires, Requests: 3, Warnings: []string{"expires soon"},
	}, both...).After(time.Minute)
	s.drains(access.Sites, 1, nil, "").After(time.Minute)
	s.drains(access.Users, 1, new(20), "").After(2 * time.Minute)
	s.settles(wire.SyncSettleInput{Collections: both}, promoted()).After(time.Minute)

	seen := make(map[string]wire.SyncStatus)
	for name, d := range map[string]time.Duration{
		"begin": 30 * time.Second, "check": 90 * time.Second, "drain": 150 * time.Second,
		"half": 210 * time.Second, "settle": 270 * time.Second,
	} {
		s.at(d, func() { seen[name] = s.status() })
	}
	s.sync("users", "sites")
	seen["end"] = s.status()

	want := wire.SyncStatus{
		State: "checking", Snapshot: snapshot, StartedAt: began, Warnings: []string{},
		Collections: map[string]wire.CollectionStatus{"sites": {State: "waiting"}, "users": {State: "waiting"}},
	}
	require.Equal(t, want, seen["begin"])
	want.Console = host
	require.Equal(t, want, seen["check"])
	want.State, want.TokenExpiresAt, want.Warnings = "draining", &expires, []string{"expires soon"}
	want.Collections = map[string]wire.CollectionStatus{
		"sites": {State: "draining", Attempt: 1}, "users": {State: "draining", Attempt: 1},
	}
	require.Equal(t, want, seen["drain"])
	want.Collections["sites"] = wire.CollectionStatus{
		State: "proven", Attempt: 1, Pages: 1, Rows: 3, Expected: new(3),
	}
	require.Equal(t, want, seen["half"])
	want.State = "settling"
	want.Collections["users"] = wire.CollectionStatus{
		State: "proven", Attempt: 1, Pages: 1, Rows: 20, Expected: new(20),
	}
	require.Equal(t, want, seen["settle"])
	want.State, want.Result = "promoted", new(s.result())
	require.Equal(t, want, seen["end"])
	for _, status := range seen {
		requireNoNulls(t, status)
	}
}

// Some collections alone are walked in the customary order, without repeats.
func TestSync_SomeCollections(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	both := []access.Collection{access.Roles, access.Users}
	s.opens(both...)
	s.drainsProven(both...)
	s.settles(wire.SyncSettleInput{Collections: both}, wire.SyncSettleResult{State: "promoted"})

	s.sync("users", "roles", "users")

	require.Equal(t, "promoted", s.result().State)
}

// A mistake in the input ends the sync before any activity runs: none is mocked,
// and those registered have nothing to work with.
func TestSync_RefusesBadInput(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		input any
		want  string
	}{
		"unknown collection": {
			map[string]any{"collections": []string{"users", "groups"}},
			`unknown collection "groups": choose from accounts, sites, roles, users, serviceUsers`,
		},
		"misspelt field": {map[string]any{"colections": []string{"users"}}, `unknown field "colections"`},
		"wrong type":     {map[string]any{"collections": "users"}, "input is not understood"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestEnv(t)
			ran := 0
			s.SetOnActivityStartedListener(countActivities(&ran))
			s.ExecuteWorkflow(wire.SyncType, c.input)
			require.ErrorContains(t, s.GetWorkflowError(), c.want)
			require.Zero(t, ran)
		})
	}
}

func TestSync_UnknownCollectionIsInvalid(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	s.sync("groups")
	failure := s.failure()
	require.Equal(t, string(kinds.Invalid), failure.Type())
	require.True(t, failure.NonRetryable())
}

// A permission that is missing ends the sync under its own type, after what was
// opened is dropped.
func TestSync_ForbiddenAtCheck(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	all := access.Collections()
	s.begins(all...)
	s.on(wire.SyncCheckActivity, wire.SyncCheckInput{Snapshot: snapshot, Collections: all}).
		Return(failing[wire.SyncCheckInput, wire.SyncCheckResult](forbidden())).Once()
	s.discards(wire.SyncDiscardInput{Why: forbidden().Error(), Failed: true})

	s.sync()

	failure := s.failure()
	require.Equal(t, string(kinds.Forbidden), failure.Type())
	require.Contains(t, failure.Message(), "Users.view")
	var details fault.Details
	require.NoError(t, failure.Details(&details))
	require.Equal(t, fault.Details{Method: "GET", Path: "/users", Status: 403, Code: 4030010}, details)
	require.Equal(t, "failed", s.status().State)
}

// A store that is down is waited out. Ten attempts are as many as the test
// environment makes where a policy has no limit.
func TestSync_WaitsOutAStoreThatIsDown(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	one := []access.Collection{access.Accounts}
	in := wire.SyncBeginInput{Snapshot: snapshot, Collections: one, StartedAt: began}
	s.on(wire.SyncBeginActivity, in).
		Return(failing[wire.SyncBeginInput, wire.SyncBeginResult](errDown)).Times(9)
	s.opens(one...)
	s.drainsProven(one...)
	s.settles(wire.SyncSettleInput{Collections: one}, wire.SyncSettleResult{State: "promoted"})

	s.sync("accounts")

	require.Equal(t, "promoted", s.result().State)
}

// When even the dropping fails, the reason of the failure is still what is told.
func TestSync_FailedDiscardDoesNotHideTheReason(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	odd := kinds.New(kinds.Invalid, errors.New("odd"))
	one := []access.Collection{access.Accounts}
	s.on(wire.SyncBeginActivity, wire.SyncBeginInput{Snapshot: snapshot, Collections: one, StartedAt: began}).
		Return(failing[wire.SyncBeginInput, wire.SyncBeginResult](odd)).Once()
	s.on(wire.SyncDiscardActivity, wire.SyncDiscardInput{Snapshot: snapshot, Why: "odd", Failed: true}).
		Return(temporal.NewNonRetryableApplicationError("gone", "Conflict", nil)).Once()

	s.sync("accounts")

	require.Equal(t, string(kinds.Invalid), s.failure().Type())
}

// Warnings come once each, in the order in which they were found.
func TestSync_WarningsAreNotRepeated(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	one := []access.Collection{access.Users}
	s.begins(one...)
	s.checks(wire.SyncCheckResult{Warnings: []string{"token expires soon", "token expires soon"}}, one...)
	s.on(wire.SyncDrainActivity, drainInput(access.Users, 1, nil)).
		Return(wire.SyncDrainResult{Pages: 1, Rows: 20, Unassigned: 2}, nil).Once()
	s.settles(wire.SyncSettleInput{Collections: one}, wire.SyncSettleResult{
		State: "promoted", Warnings: []string{"token expires soon", "a role differs"},
	})

	s.sync("users")

	require.Equal(t, []string{
		"token expires soon", "2 role entries of users name no role id and are left out", "a role differs",
	}, s.result().Warnings)
}

// Programs that read the result find [] where there is nothing, never null.
func TestSync_ResultHasNoNulls(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	one := []access.Collection{access.Accounts}
	s.opens(one...)
	s.drainsProven(one...)
	s.settles(wire.SyncSettleInput{Collections: one}, wire.SyncSettleResult{
		State: "unchanged", Counts: map[string]int{"accounts": 1},
	})

	s.sync("accounts")

	var raw json.RawMessage
	require.NoError(t, s.GetWorkflowResult(&raw))
	require.JSONEq(t, `{
		"snapshot": "original-run-id", "state": "unchanged",
		"startedAt": "2026-11-02T09:00:00Z", "finishedAt": "2026-11-02T09:00:00Z",
		"counts": {"accounts": 1}, "changes": {"added": 0, "removed": 0}, "requests": 9, "warnings": []
	}`, string(raw))
}
