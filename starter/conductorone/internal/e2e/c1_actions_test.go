package e2e

import (
	"sync"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/c1test"
)

// leadsDecideAgain asks carol for each grant and each extension, of at most eight hours.
const leadsDecideAgain = `
groups:
  soc-leads: [carol@example.com]
rules:
  - {name: grants, maxDuration: 8h, approvals: [{need: 1, from: [soc-leads]}]}
`

// runAction has the connector run an action to its end, whatever that is.
func (e *c1Env) runAction(name string, args map[string]any) c1test.Action {
	e.t.Helper()
	out, err := e.c1.RunAction(e.ctx(), name, fields(e.t, args))
	require.NoError(e.t, err, e.output.Tail())
	return out
}

// requireDone checks that an action has done what it is for.
func (e *c1Env) requireDone(a c1test.Action) {
	e.t.Helper()
	require.True(e.t, a.Complete(), a.Failure())
	require.Equal(e.t, true, a.Values["success"], "%v", a.Values)
}

// grantFor are the arguments that give ana what tests grant, for a time.
func (e *c1Env) grantFor(duration string) map[string]any {
	named := func(kind, id string) map[string]any {
		return map[string]any{"resource_type_id": kind, "resource_id": id}
	}
	return map[string]any{
		"principal": named("user", e.ana.ID), "role": named("role", e.requested.RoleID),
		"scope": named("site", e.requested.ScopeID), "duration": duration, "reason": "INC-42",
	}
}

// background runs an action beside the test; what it returns waits for its end.
func (e *c1Env) background(name string, args map[string]any) func() c1test.Action {
	e.t.Helper()
	var out c1test.Action
	var err error
	var done sync.WaitGroup
	ctx, in := e.ctx(), fields(e.t, args)
	done.Go(func() { out, err = e.c1.RunAction(ctx, name, in) })
	e.t.Cleanup(done.Wait)
	return func() c1test.Action {
		e.t.Helper()
		done.Wait()
		require.NoError(e.t, err, e.output.Tail())
		return out
	}
}

// endOf is when a grant in force ends, as its actions say it.
func (e *c1Env) endOf(id string) time.Time {
	e.t.Helper()
	value, err := e.client.QueryWorkflow(e.ctx(), id, "", wire.StatusQuery)
	require.NoError(e.t, err)
	var status wire.RequestStatus
	require.NoError(e.t, value.Get(&status))
	require.Equal(e.t, wire.StateActive, status.State)
	require.NotNil(e.t, status.EndsAt)
	return *status.EndsAt
}

// ConductorOne lists the actions and runs them. An action that waits for people runs on until they decide: the fake
// ConductorOne asks how it stands.
func TestC1_GrantForExtendEnd(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, leadsDecideAgain)
	e.connect()
	var listed v2.ListActionSchemasResponse
	e.do(c1test.ActionSchemas()).Response(t, &listed)
	var names []string
	for _, s := range listed.GetSchemas() {
		names = append(names, s.GetName())
	}
	require.ElementsMatch(t, []string{"grant_for", "extend", "end", "confirm_sync", "discard_sync"}, names)

	wait := e.background("grant_for", e.grantFor("4h"))
	id := e.pending(1)[0]
	require.NoError(t, e.c1.WaitStatusAsked(e.ctx(), 1)) // an action that ends within a second is not asked about
	e.decide("approve", id)
	given := wait()
	e.requireDone(given)
	require.Positive(t, given.Asked, "it has waited for carol")
	require.Equal(t, id, given.Text("request"))
	require.True(t, e.holds(e.ana))

	of := map[string]any{"request": id, "duration": "1h", "reason": "still on it"}
	asked := e.runAction("extend", of)
	require.True(t, asked.Complete(), asked.Failure())
	require.Equal(t, false, asked.Values["success"], "it waits for carol")
	require.Contains(t, asked.Text("message"), "starter approve")
	before := e.endOf(id)
	require.Equal(t, describe.Second(before), given.Text("ends_at"))
	require.Equal(t, given.Text("ends_at"), asked.Text("ends_at"), "it ends as before until then")
	e.decide("approve", id)
	require.Equal(t, before.Add(time.Hour), e.endOf(id))

	e.requireDone(e.runAction("end", map[string]any{"request": id}))
	require.False(t, e.holds(e.ana))
	late := e.runAction("extend", of)
	require.False(t, late.Complete())
	require.Contains(t, late.Failure(), connectorName+"cannot extend "+id)
}
