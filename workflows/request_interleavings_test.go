package workflows

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/testbed/flowtest"
	"sentinelone-provisioner/internal/wire"
)

// tick is the grid of all times in these runs, so that many of them are equal.
const tick = 10 * time.Minute

var interleavingPeople = []string{"p0@example.com", "p1@example.com", "p2@example.com", "p3@example.com"}

// interleaving is one random run of a request, with activities that are simulated within
// the workflow (see [simulator]): their completion, a cancellation and updates may come in
// one workflow task, in every order that a server may deliver.
type interleaving struct {
	*testsuite.TestWorkflowEnvironment
	simulator

	kind  kind
	asked wire.PlanInput

	m                  *machine
	cancel             workflow.CancelFunc
	cancelled          bool // in Temporal
	stops              int  // accepted updates cancel and end
	accepted, answered int
}

// requestSort is a request to run, of a kind that the table knows.
type requestSort struct {
	name string
	kind kind
	op   access.Op
	long bool // for a time
	late bool // from a start on
	now  bool // break-glass
}

var requestSorts = []requestSort{
	{name: "grant permanent", kind: grantKind, op: access.OpGrant},
	{name: "grant time-bound", kind: grantKind, op: access.OpAcquire, long: true},
	{name: "scheduled permanent", kind: grantKind, op: access.OpGrant, late: true},
	{name: "scheduled time-bound", kind: grantKind, op: access.OpAcquire, long: true, late: true},
	{name: "break-glass permanent", kind: grantKind, op: access.OpGrant, now: true},
	{name: "break-glass time-bound", kind: grantKind, op: access.OpAcquire, long: true, now: true},
	{name: "revoke", kind: revokeKind, op: access.OpRevoke},
	{name: "provision", kind: provisionKind, op: access.OpCreate},
	{name: "offboard", kind: offboardKind, op: access.OpDelete},
}

func newInterleaving(sort requestSort, steps int, seed uint64) *interleaving {
	i := &interleaving{TestWorkflowEnvironment: flowtest.New(), kind: sort.kind}
	i.simulator = simulator{rand: rand.New(rand.NewPCG(seed, uint64(steps))), meanwhile: i.inOneTask}
	flowtest.Intercept(i.TestWorkflowEnvironment, &simulatedActivities{with: &i.simulator})
	start := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	i.SetStartTime(start)
	i.asked = wire.PlanInput{Op: sort.op, Terms: access.Terms{Requester: interleavingPeople[0], BreakGlass: sort.now}}
	if sort.long {
		i.asked.Terms.Duration = access.Duration(i.ticks(2, 12))
	}
	if sort.late {
		i.asked.Terms.StartAt = start.Add(i.ticks(0, 8))
	}
	if sort.kind == provisionKind {
		i.asked.Account = &access.NewAccount{Kind: access.User, Email: "ana@example.com"}
		i.asked.Account.TokenExpiresAt = start.Add(i.ticks(4, 40))
	}
	i.plan = access.Plan{Op: sort.op, Account: i.asked.Account, Approval: approvalOfSteps(steps, sort.now)}
	return i
}

func approvalOfSteps(steps int, now bool) access.Approval {
	out := access.Approval{
		Required: steps > 0 && !now, DecideWithin: access.Duration(6 * tick), RemindEvery: access.Duration(2 * tick),
	}
	step := access.ApprovalStep{Need: 1, Groups: []string{"owners"}, People: interleavingPeople[1:]}
	switch {
	case now:
		step.Need = max(steps, 1)
		out.Review = &access.Review{ApprovalStep: step, Within: access.Duration(8 * tick)}
	default:
		out.Steps = slices.Repeat([]access.ApprovalStep{step}, steps)
	}
	return out
}

// carryOut is the workflow: it must answer what is sent within it, too.
func (i *interleaving) carryOut(ctx workflow.Context) (wire.RequestResult, error) {
	inner, cancel := workflow.WithCancel(ctx)
	i.cancel = func() { i.cancelled = true; cancel() }
	i.m = newMachine(inner, i.kind, i.asked)
	i.m.create = wire.UserCreateActivity
	out, err := i.m.carryOut(inner)
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	return out, errors.Join(err, workflow.Await(open, func() bool { return i.accepted == i.answered }))
}

// sendRandomUpdates sends updates and cancellations at random times of the grid.
func (i *interleaving) sendRandomUpdates() {
	for range i.rand.IntN(14) {
		name, payload := i.randomUpdate()
		i.RegisterDelayedCallback(func() {
			i.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
				OnAccept: func() { i.accept(name) }, OnReject: func(error) {},
				OnComplete: func(any, error) { i.answered++ },
			}, payload)
		}, i.ticks(0, 16))
	}
	if i.rand.IntN(8) == 0 {
		i.RegisterDelayedCallback(func() { i.cancelled = true; i.CancelWorkflow() }, i.ticks(0, 16))
	}
}

func (i *interleaving) accept(update string) {
	i.accepted++
	if update == wire.CancelUpdate || update == wire.EndUpdate {
		i.stops++
	}
}

func (i *interleaving) randomUpdate() (string, any) {
	by := interleavingPeople[i.rand.IntN(len(interleavingPeople))]
	decision := wire.DecisionInput{By: by}
	if i.rand.IntN(6) == 0 {
		decision.Duration = access.Duration(i.ticks(1, 6))
	}
	if i.rand.IntN(8) == 0 {
		decision.StartAt = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC).Add(i.ticks(0, 12))
	}
	switch i.rand.IntN(24) {
	case 0, 1, 2:
		return wire.DenyUpdate, decision
	case 3:
		return wire.CancelUpdate, wire.StopInput{By: by}
	case 4, 5:
		return wire.EndUpdate, wire.StopInput{By: by}
	case 6, 7, 8, 9:
		return wire.ExtendUpdate, wire.ExtendInput{By: by, Duration: access.Duration(i.ticks(1, 4))}
	default:
		return wire.ApproveUpdate, decision
	}
}

// inOneTask has something happen in the task in which an activity completes or a timer fires.
func (i *interleaving) inOneTask(ctx workflow.Context) {
	if i.rand.IntN(32) == 0 {
		i.cancel()
	}
	for range max(0, i.rand.IntN(8)-5) {
		name, payload := i.randomUpdate()
		workflow.Go(ctx, func(ctx workflow.Context) { i.handleUpdate(ctx, event(name), payload) })
	}
}

// handleUpdate does what the SDK does with an update: validator and handler in one turn.
func (i *interleaving) handleUpdate(ctx workflow.Context, u event, payload any) {
	if len(acceptedIn(i.kind, u)) == 0 || i.m.over {
		return
	}
	var err error
	var handle func() error
	switch in := payload.(type) {
	case wire.DecisionInput:
		err = i.m.mayDecide(in)
		handle = func() error { _, err := i.m.decisionHandler(u)(ctx, in); return err }
	case wire.ExtendInput:
		err = i.m.mayAskToExtend(ctx, in)
		handle = func() error { _, err := i.m.extend(ctx, in); return err }
	case wire.StopInput:
		err = i.m.mayStop(u)(ctx, in)
		handle = func() error { _, err := i.m.stopHandler(u)(ctx, in); return err }
	}
	if err != nil {
		return
	}
	i.accept(string(u))
	_ = handle()
	i.answered++
}

// run runs it to its end, and says which it was.
func (i *interleaving) run(t *testing.T, what string) string {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			require.Fail(t, "stuck", "%s in state %s, %q: %v", what, i.m.at, i.m.wait, r)
		}
	}()
	i.ExecuteWorkflow(i.carryOut)
	require.True(t, i.IsWorkflowCompleted(), what)
	end := wire.StateFailed
	var got wire.RequestResult
	if err := i.GetWorkflowError(); err != nil {
		require.True(t, i.unplannable, "%s: %v", what, err)
		require.ErrorContains(t, err, errForbidden.Error(), what)
	} else {
		require.NoError(t, i.GetWorkflowResult(&got))
		end = got.State
	}
	require.Equal(t, i.accepted, i.answered, "%s: %s, updates without an answer", what, end)
	require.Contains(t, reachable(i.kind), state(end), what)
	require.True(t, state(end).final(), "%s: %s", what, end)
	require.Equal(t, end == wire.StateGranted, i.held, "%s: %s: %s", what, end, got.Message)
	require.Equal(t, end == wire.StateProvisioned, i.account == whole, "%s: %s: %s", what, end, got.Message)
	require.NotEqual(t, partial, i.account, "%s: %s: %s", what, end, got.Message)
	require.Equal(t, end == wire.StateRevoked || end == wire.StateOffboarded, i.removed, "%s: %s", what, end)
	if end == wire.StateCancelled {
		require.True(t, i.cancelled || i.stops > 0, "%s: nobody cancelled it", what)
	}
	if got.Receipt != nil && i.given {
		proven := slices.ContainsFunc(got.Receipt.Proofs, access.Proof.Granted)
		require.True(t, proven, "%s: the receipt does not prove that the role was given", what)
	}
	return end
}

// Whatever happens to a request, and be it in one instant or one workflow task: it ends in
// a way that the table has for its kind, answers every update that it accepted, and leaves
// nothing in place that its end does not say. INTERLEAVINGS sets how many runs each case has.
func TestRequest_Interleavings(t *testing.T) {
	t.Parallel()
	runs := 80
	if more, err := strconv.Atoi(os.Getenv("INTERLEAVINGS")); err == nil {
		runs = more
	}
	for n, sort := range requestSorts {
		t.Run(sort.name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]int{}
			for steps := range 3 {
				for seed := range runs {
					i := newInterleaving(sort, steps, uint64(n*1_000_000+seed))
					i.sendRandomUpdates()
					seen[i.run(t, fmt.Sprintf("%d steps, seed %d", steps, seed))]++
				}
			}
			for _, s := range reachable(sort.kind) {
				if s.final() && s != endPlanned && !sort.cannotEnd(s) {
					require.NotZero(t, seen[string(s)], "no run ended %s: %v", s, seen)
				}
			}
			t.Log(seen)
		})
	}
}

// cannotEnd says that there is no way to that end, or a rare one: an approver may give a
// permanent grant an end.
func (s requestSort) cannotEnd(end state) bool {
	switch end { //nolint:exhaustive // the others are open to all
	case endGranted:
		return s.long
	case endExpired:
		return !s.long
	case endEnded:
		return !s.long && !s.now
	case endDenied, endTimedOut:
		return s.now
	}
	return false
}
