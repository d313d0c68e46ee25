package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// consent waits for the people that a plan asks for. One decision is looked at at a
// time; what is refused goes into the ledger too, since Temporal forgets it.
type consent struct {
	*request

	lock  workflow.Mutex
	steps []access.ApprovalStep // still to go through
	step  int
	until time.Time
	// escalated is when the people of escalateTo were let in; zero before.
	escalated  time.Time
	escalateTo []string
	// decisions are those that count for the plan as it is.
	decisions []access.Decision
	verdict   string // "" while it is open
	refused   int    // decisions
	reviewing bool   // it is in force already: people look at it afterwards
}

// Verdicts.
const (
	approved = "approved"
	denied   = "denied"
	timedOut = "timedOut"
)

// Actions of a decision, as people send them.
const (
	actionApprove = wire.ApproveUpdate
	actionDeny    = wire.DenyUpdate
)

func newConsent(ctx workflow.Context, r *request) *consent {
	return &consent{request: r, lock: workflow.NewMutex(ctx)}
}

// ask opens the plan's steps and waits until they are decided or the time is over.
// stop ends the waiting without a verdict.
func (c *consent) ask(ctx workflow.Context, a access.Approval, stop func() bool) error {
	if !a.Required {
		c.verdict = approved
		return nil
	}
	c.open(workflow.Now(ctx), a.Steps, time.Duration(a.DecideWithin))
	c.escalateTo = a.EscalateTo
	c.announce(ctx)
	c.notify(ctx, wire.EventRequested)
	for c.verdict == "" && !stop() {
		next := c.nextReminder(ctx, a)
		seen := len(c.decisions)
		moved, err := awaitUntil(ctx, next, "time to decide", func() bool {
			return c.verdict != "" || stop() || len(c.decisions) != seen
		})
		if err != nil {
			return err
		}
		if !moved {
			if err := c.wake(ctx, a); err != nil {
				return err
			}
		}
		c.announce(ctx)
	}
	return nil
}

func (c *consent) open(now time.Time, steps []access.ApprovalStep, within time.Duration) {
	c.steps, c.step, c.verdict = slices.Clone(steps), 0, ""
	c.decisions, c.escalated = nil, time.Time{}
	c.until = now.Add(within).UTC()
}

// announce says in Temporal's own tools who is waited for.
func (c *consent) announce(ctx workflow.Context) {
	if c.verdict == "" {
		c.enter(ctx, wire.StateAwaitingApproval, c.waitingFor())
		c.index(ctx, c.until)
	}
}

// waitingFor is "1 of 2 from soc-leads until 2026-03-03T16:00:00Z".
func (c *consent) waitingFor() string {
	if c.step >= len(c.steps) {
		return ""
	}
	s := c.steps[c.step]
	what := "for"
	if c.reviewing {
		what = "for review by"
	}
	return fmt.Sprintf("%s %d of %d from %s until %s", what,
		s.Need-c.given(), s.Need, strings.Join(s.Groups, ", "), at(c.until))
}

// given counts the approvals of the open step.
func (c *consent) given() int {
	n := 0
	for _, d := range c.decisions {
		if d.Action == actionApprove && d.Step == c.step {
			n++
		}
	}
	return n
}

// nextReminder is when something is due though nobody has decided.
func (c *consent) nextReminder(ctx workflow.Context, a access.Approval) time.Time {
	next := c.until
	now := workflow.Now(ctx)
	opened := c.until.Add(-time.Duration(a.DecideWithin))
	if every := time.Duration(a.RemindEvery); every > 0 {
		next = earliest(next, now.Add(every-now.Sub(opened)%every))
	}
	if after := time.Duration(a.EscalateAfter); after > 0 && c.escalated.IsZero() {
		next = earliest(next, opened.Add(after)) // also if a decision came in that very moment
	}
	return next
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// wake does what is due: reminds, escalates, or ends the time to decide. It waits for
// a decision that is being looked at: that one came in time.
func (c *consent) wake(ctx workflow.Context, a access.Approval) error {
	if err := c.lock.Lock(ctx); err != nil {
		return err
	}
	defer c.lock.Unlock()
	now := workflow.Now(ctx)
	switch opened := c.until.Add(-time.Duration(a.DecideWithin)); {
	case c.verdict != "":
	case !now.Before(c.until):
		c.verdict = timedOut
	case a.EscalateAfter > 0 && !now.Before(opened.Add(time.Duration(a.EscalateAfter))) && c.escalate(now):
		c.notify(ctx, wire.EventEscalated)
	default:
		c.notify(ctx, wire.EventReminder)
	}
	return nil
}

// decide is one person's word. It answers when the word is recorded, not when the
// role is in place.
func (c *consent) decide(ctx workflow.Context, action string, in wire.DecisionInput) (access.Decision, error) {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	saw, came := c.planHash(), workflow.Now(ctx)
	if err := c.lock.Lock(open); err != nil {
		return access.Decision{}, err
	}
	defer c.lock.Unlock()
	d := access.Decision{
		At: workflow.Now(ctx).UTC(), By: strings.TrimSpace(in.By), Action: action, Step: c.step, Comment: in.Comment,
		Duration: in.Duration, StartAt: in.StartAt, Signature: in.Signature,
		SignedAt: in.SignedAt, PlanHash: c.planHash(),
	}
	why := cmp.Or(c.otherPlan(in, saw), c.tooLate(came))
	var delegators []string
	if why == "" {
		why, delegators = c.look(d)
	}
	if why == "" {
		d.EscalatedAt = c.letIn(d.Action, d.By)
	}
	out, err := call[wire.DecideResult](brief(open, action), wire.DecideActivity, wire.DecideInput{
		Request: c.info, Decision: d, Number: c.looked(), Refusal: why, SoD: c.duties(action),
		Delegators: delegators,
	})
	if err != nil {
		c.refused++ // its number may be in the ledger, and is not used again
		return access.Decision{}, err
	}
	if out.Refusal != "" {
		c.refused++
		return access.Decision{}, refused(out.Refusal)
	}
	d.Signed = out.Signed
	if out.OnBehalfOf != "" {
		d.OnBehalfOf, d.Delegation = out.OnBehalfOf, out.Delegation
		d.EscalatedAt = c.letIn(d.Action, d.OnBehalfOf)
	}
	c.record(d)
	c.notify(ctx, wire.EventDecided)
	return d, nil
}

// planHash is what people consent to; "" before there is a plan.
func (c *consent) planHash() string {
	if c.plan == nil {
		return ""
	}
	return c.plan.Hash
}

// looked numbers the decisions, refused ones too, for the ledger.
func (c *consent) looked() int { return len(c.all) + c.refused }

// record takes a decision that counts.
func (c *consent) record(d access.Decision) {
	c.decisions = append(c.decisions, d)
	c.all = append(c.all, d)
	if d.Action == actionDeny {
		c.verdict = denied
		return
	}
	if c.given() < c.steps[c.step].Need {
		return
	}
	if c.step++; c.step == len(c.steps) {
		c.verdict = approved
	}
}

// closeUnlessApproved ends a request that people refused, or left undecided.
func (c *consent) closeUnlessApproved(ctx workflow.Context) error {
	switch c.verdict {
	case denied:
		last := c.decisions[len(c.decisions)-1]
		why := "denied by " + last.Who()
		if last.Comment != "" {
			why += ": " + last.Comment
		}
		return c.close(ctx, wire.StateDenied, why)
	case timedOut:
		return c.close(ctx, wire.StateTimedOut, "nobody decided in time: it waited until "+at(c.until))
	}
	return nil
}

// notify tells those who are asked.
func (c *consent) notify(ctx workflow.Context, typ string) {
	text := c.summary()
	if typ == wire.EventDecided {
		last := c.decisions[len(c.decisions)-1]
		text = fmt.Sprintf("%s: %s has said %s. %s", c.info.ID, last.Who(), last.Action, text)
	}
	if waits := c.waitingFor(); c.verdict == "" && waits != "" {
		text += ". It waits " + waits
	}
	var people []string
	if c.step < len(c.steps) {
		people = c.people(c.step)
	}
	c.tellPeople(ctx, typ, text, people)
}
