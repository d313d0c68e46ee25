package activities

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/testbed/flowtest"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/workflows"
)

const day = 24 * time.Hour

// scales is the data converter of a worker, and weighs what passes through it. What an attempt sends again is in the
// history once.
type scales struct {
	converter.DataConverter

	mu             sync.Mutex
	seen           map[[sha256.Size]byte]bool
	largest, total int // bytes
}

func (s *scales) ToPayloads(values ...any) (*commonpb.Payloads, error) {
	out, err := s.DataConverter.ToPayloads(values...)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range out.GetPayloads() {
		if sum := sha256.Sum256(p.GetData()); !s.seen[sum] {
			s.seen[sum] = true
			s.largest, s.total = max(s.largest, len(p.GetData())), s.total+len(p.GetData())
		}
	}
	return out, err
}

// month is a principal with thousands of roles, and its writer in simulated time.
type month struct {
	*grantFixture

	scales *scales
	roles  int
	sites  []access.Holding // for leases: where the principal holds nothing
}

func newMonth(t *testing.T, roles, leases int) *month {
	t.Helper()
	o := grantworld.Options()
	o.Sites = roles + leases
	d := newGrantFixture(t, o)
	m := &month{grantFixture: d, roles: roles, scales: &scales{
		DataConverter: converter.GetDefaultDataConverter(), seen: map[[sha256.Size]byte]bool{},
	}}
	all := access.Holdings{Level: access.SiteLevel}
	for i, site := range d.console.Truth().Sites {
		if i < leases {
			m.sites = append(m.sites, access.Holding{Level: all.Level, RoleID: d.soc.RoleID, ScopeID: site.ID})
		} else {
			all.Held = append(all.Held, access.HeldRole{RoleID: d.viewer.RoleID, ScopeID: site.ID})
		}
	}
	d.editByHand(all)
	return m
}

// env is a run of the writer, with real activities.
func (m *month) env() *testsuite.TestWorkflowEnvironment {
	m.t.Helper()
	env := flowtest.New(fault.NewInterceptor())
	env.SetTestTimeout(5 * time.Minute)
	env.SetStartTime(m.now)
	env.SetDataConverter(m.scales)
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{
		ID: wire.PrincipalID(m.who.Console, m.who.Kind, m.who.ID), TaskQueue: "sentinelone",
	})
	env.RegisterWorkflowWithOptions(workflows.Principal, workflow.RegisterOptions{Name: wire.PrincipalType})
	m.principal.Register(env)
	m.principal.now = func() time.Time { return env.Now().UTC() }
	return env
}

// acquire gives a role at that time of a run.
func (m *month) acquire(env *testsuite.TestWorkflowEnvironment, after time.Duration, l access.Lease) {
	env.RegisterDelayedCallback(func() {
		RecordRequest(m.t, m.store, m.who, access.OpAcquire, l, env.Now().UTC(), nil)
		in := wire.ChangeRequest{
			Key: access.ChangeKey(l.ID, access.OpAcquire), Request: l.ID[:len(l.ID)-len("#run")],
			Change: access.Change{Op: access.OpAcquire, Lease: l},
		}
		env.UpdateWorkflow(wire.ChangeUpdate, in.Key, &testsuite.TestUpdateCallback{
			OnAccept: func() {},
			OnReject: func(err error) { require.NoError(m.t, err) },
			OnComplete: func(got any, err error) {
				require.NoError(m.t, err)
				answer, _ := got.(wire.ChangeAnswer)
				require.Equal(m.t, access.Applied, answer.Proof.Outcome)
			},
		}, in)
	}, after)
}

// Nothing that passes through Temporal grows with the roles of a user, nor does the history. `make soak` has the same
// with 6,000 roles and fifty leases.
func TestMonth_RolesAndLeases(t *testing.T) {
	t.Parallel()
	newMonth(t, 500, 6).pass()
}

// pass has a user with many roles get some more for two weeks each. When they end, the console is down for three days,
// and no grant asks for the releases.
func (m *month) pass() {
	t := m.t
	t.Helper()
	before := m.held()
	require.Len(t, before.Held, m.roles)

	first := m.env()
	for i, h := range m.sites {
		m.acquire(first, time.Minute+time.Duration(i)*time.Hour, access.Lease{
			ID: fmt.Sprintf("grant/%d#run", i), Holding: h, For: access.Duration(14 * day),
		})
	}
	first.RegisterDelayedCallback(func() { first.SetContinueAsNewSuggested(true) }, 5*day)
	first.ExecuteWorkflow(wire.PrincipalType, wire.PrincipalInput{WriterStart: m.who})
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, first.GetWorkflowError(), &again)
	require.Len(t, m.held().Held, m.roles+len(m.sites))
	var next wire.PrincipalInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
	require.Len(t, next.Ownership.Leases, len(m.sites))
	require.Less(t, len(again.Input.GetPayloads()[0].GetData()), 32<<10, "bytes")

	m.now = first.Now().UTC()
	second := m.env()
	var down string
	second.RegisterDelayedCallback(func() {
		down = m.console.AddFault(consoletest.Fault{Name: consoletest.ServerError, Path: "/users"})
		var status wire.PrincipalStatus
		value, err := second.QueryWorkflow(wire.StatusQuery)
		require.NoError(t, err)
		require.NoError(t, value.Get(&status))
		require.Len(t, status.Leases, len(m.sites))
	}, 9*day-time.Hour)
	second.RegisterDelayedCallback(func() {
		require.Len(t, m.held().Held, m.roles+len(m.sites), "it has been down since")
		require.True(t, m.console.RemoveFault(down))
	}, 12*day-time.Hour)
	second.ExecuteWorkflow(wire.PrincipalType, next)
	require.True(t, second.IsWorkflowCompleted())
	require.NoError(t, second.GetWorkflowError())
	require.Equal(t, before, m.held(), "every lease is released, and nothing else")
	require.Less(t, second.Now().Sub(m.now), 13*day)

	require.Less(t, m.scales.largest, 32<<10, "the largest payload of the month, in bytes")
	require.Less(t, m.scales.total, len(m.sites)*12<<10, "all payloads of the month, in bytes")
	t.Logf("largest payload %d bytes, all %d bytes", m.scales.largest, m.scales.total)
}
