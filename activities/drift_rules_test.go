package activities

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/wire"
)

// revertFixture has a role that was given by hand, which the policy has the system revert.
type revertFixture struct {
	*driftFixture

	rules    *DriftRules
	temporal *squattedTemporal
}

// squattedTemporal starts reverts, unless a workflow of another type runs under their id.
type squattedTemporal struct {
	client.Client

	squatter   string // its type; "" for none
	started    []client.StartWorkflowOptions
	terminated []string // runs
}

func (s *squattedTemporal) ExecuteWorkflow(
	_ context.Context, o client.StartWorkflowOptions, _ any, _ ...any,
) (client.WorkflowRun, error) {
	if s.squatter != "" {
		return nil, serviceerror.NewWorkflowExecutionAlreadyStarted("running", "", "squatter")
	}
	s.started = append(s.started, o)
	return nil, nil //nolint:nilnil // nobody looks at it
}

func (s *squattedTemporal) DescribeWorkflowExecution(
	context.Context, string, string,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{
		Type: &common.WorkflowType{Name: s.squatter}, TaskQueue: "q",
	}}, nil
}

func (s *squattedTemporal) TerminateWorkflow(_ context.Context, _, run, _ string, _ ...any) error {
	s.terminated, s.squatter = append(s.terminated, run), ""
	return nil
}

func newRevertFixture(t *testing.T) *revertFixture {
	t.Helper()
	d := newDriftFixture(t)
	p, err := policy.Parse("drift", []byte(`
rules: [{name: all, permanent: true, for: [grant, revoke], autoApprove: true}]
drift: [{name: rest, action: revert}]
`))
	require.NoError(t, err)
	d.explain()
	d.editByHand(holdings(d.viewer, d.soc))
	d.sync()
	d.explain()
	f := &revertFixture{driftFixture: d, temporal: &squattedTemporal{}}
	f.rules = NewDriftRules(d.client, d.store, p, "q", sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	f.rules.now = func() time.Time { return time.Now().Add(time.Hour) } // snapshots are promoted by the store's clock
	return f
}

// look is one look at drift. It returns the id of the revert that the ledger names.
func (f *revertFixture) look() (id string, body ledger.Drift) {
	f.t.Helper()
	require.NoError(f.t, f.rules.Apply(f.outside(), f.temporal))
	subject := ledger.Subject{Kind: f.who.Kind, ID: f.who.ID}.String()
	entries, err := f.store.LedgerOfSubject(f.t.Context(), f.who.Console, subject, 0)
	require.NoError(f.t, err)
	for _, e := range entries {
		if e.Kind == ledger.KindDrift {
			body, err = ledger.DecodeAs[ledger.Drift](e)
			require.NoError(f.t, err)
			id = e.Request
		}
	}
	require.NotEmpty(f.t, id)
	return id, body
}

// filed puts a plan, and a receipt that the request was refused, on record of a run.
func (f *revertFixture) filed(run ledger.Run, plan access.Plan) {
	f.t.Helper()
	plan = plan.Seal()
	_, err := f.store.Append(f.t.Context(), f.who.Console,
		ledger.NewEntry{Request: run.Request, Key: run.RequestKey(0), At: f.now, Body: ledger.Request{Plan: plan}},
		ledger.NewEntry{Request: run.Request, Key: run.ReceiptKey(), At: f.now, Body: ledger.Receipt{
			Receipt: access.Receipt{State: wire.StateRefused, Plan: plan, FinishedAt: f.now},
		}})
	require.NoError(f.t, err)
}

// revertOf is the plan of a revert.
func (f *revertFixture) revertOf(d ledger.Drift) access.Plan {
	return access.Plan{
		Op: access.OpRevoke, Console: f.who.Console, Principal: d.Principal,
		Role:  access.RoleRef{ID: d.Holding.RoleID},
		Scope: access.ScopeRef{Level: d.Holding.Level, ID: d.Holding.ScopeID},
		Terms: access.Terms{Requester: policy.SystemRequester}, Approval: access.Approval{Hash: d.Policy},
	}
}

// A refused request for something else under the id of a revert does not make the revert done. One that was the
// revert does.
func TestDriftRules_AnotherRequestUnderTheID(t *testing.T) {
	t.Parallel()
	f := newRevertFixture(t)
	id, body := f.look()
	require.Len(t, f.temporal.started, 1)
	other := f.revertOf(body)
	other.Role.ID = f.viewer.RoleID
	f.filed(ledger.Run{Request: id, ID: "other"}, other)
	f.look()
	require.Len(t, f.temporal.started, 2)
	f.filed(ledger.Run{Request: id, ID: "own"}, f.revertOf(body))
	f.look()
	require.Len(t, f.temporal.started, 2)
}

// A look is due sooner once a sync has explained the assignments anew, once the time of a rule has come, and while what
// is due waits for Temporal.
func TestDriftRules_Sooner(t *testing.T) {
	t.Parallel()
	f := newRevertFixture(t)
	var err error
	f.rules.policy, err = policy.Parse("drift", []byte(`
rules: [{name: all, permanent: true, for: [grant, revoke], autoApprove: true}]
drift: [{name: rest, action: revert, after: 2h}]
`))
	require.NoError(t, err)
	ctx := t.Context()
	require.True(t, f.rules.Sooner(ctx), "it has not looked yet")
	require.NoError(t, f.rules.Apply(f.outside(), f.temporal))
	require.False(t, f.rules.Sooner(ctx), "nothing is due")

	f.editByHand(holdings(f.soc))
	f.sync()
	f.explain()
	require.True(t, f.rules.Sooner(ctx), "there is another explanation")
	require.NoError(t, f.rules.Apply(f.outside(), f.temporal))
	require.False(t, f.rules.Sooner(ctx))

	f.rules.now = func() time.Time { return time.Now().Add(4 * time.Hour) }
	require.True(t, f.rules.Sooner(ctx), "the time of the rule has come")
	require.NoError(t, f.rules.Apply(f.outside(), nil))
	require.Empty(t, f.temporal.started)
	require.True(t, f.rules.Sooner(ctx), "it waits for Temporal")
	require.NoError(t, f.rules.Apply(f.outside(), f.temporal))
	require.Len(t, f.temporal.started, 1)
	require.False(t, f.rules.Sooner(ctx))
}

// A workflow of another type that runs under the id of a revert does not keep it out.
func TestDriftRules_Squatter(t *testing.T) {
	t.Parallel()
	f := newRevertFixture(t)
	f.temporal.squatter = wire.GrantType
	f.look()
	require.Equal(t, []string{"squatter"}, f.temporal.terminated)
	require.Len(t, f.temporal.started, 1)

	f.temporal.squatter = wire.RevokeType
	f.look()
	require.Len(t, f.temporal.terminated, 1, "the revert itself goes on")
}

// A revert removes the role in that occurrence of drift. Started again by anybody, after the role was removed and
// given again, it removes nothing: what is there now may be dealt with otherwise.
func TestRevert_ThatDriftAlone(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]bool{"at once": false, "after it was removed and given again": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newRevertFixture(t)
			id, body := f.look()
			if again {
				f.editByHand(holdings(f.viewer))
				f.sync()
				f.explain()
				f.editByHand(holdings(f.viewer, f.soc))
				f.sync()
				f.explain()
			}
			run := ledger.Run{Request: id, ID: "run"}
			plan := f.revertOf(body)
			_, err := f.store.Append(t.Context(), f.who.Console, ledger.NewEntry{
				Request: id, Key: run.RequestKey(0), At: f.now,
				Body: ledger.Request{Plan: plan.Seal(), Facts: &ledger.Facts{}},
			})
			require.NoError(t, err)
			got := f.mustWrite(wire.WriteInput{Writer: f.who, Change: wire.ChangeRequest{
				Key: access.ChangeKey(run.String(), access.OpRevoke), Request: id,
				Change: access.Change{Op: access.OpRevoke, Lease: access.Lease{ID: run.String(), Holding: f.soc}},
			}})
			if again {
				require.Equal(t, access.Unauthorized, got.Proof.Outcome)
				require.Contains(t, got.Message, "another matter")
				require.Equal(t, holdings(f.viewer, f.soc), f.held())
				return
			}
			require.Equal(t, access.Removed, got.Proof.Outcome, got.Message)
			require.Equal(t, holdings(f.viewer), f.held())
		})
	}
}
