package workflows

import (
	"errors"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
)

// PolicyMove is the payload of [MoveUpdate].
type PolicyMove struct {
	By      string `json:"by"` // who asks, as claimed
	Comment string `json:"comment,omitempty"`
}

// UnmarshalJSON refuses fields it does not know.
func (m *PolicyMove) UnmarshalJSON(data []byte) error {
	type plain PolicyMove
	return strict(data, (*plain)(m))
}

// PolicyMoved is what a move came to.
type PolicyMoved struct {
	From     string `json:"from"` // hashes of the policies; "" for none
	To       string `json:"to"`
	State    string `json:"state"` // of the request, under the new policy
	PlanHash string `json:"planHash"`
	// Message is what the new plan asks for, or why it is refused.
	Message string `json:"message"`
}

// policyMove is the state of moving a request to another policy.
type policyMove struct {
	by     string          // who does it right now; "" for nobody
	anew   bool            // there is a new plan, which people have not been asked about
	ends   *access.Receipt // the new policy refuses the request, and that is written down
	futile int             // moves that came to nothing
}

// moveFor bounds how long a move is tried. Decisions wait for it, and so does the end of
// the time to decide. One that is given up may still come into the ledger, under a round
// that is not used again.
const moveFor = 2 * time.Minute

// mostFutile bounds how often a move that comes to nothing is tried.
const mostFutile = 50

func (c *consent) handleMove(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, MoveUpdate, c.onMove, workflow.UpdateHandlerOptions{
		Validator: c.mayMove, Description: "plan a request that waits by the worker's present policy",
	})
}

func (c *consent) mayMove(in PolicyMove) error {
	switch {
	case blank(in.By):
		return mustSay(in.By)
	case c.moving.by != "":
		return refused(c.moving.by + " is moving it to another policy right now")
	case c.moving.futile >= mostFutile:
		return refused("it was tried in vain often enough: start a new request")
	}
	return c.notMovable()
}

// notMovable says why the request can be moved no more, or not yet.
func (c *consent) notMovable() error {
	waits := c.state == StateAwaiting && c.verdict == "" || c.state == StateScheduled
	if !waits || c.moving.anew || c.moving.ends != nil || c.done() {
		return notNow("move it to another policy", c.state)
	}
	return nil
}

// onMove answers when the request goes on under the new policy. A decision that is being
// looked at counts for the old plan; whatever comes meanwhile is refused.
func (c *consent) onMove(ctx workflow.Context, in PolicyMove) (PolicyMoved, error) {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	out, err := c.move(open, in)
	if err != nil {
		c.moving.futile++
		return out, err
	}
	// The run itself takes the new plan up.
	err = workflow.Await(open, func() bool { return c.ending || !c.moving.anew && c.moving.ends == nil })
	out.State = c.state
	return out, err
}

func (c *consent) move(ctx workflow.Context, in PolicyMove) (PolicyMoved, error) {
	if err := c.lock.Lock(ctx); err != nil {
		return PolicyMoved{}, err
	}
	defer c.lock.Unlock()
	if err := c.mayMove(in); err != nil { // it may have come to an end while a decision was looked at
		return PolicyMoved{}, err
	}
	c.moving.by = strings.TrimSpace(in.By)
	defer func() { c.moving.by = "" }()
	from := c.plan.Approval.Hash
	c.anotherRound()
	ctx = workflow.WithScheduleToCloseTimeout(brief(ctx, "move to another policy"), moveFor)
	res, err := call[activities.MoveResult](ctx, activities.MoveName, activities.MoveInput{
		Plan: c.asked, From: from, By: c.moving.by, Comment: in.Comment, At: workflow.Now(ctx).UTC(),
	})
	if err != nil {
		return PolicyMoved{}, refused("nothing is moved, and it goes on as it was: " + notMoved(err))
	}
	if res.Stays != "" {
		return PolicyMoved{}, refused("nothing is moved: " + res.Stays)
	}
	c.log.Info("Request is moved to another policy", "by", in.By, "from", from, "to", res.Plan.Approval.Hash)
	c.plan, c.notifies, c.indexed = &res.Plan, res.Notify || c.notifies, res.Indexed || c.indexed
	c.moving.anew, c.moving.ends = true, res.Receipt
	return PolicyMoved{
		From: from, To: res.Plan.Approval.Hash, PlanHash: res.Plan.Hash, Message: res.Plan.Approval.Policy,
	}, nil
}

// notMoved says why there is no new plan.
func notMoved(err error) string {
	if late, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		if cause := errors.Unwrap(late); cause != nil {
			return "it could not be planned within " + moveFor.String() + ": " + reason(cause)
		}
		return "it could not be planned within " + moveFor.String()
	}
	return reason(err)
}

// anotherRound makes the next plan one of its own, which follows the policy of the plan
// before unless that is the point of it.
func (c *consent) anotherRound() {
	c.asked.Round++
	c.asked.Policy, c.asked.Decisions = c.plan.Approval.Hash, c.all
}

// askWhileMoved asks people, and asks them anew when the request is moved to another
// policy. What they said about the old plan does not count.
func (c *consent) askWhileMoved(ctx workflow.Context, stop func() bool) error {
	for {
		if c.moving.anew {
			c.forget()
		}
		c.moving.anew = false
		err := c.ask(ctx, c.plan.Approval, func() bool { return stop() || c.moving.anew })
		if err = c.settleMove(ctx, err); err != nil || c.done() || stop() || !c.moving.anew {
			return err
		}
	}
}

// forget drops what people said: it was about a plan that is no more.
func (c *consent) forget() { c.steps, c.step, c.decisions, c.verdict = nil, 0, nil, "" }

// settleMove lets a move that is under way end before the request goes on, and ends the
// request where the new policy refuses it.
func (c *consent) settleMove(ctx workflow.Context, err error) error {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	if waited := workflow.Await(open, func() bool { return c.moving.by == "" }); waited != nil {
		return errors.Join(err, waited)
	}
	switch receipt := c.moving.ends; {
	case receipt != nil:
		c.finish(open, *receipt)
		err = nil
	case c.moving.anew && c.plan.Refusal != "":
		err = c.close(open, StateRefused, c.plan.Refusal)
	default:
		return err
	}
	c.moving.ends, c.moving.anew = nil, false
	return err
}

// planIsAnother says why a decision does not count that was sent before there was a new
// plan, or before people are asked about it.
func (c *consent) planIsAnother(saw string) string {
	if c.moving.anew || saw != "" && saw != c.planHash() {
		return "the request has a new plan meanwhile: look at it, then decide"
	}
	return ""
}

// duties are what an approval is held against.
func (c *consent) duties(action string) *activities.Duties {
	if action != actionApprove || c.plan == nil {
		return nil
	}
	return activities.DutiesOf(*c.plan)
}
