package workflows_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/workflows"
)

// moveScene is a request that waits for people under one policy and may be moved to
// another.
type moveScene struct {
	*requestScene

	in      workflows.GrantInput
	planned []activities.PlanInput
	moves   []activities.MoveInput
	decided []activities.DecideInput
}

// byPolicy is what a policy of that hash asks for: so many of some people.
func byPolicy(hash string, need int) access.Approval {
	return access.Approval{
		Required: need > 0, Hash: hash, Policy: "by " + hash, Rule: hash, DecideWithin: access.Duration(10 * time.Hour),
		Steps: []access.ApprovalStep{{Need: max(need, 1), Groups: []string{hash}, People: []string{
			"carol@example.com", "dave@example.com", "erin@example.com",
		}}},
	}
}

func newMove(t *testing.T, in workflows.GrantInput) *moveScene {
	t.Helper()
	m := &moveScene{requestScene: newRequest(t), in: in}
	m.on(activities.PlanName, mock.Anything).
		Return(func(_ context.Context, in activities.PlanInput) (activities.PlanResult, error) {
			m.planned = append(m.planned, in)
			return activities.PlanResult{Plan: m.planBy(in, byPolicy("old", 2))}, nil
		}).Maybe()
	m.on(activities.DecideName, mock.Anything).
		Return(func(_ context.Context, in activities.DecideInput) (activities.DecideResult, error) {
			m.decided = append(m.decided, in)
			return activities.DecideResult{Signed: access.Unsigned, Refusal: in.Refusal}, nil
		}).After(time.Minute).Maybe()
	return m
}

func (m *moveScene) planBy(in activities.PlanInput, a access.Approval) access.Plan {
	plan := planOf(in)
	plan.Approval = a
	return plan.Seal()
}

// movesTo mocks what the other policy makes of it, after so long.
func (m *moveScene) movesTo(a access.Approval, long time.Duration) *testsuite.MockCallWrapper {
	return m.on(activities.MoveName, mock.Anything).
		Return(func(_ context.Context, in activities.MoveInput) (activities.MoveResult, error) {
			m.moves = append(m.moves, in)
			return activities.MoveResult{PlanResult: activities.PlanResult{Plan: m.planBy(in.Plan, a)}}, nil
		}).After(long)
}

// moveSaid is what an update of any sort came to.
type moveSaid[Out any] struct {
	err    error
	answer Out
	at     time.Duration
}

func moveSends[Out any](m *moveScene, d time.Duration, update string, payload any) *moveSaid[Out] {
	out := &moveSaid[Out]{err: errors.New("no answer")}
	m.update(d, update, payload, func(err error) { out.err = err }, func(got any, err error) {
		out.err, out.at = err, m.Now().Sub(began)
		out.answer, _ = got.(Out)
	})
	return out
}

func (m *moveScene) moved(d time.Duration) *moveSaid[workflows.PolicyMoved] {
	return moveSends[workflows.PolicyMoved](m, d, workflows.MoveUpdate,
		workflows.PolicyMove{By: "frank@example.com", Comment: "new rules"})
}

func (m *moveScene) approves(d time.Duration, by string) *moveSaid[access.Decision] {
	return moveSends[access.Decision](m, d, workflows.ApproveUpdate, workflows.DecisionInput{By: by})
}

const (
	moveCarol = "carol@example.com"
	moveDave  = "dave@example.com"
)

// Moved while people are asked: the old approval does not count, people are asked anew,
// by the new policy and with all its time, and the receipt has both.
func TestMove_WhilePeopleAreAsked(t *testing.T) {
	t.Parallel()
	m := newMove(t, asked(0))
	m.movesTo(byPolicy("new", 2), time.Minute).Once()
	m.applies(access.OpGrant, access.Applied).Once()
	m.approves(time.Hour, moveCarol)
	moved := m.moved(2 * time.Hour)
	m.at(3*time.Hour, func() {
		got := m.look()
		require.Equal(t, workflows.StateAwaiting, got.State)
		require.Equal(t, "new", got.Plan.Approval.Hash)
		require.Equal(t, []string{"new"}, got.Consent.From)
		require.Equal(t, 0, got.Consent.Given)
		require.Equal(t, began.Add(12*time.Hour+time.Minute), got.Consent.Until)
	})
	m.approves(11*time.Hour, moveCarol) // more than ten since it was asked for
	last := m.approves(11*time.Hour+30*time.Minute, moveDave)
	got := m.grant(m.in)
	require.Equal(t, workflows.StateGranted, got.State, got.Message)
	require.NoError(t, last.err)
	require.NoError(t, moved.err)
	plan := got.Receipt.Plan
	require.Equal(t, workflows.PolicyMoved{
		From: "old", To: "new", State: workflows.StateAwaiting, PlanHash: plan.Hash, Message: "by new",
	}, moved.answer)
	require.Equal(t, "new", plan.Approval.Hash)

	require.Len(t, m.moves, 1)
	move := m.moves[0]
	require.Equal(t, "frank@example.com", move.By)
	require.Equal(t, "new rules", move.Comment)
	require.Equal(t, "old", move.From)
	require.Equal(t, 1, move.Plan.Round)
	require.Len(t, move.Plan.Decisions, 1)
	require.Len(t, m.planned, 1)
	require.Empty(t, m.planned[0].Policy, "the first plan follows the worker's policy")
	decisions := m.applied[0].Close.Decisions
	require.Len(t, decisions, 3)
	require.NotEqual(t, plan.Hash, decisions[0].PlanHash)
	require.Equal(t, plan.Hash, decisions[1].PlanHash)
	require.Equal(t, plan.Before, *m.applied[0].Change.Expect)
}

// Moved while it waits for its start, it waits for people again; narrowed terms were part
// of the old consent.
func TestMove_WhileItWaitsForItsStart(t *testing.T) {
	t.Parallel()
	in := asked(4 * time.Hour)
	in.StartAt = new(began.Add(5 * time.Hour))
	m := newMove(t, in)
	m.movesTo(byPolicy("new", 1), time.Minute).Once()
	m.applies(access.OpAcquire, access.Applied).Once()
	m.applies(access.OpRelease, access.Released).Once()
	m.approves(time.Hour, moveCarol)
	moveSends[access.Decision](m, 2*time.Hour, workflows.ApproveUpdate,
		workflows.DecisionInput{By: moveDave, Duration: access.Duration(time.Hour)})
	moved := m.moved(3 * time.Hour)
	m.approves(6*time.Hour, moveDave)
	got := m.grant(m.in)
	require.Equal(t, workflows.StateExpired, got.State, got.Message)
	require.NoError(t, moved.err)
	require.Equal(t, workflows.StateAwaiting, moved.answer.State)
	require.Equal(t, in.Duration, &m.applied[0].Change.Change.Lease.For)
	require.Len(t, m.applied[1].Close.Decisions, 3)
}

// The start comes while it is being moved: it is not given by the old plan.
func TestMove_AsTheStartComes(t *testing.T) {
	t.Parallel()
	in := asked(4 * time.Hour)
	in.StartAt = new(began.Add(5 * time.Hour))
	m := newMove(t, in)
	m.movesTo(byPolicy("new", 1), time.Minute).Once()
	m.closes()
	m.approves(time.Hour, moveCarol)
	m.approves(2*time.Hour, moveDave)
	moved := m.moved(5*time.Hour - time.Second)
	got := m.grant(m.in)
	require.Equal(t, workflows.StateTimedOut, got.State, "nobody has consented to the new plan")
	require.NoError(t, moved.err)
	require.Empty(t, m.applied)
	require.Len(t, m.closed[0].Decisions, 2)
}

// A policy that asks nobody lets it go on at once, as it was asked for.
func TestMove_NobodyIsAskedAnyMore(t *testing.T) {
	t.Parallel()
	m := newMove(t, asked(4*time.Hour))
	m.movesTo(byPolicy("new", 0), time.Minute).Once()
	m.applies(access.OpAcquire, access.Applied).Once()
	m.applies(access.OpRelease, access.Released).Once()
	moveSends[access.Decision](m, time.Minute, workflows.ApproveUpdate,
		workflows.DecisionInput{By: moveCarol, Duration: access.Duration(time.Hour)})
	moved := m.moved(time.Hour)
	m.at(2*time.Hour, func() { require.Nil(t, m.look().Consent, "nobody is asked") })
	require.Equal(t, workflows.StateExpired, m.grant(m.in).State)
	require.NoError(t, moved.err)
	require.Nil(t, m.applied[0].Change.Expect)
	require.Equal(t, access.Duration(4*time.Hour), m.applied[0].Change.Change.Lease.For)
}

// A policy that refuses it ends it, with that reason. Activities of before have written the
// receipt themselves.
func TestMove_Refused(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]*time.Time{
		"people are asked": nil, "scheduled": new(began.Add(5 * time.Hour)),
		"people are asked, written": nil, "scheduled, written": new(began.Add(5 * time.Hour)),
	} {
		written := strings.HasSuffix(name, "written")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := asked(time.Hour)
			in.StartAt = start
			m := newMove(t, in)
			m.on(activities.MoveName, mock.Anything).
				Return(func(_ context.Context, in activities.MoveInput) (activities.MoveResult, error) {
					plan := m.planBy(in.Plan, access.Approval{Hash: "new", Policy: "refused: no", Refusal: "no"})
					plan.Refusal = "no"
					plan = plan.Seal()
					out := activities.MoveResult{PlanResult: activities.PlanResult{Plan: plan}}
					if written {
						out.Receipt = new(receiptOf(activities.CloseInput{
							Request: in.Plan.Request, Plan: plan, State: workflows.StateRefused, Message: "no",
						}))
					}
					return out, nil
				}).After(time.Minute).Once()
			if !written {
				m.closes()
			}
			m.approves(time.Hour, moveCarol)
			if start != nil {
				m.approves(2*time.Hour, moveDave)
			}
			moved := m.moved(3 * time.Hour)
			got := m.grant(m.in)
			require.Equal(t, workflows.StateRefused, got.State)
			require.Equal(t, "no", got.Message)
			require.Equal(t, "new", got.Receipt.Plan.Approval.Hash)
			if !written {
				require.Len(t, got.Receipt.Decisions, len(m.closed[0].Decisions))
				require.NotEmpty(t, got.Receipt.Decisions)
			}
			require.NoError(t, moved.err)
			require.Equal(t, workflows.StateRefused, moved.answer.State)
			require.Equal(t, began.Add(3*time.Hour+time.Minute), m.Now().UTC())
		})
	}
}

// What comes to nothing leaves the request as it was, with the approvals it has.
func TestMove_ComesToNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		result activities.MoveResult
		err    error
		want   string
	}{
		"the same policy": {
			activities.MoveResult{Stays: "it follows it already"},
			nil,
			"nothing is moved: it follows it already",
		},
		"no plan": {
			activities.MoveResult{},
			kinds.New(kinds.Invalid, errors.New("no such user")),
			"nothing is moved, and it goes on as it was: no such user",
		},
		"no console": {
			activities.MoveResult{},
			kinds.New(kinds.Unavailable, errors.New("it is down")),
			"nothing is moved, and it goes on as it was: it is down",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMove(t, asked(0))
			m.on(activities.MoveName, mock.Anything).Return(c.result, c.err)
			m.applies(access.OpGrant, access.Applied).Once()
			m.approves(time.Hour, moveCarol)
			moved := m.moved(2 * time.Hour)
			m.approves(3*time.Hour, moveDave)
			got := m.grant(m.in)
			require.Equal(t, workflows.StateGranted, got.State)
			require.ErrorContains(t, moved.err, c.want)
			require.Equal(t, "old", got.Receipt.Plan.Approval.Hash)
		})
	}
}

// A decision that is being looked at counts for the old plan, before the move; what comes
// amid the move is refused, and is in the ledger.
func TestMove_AmidDecisions(t *testing.T) {
	t.Parallel()
	m := newMove(t, asked(0))
	m.movesTo(byPolicy("new", 1), 10*time.Minute).Once()
	m.closes()
	before := m.approves(time.Hour, moveCarol) // looked at for a minute
	moved := m.moved(time.Hour + time.Second)
	amid := m.approves(time.Hour+5*time.Minute, moveDave)
	second := m.moved(time.Hour + 6*time.Minute)
	got := m.grant(m.in)
	require.NoError(t, before.err)
	require.NoError(t, moved.err)
	require.ErrorContains(t, amid.err, "has a new plan meanwhile")
	require.ErrorContains(t, second.err, "frank@example.com is moving it to another policy right now")
	require.Equal(t, workflows.StateTimedOut, got.State)
	require.Len(t, m.moves[0].Plan.Decisions, 1, "it was counted before")
	require.Len(t, m.decided, 2)
	require.NotEmpty(t, m.decided[1].Refusal)
	require.Len(t, m.closed[0].Decisions, 1)
}

// The last approval comes first: then there is nothing to move any more.
func TestMove_BehindTheLastApproval(t *testing.T) {
	t.Parallel()
	m := newMove(t, asked(0))
	m.applies(access.OpGrant, access.Applied).Once()
	m.approves(time.Hour, moveCarol)
	m.approves(2*time.Hour, moveDave)
	moved := m.moved(2*time.Hour + time.Second)
	require.Equal(t, workflows.StateGranted, m.grant(m.in).State)
	require.ErrorContains(t, moved.err, "too late or too early to move it to another policy")
	require.Empty(t, m.moves)
}

// Called off while it is being moved, it ends as called off, and everybody has an answer.
func TestMove_CalledOffAmidIt(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*moveScene){
		"by update":   func(m *moveScene) { m.tells(time.Hour+5*time.Minute, workflows.CancelUpdate, byCarol()) },
		"in Temporal": func(m *moveScene) { m.at(time.Hour+5*time.Minute, m.CancelWorkflow) },
	} {
		for state, start := range map[string]*time.Time{"asked": nil, "scheduled": new(began.Add(5 * time.Hour))} {
			t.Run(name+", "+state, func(t *testing.T) {
				t.Parallel()
				in := asked(time.Hour)
				in.StartAt = start
				m := newMove(t, in)
				m.movesTo(byPolicy("new", 1), 10*time.Minute).Once()
				m.closes()
				if start != nil {
					m.approves(time.Minute, moveCarol)
					m.approves(10*time.Minute, moveDave)
				}
				moved := m.moved(time.Hour)
				stop(m)
				require.Equal(t, workflows.StateCancelled, m.grant(m.in).State)
				require.NoError(t, moved.err)
				require.Equal(t, workflows.StateCancelled, moved.answer.State)
			})
		}
	}
}

// The time to decide ends while it is being moved: the new plan has its own.
func TestMove_AsTheTimeToDecideEnds(t *testing.T) {
	t.Parallel()
	m := newMove(t, asked(0))
	m.movesTo(byPolicy("new", 1), time.Minute).Once()
	m.applies(access.OpGrant, access.Applied).Once()
	m.moved(10*time.Hour - time.Second)
	m.approves(11*time.Hour, moveDave)
	require.Equal(t, workflows.StateGranted, m.grant(m.in).State)
}

// A principal that has changed is planned anew by the policy of the plan before, also
// when that is the one it was moved to.
func TestMove_ThenThePrincipalChanges(t *testing.T) {
	t.Parallel()
	m := newMove(t, asked(time.Hour))
	m.movesTo(byPolicy("new", 1), time.Minute).Once()
	m.applies(access.OpAcquire, access.PlanChanged).Once()
	m.closes()
	m.moved(time.Hour)
	m.approves(2*time.Hour, moveDave)
	m.grant(m.in)
	require.Len(t, m.planned, 2)
	require.Equal(t, 2, m.planned[1].Round)
	require.Equal(t, "new", m.planned[1].Policy)
	require.Len(t, m.planned[1].Decisions, 1)
}

// Who moves it must say so, and only what waits can be moved.
func TestMove_NotNow(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), asked(4*time.Hour)
	r.plans(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.applies(access.OpRelease, access.Released).Once()
	nobody := r.tells(time.Hour, workflows.MoveUpdate, map[string]any{"by": " "})
	unknown := r.tells(time.Hour, workflows.MoveUpdate, map[string]any{"by": "x", "to": "y"})
	late := r.tells(time.Hour, workflows.MoveUpdate, byCarol())
	require.Equal(t, workflows.StateExpired, r.grant(in).State)
	nobody.refused(t, `"by" is missing`)
	require.ErrorContains(t, errors.Join(unknown.rejected, unknown.err), "unknown field")
	late.refused(t, "the state is active")
}

// A revoke that waits for people can be moved as well.
func TestMove_Revoke(t *testing.T) {
	t.Parallel()
	m := newMove(t, asked(0))
	m.movesTo(byPolicy("new", 1), time.Minute).Once()
	m.applies(access.OpRevoke, access.Removed).Once()
	m.approves(time.Hour, moveCarol)
	m.moved(2 * time.Hour)
	m.approves(3*time.Hour, moveDave)
	m.ExecuteWorkflow(workflows.RevokeType, askedAway())
	got := m.ended()
	require.Equal(t, workflows.StateRevoked, got.State)
	require.Equal(t, "new", got.Receipt.Plan.Approval.Hash)
}
