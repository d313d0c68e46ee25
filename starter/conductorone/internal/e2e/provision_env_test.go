package e2e

import (
	"context"
	"sync"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/types"
	sdkgrant "github.com/conductorone/baton-sdk/pkg/types/grant"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/connector"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
	"sentinelone-provisioner/starter/conductorone/internal/settings"
)

// pause is the time between two looks at what a test waits for.
const pause = 50 * time.Millisecond

// leadsDecide is a policy by which soc-leads approve what is requested in ConductorOne.
const leadsDecide = `
groups:
  soc-leads: [carol@example.com, dave@example.com]
rules:
  - name: conductorone
    when: requester == "conductorone"
    permanent: true
    approvals: [{need: 1, from: [soc-leads]}]
`

// c1Decides is a policy by which ConductorOne's own approval is enough.
const c1Decides = `
rules:
  - name: decided-in-conductorone
    when: requester == "conductorone"
    permanent: true
    autoApprove: true
`

// provisionEnv is a stack whose console has one user, who holds Viewer at one site. Tests grant the user SOC at
// another. The connector runs in this process, so that a test sees the answers themselves.
type provisionEnv struct {
	*stack

	world *grantworld.World
	ana   access.Principal
	soc   access.Holding

	connectorSettings settings.Settings
}

// newProvisionEnv has a worker that follows a policy, with more environment variables; "" is no worker.
func newProvisionEnv(t *testing.T, policy string, extraEnv ...string) *provisionEnv {
	t.Helper()
	s := newStack(t, grantworld.Options())
	world := grantworld.New(t, s.console)
	e := &provisionEnv{stack: s, world: world, ana: world.AddUser("ana@example.com"), soc: world.SOC}
	e.connectorSettings = settings.Settings{
		ConsoleURL: s.console.URL, DatabaseURL: settings.Secret(s.database), TaskQueue: s.queue,
		TemporalAddress: s.temporal.Address, MaxAge: "1h", SyncWait: "1m", Wait: "4m", Requester: "conductorone",
		TaskConcurrency: 10,
	}
	s.extraEnv = append(s.extraEnv, extraEnv...)
	if policy != "" {
		s.setPolicy(policy)
		s.startWorker()
	}
	return e
}

// restart has another worker follow another policy.
func (e *provisionEnv) restart(policy string) {
	e.t.Helper()
	e.worker.Kill()
	e.setPolicy(policy)
	e.startWorker()
}

// connect opens a connector, as one process of it does.
func (e *provisionEnv) connect() types.ConnectorServer {
	e.t.Helper()
	c, _, err := connector.Open(e.t.Context(), &e.connectorSettings, nil)
	require.NoError(e.t, err)
	server, err := connectorbuilder.NewConnector(e.t.Context(), c)
	require.NoError(e.t, err)
	return server
}

// answer is what ConductorOne is told.
type answer struct {
	grants      []string
	annotations []string // names, with the grant that is replaced
	err         error
}

func (e *provisionEnv) grant(c types.ConnectorServer, p access.Principal, h access.Holding) answer {
	return grantWith(e.ctx(), c, p, h)
}

func grantWith(ctx context.Context, c types.ConnectorServer, p access.Principal, h access.Holding) answer {
	got, err := c.Grant(ctx, v2.GrantManagerServiceGrantRequest_builder{
		Entitlement: entitlementOf(h), Principal: principalOf(p),
	}.Build())
	out := answer{err: err}
	for _, g := range got.GetGrants() {
		out.grants = append(out.grants, g.GetId())
	}
	for _, a := range got.GetAnnotations() {
		text := string(a.MessageName().Name())
		var r v2.GrantReplaced
		if a.MessageIs(&r) && a.UnmarshalTo(&r) == nil {
			text += " " + r.GetReplacedGrantId()
		}
		out.annotations = append(out.annotations, text)
	}
	return out
}

func (e *provisionEnv) revoke(c types.ConnectorServer, p access.Principal, h access.Holding) answer {
	got, err := c.Revoke(e.ctx(), v2.GrantManagerServiceRevokeRequest_builder{Grant: v2.Grant_builder{
		Id: grantID(p, h), Entitlement: entitlementOf(h), Principal: principalOf(p),
	}.Build()}.Build())
	out := answer{err: err}
	for _, a := range got.GetAnnotations() {
		out.annotations = append(out.annotations, string(a.MessageName().Name()))
	}
	return out
}

// background runs a grant beside the test; what it returns waits for the answer.
func (e *provisionEnv) background(
	ctx context.Context, c types.ConnectorServer, p access.Principal, h access.Holding,
) func() answer {
	e.t.Helper()
	var out answer
	var done sync.WaitGroup
	done.Go(func() { out = grantWith(ctx, c, p, h) })
	e.t.Cleanup(done.Wait)
	return func() answer { done.Wait(); return out }
}

func entitlementOf(h access.Holding) *v2.Entitlement {
	return resources.AssignedTo(resources.NewAssignment(h, resources.Names{}))
}

func principalOf(p access.Principal) *v2.Resource {
	return v2.Resource_builder{Id: resources.PrincipalID(p.Kind, p.ID)}.Build()
}

func grantID(p access.Principal, h access.Holding) string {
	return resources.AssignedGrant(access.Assignment{
		PrincipalKind: p.Kind, PrincipalID: p.ID, RoleID: h.RoleID, Level: h.Level, ScopeID: h.ScopeID,
	}, false).GetId()
}

// requestIDs are the workflow ids of all runs of the requests from ConductorOne, without dry runs.
func (e *provisionEnv) requestIDs() []string {
	e.t.Helper()
	var out []string
	var token []byte
	for {
		got, err := e.client.ListWorkflow(e.ctx(), listOf(e.queue, token))
		require.NoError(e.t, err)
		for _, x := range got.GetExecutions() {
			if id := x.GetExecution().GetWorkflowId(); isFromC1(id) {
				out = append(out, id)
			}
		}
		if token = got.GetNextPageToken(); len(token) == 0 {
			return out
		}
	}
}

// request is the id of the only request from ConductorOne that runs or ran, once it is there.
func (e *provisionEnv) request() string {
	e.t.Helper()
	var ids []string
	require.Eventually(e.t, func() bool { ids = e.requestIDs(); return len(ids) > 0 }, limit, pause)
	return ids[0]
}

// until waits until a request is in a state.
func (e *provisionEnv) until(id, state string) wire.RequestStatus {
	e.t.Helper()
	var last wire.RequestStatus
	require.Eventually(e.t, func() bool {
		value, err := e.client.QueryWorkflow(e.ctx(), id, "", wire.StatusQuery)
		return err == nil && value.Get(&last) == nil && last.State == state
	}, limit, pause, "%s is not %s", id, state)
	return last
}

// decide sends the decision of a lead, once the request waits for it.
func (e *provisionEnv) decide(id, action string, in wire.DecisionInput) {
	e.t.Helper()
	e.until(id, wire.StateAwaitingApproval)
	in.By = "carol@example.com"
	handle, err := e.client.UpdateWorkflow(e.ctx(), client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: action, WaitForStage: client.WorkflowUpdateStageCompleted, Args: []any{in},
	})
	require.NoError(e.t, err)
	require.NoError(e.t, handle.Get(e.ctx(), nil))
}

// holds says whether the console shows a role.
func (e *provisionEnv) holds(p access.Principal, h access.Holding) bool {
	return e.world.HoldingsOf(p.Kind, p.ID).Holds(h)
}

// requireGranted checks that the role was given, and is on the console.
func (e *provisionEnv) requireGranted(got answer, p access.Principal, h access.Holding, annotations ...string) {
	e.t.Helper()
	require.NoError(e.t, got.err)
	require.Equal(e.t, []string{grantID(p, h)}, got.grants)
	require.Equal(e.t, annotations, got.annotations)
	require.True(e.t, e.holds(p, h))
}

// requireDeclined checks that ConductorOne sees a decline, and its text.
func requireDeclined(t *testing.T, got answer, texts ...string) {
	t.Helper()
	reason, declined := sdkgrant.IsErrGrantCancelled(got.err)
	require.True(t, declined, "%v", got.err)
	for _, text := range texts {
		require.Contains(t, reason, text)
	}
}

// requireFailed checks that ConductorOne sees a failure that the SDK does not try again, and its text.
func requireFailed(t *testing.T, got answer, texts ...string) {
	t.Helper()
	require.Error(t, got.err)
	_, declined := sdkgrant.IsErrGrantCancelled(got.err)
	require.False(t, declined, "%v", got.err)
	require.NotContains(t, []codes.Code{codes.Unavailable, codes.DeadlineExceeded}, status.Code(got.err))
	for _, text := range texts {
		require.ErrorContains(t, got.err, text)
	}
}
