package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

func (c *consent) consentStatus() *wire.ApprovalStatus {
	if len(c.steps) == 0 {
		return nil
	}
	out := &wire.ApprovalStatus{
		Step: c.step, Steps: len(c.steps), From: []string{}, People: []string{}, Until: c.until, Verdict: c.verdict,
		Review: c.reviewing, Decisions: append([]access.Decision{}, c.decisions...), EscalatedAt: c.escalated,
	}
	if c.step < len(c.steps) {
		s := c.steps[c.step]
		out.Need, out.Given = s.Need, c.given()
		out.From, out.People = append(out.From, s.Groups...), append(out.People, c.people(c.step)...)
	}
	return out
}

// handleDecisions installs the updates.
func (c *consent) handleDecisions(ctx workflow.Context) error {
	return errors.Join(
		c.handleDecision(ctx, wire.ApproveUpdate, "consent to the plan"),
		c.handleDecision(ctx, wire.DenyUpdate, "refuse the request"),
	)
}

func (c *consent) handleDecision(ctx workflow.Context, action, about string) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, action,
		func(ctx workflow.Context, in wire.DecisionInput) (access.Decision, error) {
			return c.decide(ctx, action, in)
		},
		workflow.UpdateHandlerOptions{Validator: c.mayAsk, Description: about})
}

// mayAsk turns away what would only make the history grow.
func (c *consent) mayAsk(in wire.DecisionInput) error {
	switch {
	case access.Fold(in.By) == "":
		return refused(`"by" is missing: say who decides, as in {"by":"carol@example.com"}`)
	case c.refused >= mostRefused:
		return refused(fmt.Sprintf("%d decisions that did not count are enough: start a new request", c.refused))
	}
	return nil
}
