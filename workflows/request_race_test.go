package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/testbed/flowtest"
	"sentinelone-provisioner/internal/wire"
)

// failed stands for a change that the writer finally refuses with an error.
const failed access.Outcome = "error"

// race is a grant that is stopped at one turn of its coroutines, whatever it does then.
type race struct {
	approval access.Approval
	long     time.Duration
	outcome  access.Outcome // of the first change
	stop     event          // an update, or onCancelled
	turn     int

	changes int
	inForce bool // the writer has given the role, and has not released it
}

// Whatever stops a grant, and at whatever turn of its coroutines: the table has a row for
// it, the grant ends, and the role is not left in force unless it was granted permanently.
func TestGrant_StoppedAtAnyTurn(t *testing.T) {
	t.Parallel()
	step := access.ApprovalStep{Need: 1, Groups: []string{access.Anyone}}
	ends := map[string]int{}
	for _, a := range []access.Approval{
		{},
		{Required: true, DecideWithin: access.Duration(time.Hour), Steps: []access.ApprovalStep{step}},
		{Review: &access.Review{ApprovalStep: step, Within: access.Duration(2 * time.Hour)}},
	} {
		for _, outcome := range []access.Outcome{access.Applied, access.PlanChanged, access.RolesConflict, failed} {
			for _, stop := range []event{onCancel, onEnd, onCancelled} {
				for n := range 32 {
					r := &race{
						approval: a, long: time.Duration(n%2) * time.Hour, outcome: outcome, stop: stop, turn: 1 + n/2,
					}
					end, err := r.run()
					require.NoError(t, err, "%+v", r)
					require.False(t, r.inForce && end != wire.StateGranted, "it ends %s: %+v", end, r)
					ends[end]++
				}
			}
		}
	}
	for _, end := range []string{wire.StateGranted, wire.StateExpired, wire.StateEnded, wire.StateCancelled} {
		require.Positive(t, ends[end], "the turns must reach every end: %v", ends)
	}
}

func (r *race) run() (end string, err error) {
	env := flowtest.New()
	activities.NewRequest(nil, nil).Register(env)
	terms := access.Terms{Requester: "bob@example.com", Duration: access.Duration(r.long)}
	env.OnActivity(wire.PlanActivity, mock.Anything, mock.Anything).Return(wire.PlanResult{
		Plan: access.Plan{Op: access.OpGrant, Terms: terms, Approval: r.approval}.Seal(),
	}, nil)
	env.OnActivity(wire.DecideActivity, mock.Anything, mock.Anything).
		Return(wire.DecideResult{Signed: access.Unsigned}, nil)
	env.OnActivity(wire.CloseActivity, mock.Anything, mock.Anything).
		Return(func(_ context.Context, in wire.CloseInput) (wire.CloseResult, error) {
			return wire.CloseResult{Receipt: access.Receipt{State: in.State}}, nil
		})
	env.OnActivity(wire.ApplyActivity, mock.Anything, mock.Anything).Return(r.apply)
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		m := newMachine(ctx, grantKind, wire.PlanInput{Op: access.OpGrant, Terms: terms})
		defer func() { end = m.state }()
		return r.interrupt(ctx, m)
	})
	return end, env.GetWorkflowError()
}

// interrupt runs the machine and stops it at the turn. It has its own turn before the
// machine's, as an update has that comes with what the machine waits for.
func (r *race) interrupt(ctx workflow.Context, m *machine) (err error) {
	inner, cancel := workflow.WithCancel(ctx)
	workflow.Go(inner, func(ctx workflow.Context) { _, err = m.carryOut(ctx) })
	workflow.Go(ctx, func(ctx workflow.Context) {
		for !m.over {
			_ = workflow.Await(ctx, func() bool {
				return m.over || m.approval.Verdict == "" && accepts(m.kind, m.at, onApprove)
			})
			if !m.over {
				_, _ = m.decide(ctx, approval.Approve, wire.DecisionInput{By: "carol@example.com"})
			}
		}
	})
	turn := 0
	if err := workflow.Await(ctx, func() bool { turn++; return turn > r.turn || m.over }); err != nil {
		return err
	}
	switch {
	case r.stop == onCancelled:
		cancel()
	case m.mayUpdate(r.stop, "ana@example.com", workflow.Now(ctx)) == nil:
		m.stop = &stopRequest{on: r.stop, Stop: access.Stop{By: "ana@example.com"}}
	}
	if waited := workflow.Await(ctx, func() bool { return m.over }); waited != nil {
		return waited
	}
	return err
}

// apply is the writer: its first answer is the outcome, and all others are good ones.
func (r *race) apply(_ context.Context, in wire.ApplyInput) (wire.ApplyResult, error) {
	r.changes++
	outcome := access.Applied
	switch {
	case in.Change.Change.Op == access.OpRelease:
		outcome = access.Released
	case r.changes == 1 && r.outcome == failed:
		return wire.ApplyResult{}, temporal.NewNonRetryableApplicationError("no", "Invalid", nil)
	case r.changes == 1:
		outcome = r.outcome
	}
	r.inForce = outcome == access.Applied
	out := wire.ApplyResult{ChangeAnswer: wire.ChangeAnswer{Proof: access.Proof{Outcome: outcome}}}
	if in.Close != nil && outcome != access.PlanChanged {
		out.Receipt = &access.Receipt{State: in.Close.State}
		if out.Refused() {
			out.Receipt.State = wire.StateRefused
		}
	}
	return out, nil
}
