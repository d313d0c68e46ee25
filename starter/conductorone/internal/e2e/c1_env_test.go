package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/stretchr/testify/assert" //nolint:depguard // the type that EventuallyWithT hands out
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/c1test"
)

// approvalPolicy asks carol for each grant, and nobody for revokes.
const approvalPolicy = `
groups:
  soc-leads: [carol@example.com]
rules:
  - {name: grants, approvals: [{need: 1, from: [soc-leads]}], permanent: true}
  - {name: revokes, for: [revoke], autoApprove: true}
`

// c1Env is a stack with a ConductorOne, whose connector runs in service mode. The console has ana, who holds Viewer at
// the first site, and bob, who holds SOC at the second one too: that is what tests grant and revoke.
type c1Env struct {
	*stack

	c1        *c1test.Server
	connector *testbed.Process // the latest one
	output    *testbed.Output  // of all connectors

	world     *grantworld.World
	ana, bob  access.Principal
	requested access.Holding
}

// crowd is how many more users there are, who hold what ana holds.
const crowd = 10

// newC1Env has a worker that follows a policy, a proven sync, and no connector yet.
func newC1Env(t *testing.T, policy string) *c1Env {
	t.Helper()
	return newC1EnvOn(t, shared, policy)
}

func newC1EnvOn(t *testing.T, temporal *testbed.DevServer, policy string) *c1Env {
	t.Helper()
	e := prepareC1Env(t, temporal, policy)
	e.startWorker()
	e.sync()
	return e
}

func prepareC1Env(t *testing.T, temporal *testbed.DevServer, policy string) *c1Env {
	t.Helper()
	return prepareC1EnvWith(t, temporal, policy, grantworld.Options())
}

func prepareC1EnvWith(
	t *testing.T, temporal *testbed.DevServer, policy string, o consoletest.Options,
) *c1Env {
	t.Helper()
	s := newStackOn(t, temporal, o)
	s.setPolicy(policy)
	world := grantworld.New(t, s.console)
	for i := range crowd {
		world.AddUser(fmt.Sprintf("ana+%d@example.com", i))
	}
	return &c1Env{
		stack: s, c1: c1test.Start(t), output: &testbed.Output{}, world: world, requested: world.SOC,
		ana: world.AddUser("ana@example.com"), bob: world.AddUser("bob@example.com", world.SOC),
	}
}

// connect starts the connector and waits for its Hello.
func (e *c1Env) connect(env ...string) {
	e.t.Helper()
	before := len(e.c1.Hellos())
	e.launch(env...)
	require.NoError(e.t, e.c1.WaitHellos(e.ctx(), before+1), e.output.Tail())
}

func (e *c1Env) launch(env ...string) {
	e.t.Helper()
	var err error
	env = append(append(e.env(), e.c1.Env()...), env...)
	e.connector, err = testbed.StartProcess(e.output, env, program(connectorProgram), "--log-level", "debug")
	require.NoError(e.t, err)
	e.t.Cleanup(e.connector.Kill)
}

// end waits for the end of a task.
func (e *c1Env) end(task *c1test.Task) c1test.Result {
	e.t.Helper()
	got, err := task.Wait(e.ctx())
	require.NoError(e.t, err, e.output.Tail())
	return got
}

// do has the connector do a task.
func (e *c1Env) do(task *v1.Task) c1test.Result {
	e.t.Helper()
	return e.end(e.c1.Queue(task))
}

// synced is what a full sync uploads.
func (e *c1Env) synced() c1test.Contents {
	e.t.Helper()
	got := e.do(c1test.FullSync())
	require.True(e.t, got.Succeeded(), got.Message())
	return got.Contents(e.t)
}

// entitlementOf is the entitlement of a role at a scope, as a sync has uploaded it.
func (e *c1Env) entitlementOf(c c1test.Contents, h access.Holding) *v2.Entitlement {
	e.t.Helper()
	id := "role_assignment:" + h.RoleID + "-" + h.ScopeID + ":assigned"
	out := c.Entitlement(id)
	require.NotNil(e.t, out, id)
	return out
}

func (e *c1Env) resourceOf(c c1test.Contents, p access.Principal) *v2.Resource {
	e.t.Helper()
	out := c.Resource(resourceType(p.Kind), p.ID)
	require.NotNil(e.t, out, p.ID)
	return out
}

// grant is the task that gives a principal what tests grant.
func (e *c1Env) grant(c c1test.Contents, p access.Principal) *v1.Task {
	e.t.Helper()
	return c1test.Grant(e.entitlementOf(c, e.requested), e.resourceOf(c, p))
}

// revoke is the task that takes from bob what tests revoke.
func (e *c1Env) revoke(c c1test.Contents) *v1.Task {
	e.t.Helper()
	id := e.entitlementOf(c, e.requested).GetId() + ":user:" + e.bob.ID
	grant := c.Grant(id)
	require.NotNil(e.t, grant, id)
	return c1test.Revoke(grant)
}

func (e *c1Env) holds(p access.Principal) bool {
	return e.world.HoldingsOf(p.Kind, p.ID).Holds(e.requested)
}

// pollEvery is the pause between two looks at something outside.
const pollEvery = 50 * time.Millisecond

// count counts the workflows of the stack that match.
func (e *c1Env) count(query string) int {
	e.t.Helper()
	got, err := e.client.CountWorkflow(e.ctx(), &workflowservice.CountWorkflowExecutionsRequest{
		Query: `TaskQueue = "` + e.queue + `" AND ` + query,
	})
	require.NoError(e.t, err)
	return int(got.GetCount())
}

// ofConnector finds the grants that the connector has started, but no dry runs.
const ofConnector = `WorkflowId STARTS_WITH "grant/c1-"`

// requests is how many grants the connector has started.
func (e *c1Env) requests() int {
	e.t.Helper()
	return e.count(ofConnector)
}

// pending waits until that many grants wait for an approval, and returns their ids.
func (e *c1Env) pending(n int) []string {
	e.t.Helper()
	return e.pendingOf("grant/c1-", n)
}

// pendingOf waits until that many requests wait for an approval whose ids begin so, and returns their ids.
func (e *c1Env) pendingOf(prefix string, n int) []string {
	e.t.Helper()
	var ids []string
	require.EventuallyWithT(e.t, func(c *assert.CollectT) {
		ids = nil
		got, err := e.client.ListWorkflow(e.ctx(), &workflowservice.ListWorkflowExecutionsRequest{
			Query: fmt.Sprintf("TaskQueue = %q AND ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH %q",
				e.queue, prefix),
		})
		require.NoError(c, err)
		for _, r := range got.GetExecutions() {
			if e.state(r.GetExecution().GetWorkflowId()) == wire.StateAwaitingApproval {
				ids = append(ids, r.GetExecution().GetWorkflowId())
			}
		}
		require.Len(c, ids, n)
	}, limit, pollEvery)
	return ids
}

// decide has carol approve or deny a request.
func (e *c1Env) decide(action, id string, more ...string) {
	e.t.Helper()
	got := e.starter(append([]string{action, id, "--by", "carol@example.com", "--yes"}, more...)...)
	require.Zero(e.t, got.code, "%s%s", got.stdout, got.stderr)
}

// connectorName begins every sentence of the connector, so that people know where to look.
const connectorName = "baton-sentinelone-provisioner: "

// requireSentence checks what people read under "logs" of a task that failed: the connector's name, once, and what they
// need to know and to do.
func (e *c1Env) requireSentence(got c1test.Result, parts ...string) {
	e.t.Helper()
	require.False(e.t, got.Succeeded())
	text := got.Message()
	require.Equal(e.t, 1, strings.Count(text, connectorName), text)
	for _, part := range parts {
		require.Contains(e.t, text, part)
	}
}
