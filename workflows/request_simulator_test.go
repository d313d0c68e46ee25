package workflows

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

var errForbidden = temporal.NewNonRetryableApplicationError("403: forbidden", "Forbidden", nil)

// What there is of an account.
const (
	none = iota
	partial
	whole
)

// simulator is the activities of a request, and what they have done to the console and the
// ledger. They run within the workflow, and end as a server has them end.
type simulator struct {
	rand      *rand.Rand
	plan      access.Plan
	meanwhile func(workflow.Context) // is called where an activity completes or a timer fires, in the same task

	held, given bool // the role is held by the principal; a workflow has learned that it was given
	withdrawn   bool // the lease has been released: nothing gives it again
	removed     bool // what a revoke or an offboarding removes
	account     int
	unplannable bool
	changes     int
	receipt     *access.Receipt // the ledger's first, which stays
	cancelEntry bool            // the ledger has it that the grant is cancelled
}

func (s *simulator) oneIn(n int) bool { return s.rand.IntN(n) == 0 }

func (s *simulator) ticks(least, most int) time.Duration {
	return time.Duration(least+s.rand.IntN(most-least+1)) * tick
}

// execute runs an activity. A cancellation ends it at once where the workflow does not wait
// for that, and what it does goes on; where it does wait, the attempt under way ends in any
// way, and is the last one.
func (s *simulator) execute(ctx workflow.Context, name string, in any) workflow.Future {
	future, settle := workflow.NewFuture(ctx)
	waits := workflow.GetActivityOptions(ctx).WaitForCancellation
	takes := s.ticks(1, 2)
	if s.oneIn(4) {
		takes = s.ticks(3, 9)
	}
	open, _ := workflow.NewDisconnectedContext(ctx)
	workflow.Go(open, func(open workflow.Context) {
		if ctx.Err() != nil { // before it was scheduled
			settle.SetError(temporal.NewCanceledError())
			return
		}
		ended := false
		workflow.Go(open, func(open workflow.Context) {
			_ = workflow.Sleep(open, takes)
			if ended && s.oneIn(2) {
				return
			}
			out, err := s.do(name, in, waits && ctx.Err() != nil)
			if !ended {
				ended = true
				s.meanwhile(open)
				settle.Set(out, err)
				s.note(out)
			}
		})
		_ = workflow.Await(open, func() bool { return ended || ctx.Err() != nil && !waits })
		if !ended {
			ended = true
			settle.SetError(temporal.NewCanceledError())
		}
	})
	return future
}

// note keeps that a workflow has learned that the role was given.
func (s *simulator) note(out any) {
	if a, ok := out.(wire.ApplyResult); ok && a.Proof.Op != "" {
		s.given = s.given || a.Proof.Granted()
	}
}

// do is what an attempt does, of which the last one ends in any way once it is cancelled.
func (s *simulator) do(name string, in any, cancelled bool) (any, error) {
	if cancelled && s.oneIn(2) {
		if s.account == none && name == wire.UserCreateActivity && s.oneIn(2) {
			s.account = partial
		}
		return nil, []error{
			temporal.NewCanceledError(), temporal.NewApplicationError("503", "Unavailable"),
			temporal.NewTimeoutError(enums.TIMEOUT_TYPE_HEARTBEAT, nil),
		}[s.rand.IntN(3)]
	}
	switch in := in.(type) {
	case wire.PlanInput:
		return s.makePlan(in)
	case wire.DecideInput:
		if s.oneIn(12) {
			return nil, errForbidden
		}
		return wire.DecideResult{Signed: access.Unsigned, Refusal: in.Refusal}, nil
	case wire.ExtendActivityInput:
		out := wire.ExtendResult{Extension: in.Extension}
		if out.Extension.Approval = s.extensions(); s.oneIn(6) {
			out.Refusal = "the policy forbids it"
		}
		out.Extension.Hash = "extension by " + out.Extension.By + " to " + out.Extension.EndsAt.String()
		return out, nil
	case wire.StopActivityInput:
		out := wire.StopResult{Signed: access.Unsigned}
		if s.oneIn(4) {
			out.Refusal = "a signature is required"
		}
		return out, nil
	case wire.ApplyInput:
		return s.apply(in)
	case wire.CreateInput:
		return s.create(in)
	case wire.CloseInput:
		return wire.CloseResult{Receipt: *s.close(in)}, nil
	}
	return struct{}{}, nil
}

func (s *simulator) makePlan(in wire.PlanInput) (any, error) {
	if s.unplannable = s.oneIn(16); s.unplannable {
		return nil, errForbidden
	}
	s.plan.Terms, s.plan.Hash = in.Terms, strconv.Itoa(in.Round)
	out := wire.PlanResult{Plan: s.plan, Notify: s.oneIn(2)}
	if s.oneIn(16) {
		out.Receipt = s.close(wire.CloseInput{State: wire.StateRefused})
	}
	return out, nil
}

// close writes the receipt, or finds the one that is there.
func (s *simulator) close(in wire.CloseInput) *access.Receipt {
	if s.receipt == nil {
		s.receipt = &access.Receipt{State: in.State, Message: in.Message, Proofs: in.Proofs}
	}
	return s.receipt
}

// apply does what the activity and the principal's writer do.
func (s *simulator) apply(in wire.ApplyInput) (any, error) {
	op := in.Change.Change.Op
	if in.Change.Key != access.ChangeKey(in.Change.Change.Lease.ID, op) { // an extension
		return wire.ApplyResult{}, nil
	}
	if op == access.OpRelease && in.Change.GrantProof == nil {
		if s.receipt != nil {
			return wire.ApplyResult{Receipt: s.receipt}, nil
		}
		s.cancelEntry = true
	}
	if s.oneIn(8) {
		return nil, errForbidden
	}
	out := wire.ApplyResult{ChangeAnswer: wire.ChangeAnswer{Proof: access.Proof{Op: op, Key: in.Change.Key}}}
	out.Proof.Outcome = s.change(in.Change)
	if in.Close == nil || out.Proof.Outcome == access.PlanChanged || op == access.OpGrant && s.cancelEntry {
		return out, nil
	}
	end := *in.Close
	end.Proofs = append(slices.Clone(end.Proofs), out.Proof)
	if out.Refused() {
		end.State = wire.StateRefused
	}
	out.Receipt = s.close(end)
	return out, nil
}

// change is the writer's part of it.
func (s *simulator) change(in wire.ChangeRequest) access.Outcome {
	switch op := in.Change.Op; {
	case op == access.OpRelease:
		s.held, s.withdrawn = false, true
		return access.Released
	case op != access.OpGrant && op != access.OpAcquire:
		if s.oneIn(8) {
			return access.LastRoleStays
		}
		s.removed = true
		return access.Removed
	case s.withdrawn:
		return access.NotApplied
	case s.held && s.oneIn(4): // somebody has removed it before it became permanent
		s.held = false
		return access.Superseded
	case !s.held && (in.Expect != nil || in.Effect != nil) && s.changes < 3 && s.oneIn(4):
		s.changes++
		return access.PlanChanged
	case !s.held && s.oneIn(8):
		return access.RolesConflict
	}
	s.held = true
	return []access.Outcome{access.Applied, access.AlreadyHeld}[s.rand.IntN(2)]
}

// create makes the account, or finds out what there is of it and deletes what is not whole.
func (s *simulator) create(in wire.CreateInput) (any, error) {
	out := wire.CreateResult{Proof: access.Proof{Op: access.OpCreate, Outcome: access.Created}}
	switch {
	case s.oneIn(8) && s.account == none:
		return nil, errForbidden
	case in.Cancel && s.oneIn(4):
		return nil, errors.New("the console is down")
	case in.Cancel && s.account != whole:
		s.account, out.Proof.Outcome = none, access.NotApplied
	case s.account == none && s.oneIn(8):
		out.Refused, out.Proof.Outcome = true, access.NotApplied
	default:
		s.account = whole
	}
	return out, nil
}

// simulatedActivities has a workflow call the simulator.
type simulatedActivities struct {
	interceptor.WorkerInterceptorBase

	with *simulator
}

func (s *simulatedActivities) InterceptWorkflow(
	_ workflow.Context, next interceptor.WorkflowInboundInterceptor,
) interceptor.WorkflowInboundInterceptor {
	return &simulatedInbound{interceptor.WorkflowInboundInterceptorBase{Next: next}, s.with}
}

type simulatedInbound struct {
	interceptor.WorkflowInboundInterceptorBase

	with *simulator
}

func (s *simulatedInbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return s.Next.Init(&simulatedOutbound{interceptor.WorkflowOutboundInterceptorBase{Next: next}, s.with})
}

type simulatedOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase

	with *simulator
}

func (s *simulatedOutbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	return s.with.execute(ctx, name, args[0])
}

// NewTimerWithOptions has other things happen in the task in which a timer fires.
func (s *simulatedOutbound) NewTimerWithOptions(
	ctx workflow.Context, d time.Duration, options workflow.TimerOptions,
) workflow.Future {
	timer := s.Next.NewTimerWithOptions(ctx, d, options)
	if options.Summary == "Sleep" { // the simulator's own
		return timer
	}
	future, settle := workflow.NewFuture(ctx)
	open, _ := workflow.NewDisconnectedContext(ctx)
	workflow.Go(open, func(open workflow.Context) {
		err := timer.Get(open, nil)
		if err == nil {
			s.with.meanwhile(open)
		}
		settle.Set(nil, err)
	})
	return future
}

// extensions is who must approve an extension: as for the grant, or nobody.
func (s *simulator) extensions() access.Approval {
	if s.oneIn(3) {
		return access.Approval{}
	}
	return access.Approval{
		Required: true, DecideWithin: access.Duration(6 * tick),
		Steps: []access.ApprovalStep{{Need: 1, Groups: []string{"owners"}, People: interleavingPeople[1:]}},
	}
}
