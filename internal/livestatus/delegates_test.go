package livestatus_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/testbed/flowtest"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/workflows"
)

const (
	carol = "carol@example.com"
	dave  = "dave@example.com"
	erin  = "erin@example.com"
	frank = "frank@example.com"
)

// handed are delegations in force now, of which the last one is over.
func handed(pairs ...[2]string) (out []access.Delegation) {
	now := time.Now()
	for i, p := range pairs {
		d := access.Delegation{By: p[0], To: p[1], At: now.Add(-time.Hour), Until: now.Add(time.Hour)}
		if i == len(pairs)-1 {
			d.Until = now.Add(-time.Minute)
		}
		out = append(out, d)
	}
	return out
}

// Whom people of the open step have handed their decisions to is in the status: not what
// those did who have decided or are not asked, and nobody whose word counts anyway or never.
func TestDelegates(t *testing.T) {
	t.Parallel()
	s := &source{handed: handed(
		[2]string{dave, "gina@example.com"},    // asked, until he decides
		[2]string{" Carol@example.com", frank}, // asked
		[2]string{carol, erin},                 // who is asked herself
		[2]string{carol, "Bob@example.com"},    // who asks
		[2]string{carol, "ana@example.com"},    // who would get it
		[2]string{"henk@example.com", frank},   // not asked
		[2]string{erin, "ida@example.com"},     // over
	)}
	first, second := consentOf(t, s, access.ApprovalStep{
		Need: 2, Groups: []string{"leads"}, People: []string{erin, carol, dave},
	})
	require.Equal(t, []wire.StepDelegate{
		{By: " Carol@example.com", To: frank, Until: s.handed[1].Until.UTC()},
		{By: dave, To: "gina@example.com", Until: s.handed[0].Until.UTC()},
	}, inUTC(first.Delegates))
	require.Equal(t, []wire.StepDelegate{
		{By: " Carol@example.com", To: frank, Until: s.handed[1].Until.UTC()},
	}, inUTC(second.Delegates))
}

func inUTC(all []wire.StepDelegate) []wire.StepDelegate {
	for i := range all {
		all[i].Until = all[i].Until.UTC()
	}
	return all
}

// Where everybody may decide, nobody needs another's word.
func TestDelegates_Anyone(t *testing.T) {
	t.Parallel()
	s := &source{handed: handed([2]string{carol, frank}, [2]string{carol, frank})}
	first, _ := consentOf(t, s, access.ApprovalStep{
		Need: 2, Groups: []string{"leads", access.Anyone}, People: []string{carol},
	})
	require.Empty(t, first.Delegates)
	require.Zero(t, s.asked)
}

// Without an answer of the store the status has the delegations of the plan that are in force.
func TestDelegates_StoreDown(t *testing.T) {
	t.Parallel()
	s := &source{err: errors.New("the store is down"), handed: handed([2]string{carol, frank}, [2]string{carol, frank})}
	first, _ := consentOf(t, s, access.ApprovalStep{Need: 2, Groups: []string{"leads"}, People: []string{carol, dave}})
	require.Len(t, first.Delegates, 1)
	require.Equal(t, "kim@example.com", first.Delegates[0].To)
	require.Equal(t, []string{carol, dave}, first.People)
}

// A key that is revoked, or was never shown, makes a delegation that does not count.
func TestDelegates_Doubtful(t *testing.T) {
	t.Parallel()
	s := &source{handed: handed([2]string{carol, frank}, [2]string{dave, erin}, [2]string{carol, frank})}
	holds := func(d access.Delegation) error {
		if d.By == carol {
			return errors.New("it is not signed")
		}
		return nil
	}
	first, _ := consentOf(t, s, access.ApprovalStep{
		Need: 2, Groups: []string{"leads"}, People: []string{carol, dave},
	}, holds)
	require.Len(t, first.Delegates, 1)
	require.Equal(t, dave, first.Delegates[0].By)
}

// consentOf asks a revoke whom it asks: at first, and when dave has approved. The plan knows of a
// delegation that is over, and of one from carol.
func consentOf(
	t *testing.T, s *source, step access.ApprovalStep, holds ...func(access.Delegation) error,
) (first, second wire.ApprovalStatus) {
	t.Helper()
	env := flowtest.New()
	workflows.Register(env)
	activities.NewRequest(nil, nil).Register(env)
	plan := access.Plan{
		Console: console, Principal: access.PrincipalRef{Kind: access.User, ID: "7", Email: "ana@example.com"},
		Approval: access.Approval{
			Required: true, DecideWithin: access.Duration(time.Hour), Steps: []access.ApprovalStep{step},
		},
	}.Seal()
	planned := handed([2]string{carol, "kim@example.com"}, [2]string{dave, "lee@example.com"})
	env.OnActivity(wire.PlanActivity, mock.Anything, mock.Anything).
		Return(wire.PlanResult{Plan: plan, Delegations: planned}, nil)
	env.OnActivity(wire.DecideActivity, mock.Anything, mock.Anything).
		Return(wire.DecideResult{Signed: access.Unsigned}, nil)
	env.OnActivity(wire.CloseActivity, mock.Anything, mock.Anything).
		Return(wire.CloseResult{Receipt: access.Receipt{State: wire.StateTimedOut}}, nil)
	look := func() wire.ApprovalStatus {
		answer, err := env.QueryWorkflow(wire.StatusQuery)
		require.NoError(t, err)
		var out wire.RequestStatus
		require.NoError(t, answer.Get(&out))
		out = livestatus.NewCompleter(livestatus.From(s), console, holds...).Request(t.Context(), out)
		require.NotNil(t, out.Approval)
		return *out.Approval
	}
	env.RegisterDelayedCallback(func() { first = look() }, time.Minute)
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflowNoRejection(wire.ApproveUpdate, "", t, wire.DecisionInput{By: dave})
	}, 2*time.Minute)
	env.RegisterDelayedCallback(func() { second = look() }, 3*time.Minute)
	env.ExecuteWorkflow(wire.RevokeType, wire.RevokeInput{
		Principal: access.PrincipalSelector{Kind: access.User, ID: "7"}, Role: access.RoleSelector{ID: "2"},
		Scope: access.ScopeSelector{Level: access.Tenant}, Requester: "bob@example.com",
	})
	require.True(t, env.IsWorkflowCompleted())
	return first, second
}

var _ livestatus.Source = (*store.Store)(nil)
