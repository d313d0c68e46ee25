package workflows_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// obj is JSON as people write it.
type obj = map[string]any

func rightGrant() obj {
	return obj{
		"principal": obj{"kind": "user", "email": anaMail}, "role": obj{"name": "SOC"},
		"scope": obj{"level": "site", "name": "Acme / Berlin"}, "requester": bobMail, "duration": "4h",
	}
}

// Each mistake in the input is explained in a sentence and ends the request before anything
// runs.
func TestRequests_RefuseBadInput(t *testing.T) {
	t.Parallel()
	later := began.Add(400 * 24 * time.Hour).Format(time.RFC3339)
	cases := map[string]struct {
		field   string
		value   any
		want    string
		invalid bool // else it is not understood, which Temporal's own type says
	}{
		"no principal":   {"principal", nil, `principal.kind is "": write user or serviceUser`, true},
		"unknown kind":   {"principal", obj{"kind": "group", "id": "7"}, `principal.kind is "group"`, true},
		"nobody":         {"principal", obj{"kind": "user"}, "principal: give one of email, name and id", true},
		"blank":          {"principal", obj{"kind": "user", "email": " "}, "principal: give one of email", true},
		"named twice":    {"principal", obj{"kind": "user", "email": anaMail, "id": "7"}, "give one of", true},
		"e-mail of none": {"principal", obj{"kind": "serviceUser", "email": anaMail}, "which has none", true},
		"service nobody": {"principal", obj{"kind": "serviceUser"}, "principal: give one of name and id", true},
		"principal id":   {"principal", obj{"kind": "user", "id": "x7"}, `principal.id is "x7"`, true},
		"no role":        {"role", nil, "role: give one of name and id", true},
		"role twice":     {"role", obj{"name": "SOC", "id": "2"}, "role: give one of name and id", true},
		"role id":        {"role", obj{"id": "-2"}, `role.id is "-2"`, true},
		"no scope":       {"scope", nil, `scope.level is "": write tenant, account or site`, true},
		"group": {
			"scope", obj{"level": "group", "id": "5"}, "scope.level is group, where roles cannot be granted", true,
		},
		"unknown level":   {"scope", obj{"level": "world"}, `scope.level is "world"`, true},
		"tenant with id":  {"scope", obj{"level": "tenant", "id": "5"}, "the tenant has neither id nor name", true},
		"site of no name": {"scope", obj{"level": "site"}, "scope: give one of name and id of the site", true},
		"scope id":        {"scope", obj{"level": "account", "id": "../1"}, `scope.id is "../1"`, true},
		"no requester": {
			"requester", nil, `requester is missing: name the requester, as in "bob@example.com"`, true,
		},
		"blank requester":  {"requester", "  ", "requester is missing", true},
		"duration zero":    {"duration", "0s", "duration is 0s: pass one above 0, or omit it", true},
		"negative":         {"duration", "-4h", "duration is -4h: pass one above 0", true},
		"too long":         {"duration", "9000h", "duration is 9000h: the maximum is 8784h (366 days)", true},
		"start too far":    {"startAt", later, "that is more than 366 days ahead", true},
		"end before start": {"startAt", "2026-11-01T00:00:00Z", "it would end at 2026-11-01T04:00:00Z", true},

		"misspelt field":      {"dration", "4h", `unknown field "dration"`, false},
		"misspelt amid":       {"principal", obj{"kind": "user", "mail": anaMail}, `unknown field "mail"`, false},
		"misspelt role":       {"role", obj{"nam": "SOC"}, `unknown field "nam"`, false},
		"misspelt scope":      {"scope", obj{"level": "site", "ID": "5", "x": 1}, `unknown field "x"`, false},
		"number for id":       {"role", obj{"id": 5}, "input is not understood", false},
		"number for duration": {"duration", 4, `duration 4 is not a text`, false},
		"no duration":         {"duration", "four hours", `invalid duration "four hours"`, false},
		"no time":             {"startAt", "tomorrow", "input is not understood", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range []string{wire.GrantType, wire.RevokeType} {
				in := rightGrant()
				if kind == wire.RevokeType {
					if c.field == "duration" || c.field == "startAt" {
						continue
					}
					delete(in, "duration")
				}
				in[c.field] = c.value
				maps.DeleteFunc(in, func(_ string, v any) bool { return v == nil })
				s := newRequest(t)
				ran := 0
				s.SetOnActivityStartedListener(countActivities(&ran))
				s.ExecuteWorkflow(kind, in)
				require.ErrorContains(t, s.GetWorkflowError(), c.want, kind)
				require.Zero(t, ran)
				if c.invalid {
					require.Equal(t, string(kinds.Invalid), s.failure().Type())
					require.True(t, s.failure().NonRetryable())
				}
			}
		})
	}
}

// All that is wrong is said at once.
func TestRequests_SayAllThatIsWrong(t *testing.T) {
	t.Parallel()
	s := newRequest(t)
	s.ExecuteWorkflow(wire.GrantType, obj{})
	for _, want := range []string{"principal.kind", "role: give", "scope.level", "requester is missing"} {
		require.ErrorContains(t, s.GetWorkflowError(), want)
	}
}

// What a revoke has no use for is not passed over.
func TestRevoke_HasNoDuration(t *testing.T) {
	t.Parallel()
	s := newRequest(t)
	s.ExecuteWorkflow(wire.RevokeType, rightGrant())
	require.ErrorContains(t, s.GetWorkflowError(), `unknown field "duration"`)
	require.False(t, temporal.IsCanceledError(s.GetWorkflowError()))
}
