package workflows_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/testbed/flowtest"
	"sentinelone-provisioner/internal/wire"
)

var errMute = kinds.New(kinds.Unavailable, errors.New("webhook: no answer: connection refused"))

// notifyEnv is a delivery whose activities are mocked.
type notifyEnv struct {
	*testEnv

	mu    sync.Mutex
	tries map[string][]time.Duration // by sender, since the start
	event wire.Event
}

func newNotifyEnv(t *testing.T) *notifyEnv {
	t.Helper()
	p := &notifyEnv{
		testEnv: newTestEnv(t), tries: map[string][]time.Duration{},
		event: wire.Event{Type: wire.EventRequested, Request: request, Run: "run", Entry: 7},
	}
	flowtest.Intercept(p.TestWorkflowEnvironment, &originalRun{}, &patient{}, fault.NewInterceptor())
	return p
}

// patient lifts the ten attempts that the environment allows an activity whose number of
// attempts has no limit: a server allows any number.
type patient struct {
	interceptor.WorkerInterceptorBase
}

func (*patient) InterceptWorkflow(
	_ workflow.Context, next interceptor.WorkflowInboundInterceptor,
) interceptor.WorkflowInboundInterceptor {
	return &patientInbound{interceptor.WorkflowInboundInterceptorBase{Next: next}}
}

type patientInbound struct {
	interceptor.WorkflowInboundInterceptorBase
}

func (i *patientInbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&patientOutbound{interceptor.WorkflowOutboundInterceptorBase{Next: next}})
}

type patientOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
}

func (o *patientOutbound) ExecuteActivity(ctx workflow.Context, activity string, args ...any) workflow.Future {
	retry := *workflow.GetActivityOptions(ctx).RetryPolicy
	if retry.MaximumAttempts == 0 {
		retry.MaximumAttempts = 10_000
	}
	return o.Next.ExecuteActivity(workflow.WithRetryPolicy(ctx, retry), activity, args...)
}

// failsUntil is a receiver that does not answer until so much time has passed.
func (p *notifyEnv) failsUntil(sender string, until time.Duration) *testsuite.MockCallWrapper {
	return p.on(wire.SendActivity, wire.SendInput{Event: p.event, Sender: sender}).
		Return(func(context.Context, wire.SendInput) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			now := p.Now().Sub(began)
			p.tries[sender] = append(p.tries[sender], now)
			if now < until {
				return errMute
			}
			return nil
		})
}

func (p *notifyEnv) deliver(senders ...string) {
	p.t.Helper()
	p.ExecuteWorkflow(wire.NotifyType, wire.DeliverInput{Event: p.event, Senders: senders})
	require.True(p.t, p.IsWorkflowCompleted())
	require.NoError(p.t, p.GetWorkflowError(), "a receiver that is down is no failure of ours")
}

// A receiver that is down for longer than a day is given up after it, which is written
// down; the other one has its message at once.
func TestNotify_DownForMoreThanADay(t *testing.T) {
	t.Parallel()
	p := newNotifyEnv(t)
	p.failsUntil("webhook", 48*time.Hour)
	p.failsUntil("slack", 0).Once()
	var gaveUp time.Duration
	p.on(wire.GaveUpActivity, wire.SendInput{Event: p.event, Sender: "webhook"}).
		Return(func(context.Context, wire.SendInput) error {
			gaveUp = p.Now().Sub(began)
			return nil
		}).Once()

	p.deliver("webhook", "slack")

	require.Equal(t, []time.Duration{0}, p.tries["slack"])
	require.GreaterOrEqual(t, gaveUp, 23*time.Hour)
	require.LessOrEqual(t, gaveUp, 24*time.Hour+time.Minute)
	tries := p.tries["webhook"]
	require.Greater(t, len(tries), 90)
	for i := range tries[1:] {
		require.LessOrEqual(t, tries[i+1]-tries[i], 15*time.Minute, "it is found soon after it is back")
	}
}

// One that comes back within the day has its message, and nothing is given up.
func TestNotify_DownForTwelveHours(t *testing.T) {
	t.Parallel()
	p := newNotifyEnv(t)
	p.failsUntil("webhook", 12*time.Hour)

	p.deliver("webhook")

	last := p.tries["webhook"][len(p.tries["webhook"])-1]
	require.GreaterOrEqual(t, last, 12*time.Hour)
	require.LessOrEqual(t, last, 12*time.Hour+15*time.Minute)
}

// notifying is a grant of which people are told; what they are told is kept, and told
// fails with err.
func (r *requestEnv) notifying(in wire.GrantInput, change func(*access.Plan), err error) *[]wire.Event {
	asks := planInput(in)
	plan := planOf(asks)
	if change != nil {
		change(&plan)
	}
	r.on(wire.PlanActivity, asks).Return(wire.PlanResult{Plan: plan.Seal(), Notify: true}, nil).Once()
	var events []wire.Event
	r.on(wire.AnnounceActivity, mock.Anything).
		Return(func(_ context.Context, in wire.AnnounceInput) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			events = append(events, in.Event)
			return err
		})
	return &events
}

// Notifications that cannot be delivered delay neither the role nor its end. Only the end of
// the workflow waits for them, for ten minutes at most.
func TestGrant_NobodyCanBeTold(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(time.Hour)
	r.notifying(in, nil, errMute)
	var given, taken time.Duration
	note := func(into *time.Duration) func() time.Duration {
		return func() time.Duration {
			*into = r.Now().Sub(began)
			return 0
		}
	}
	r.applies(access.OpAcquire, access.Applied).AfterFn(note(&given)).Once()
	r.applies(access.OpRelease, access.Released).AfterFn(note(&taken)).Once()

	got := r.grant(in)

	require.Equal(t, "expired", got.State)
	require.Zero(t, given)
	require.Equal(t, time.Hour, taken)
	require.LessOrEqual(t, r.Now().Sub(began), time.Hour+10*time.Minute)
}

// People are told of every step of a grant that they are asked about, each once. What is
// announced names the step and, of a decision, its entry in the ledger: nothing in it is
// for people to read.
func TestGrant_TellsPeople(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(8*time.Hour)
	events := r.notifying(in, func(p *access.Plan) {
		p.Approval = access.Approval{
			Required: true, DecideWithin: access.Duration(24 * time.Hour),
			Steps: []access.ApprovalStep{
				{Need: 1, Groups: []string{"leads"}, People: []string{"carol@example.com"}},
			},
			RemindEvery: access.Duration(4 * time.Hour), EscalateAfter: access.Duration(6 * time.Hour),
			EscalateTo: []string{"dora@example.com"},
		}
	}, nil)
	r.on(wire.DecideActivity, mock.Anything).Return(wire.DecideResult{Signed: access.Unsigned, Entry: 42}, nil).Once()
	r.applies(access.OpAcquire, access.Applied).Once()
	r.applies(access.OpRelease, access.Released).Once()
	r.sendUpdate(7*time.Hour, wire.ApproveUpdate, wire.DecisionInput{By: "carol@example.com"})

	require.Equal(t, "expired", r.grant(in).State)

	var want []wire.Event
	for _, typ := range []string{
		wire.EventRequested, wire.EventReminder, wire.EventEscalated, wire.EventDecided,
		wire.EventApplied, wire.EventAboutToExpire, wire.EventReleased,
	} {
		e := wire.Event{Type: typ, Request: request, Run: (*events)[0].Run}
		if typ == wire.EventDecided {
			e.Entry = 42
		}
		want = append(want, e)
	}
	require.NotEmpty(t, (*events)[0].Run)
	require.Equal(t, want, *events)
}
