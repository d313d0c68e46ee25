package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
)

// DecisionInput is the payload of [ApproveUpdate] and [DenyUpdate].
type DecisionInput struct {
	By      string `json:"by"`
	Comment string `json:"comment,omitempty"`
	// Duration and StartAt narrow what was asked for: shorter, later.
	Duration  access.Duration `json:"duration,omitzero"`
	StartAt   time.Time       `json:"startAt,omitzero"`
	Signature string          `json:"signature,omitempty"`
	// SignedAt is when it was signed; part of what is signed.
	SignedAt time.Time `json:"signedAt,omitzero"`
	// PlanHash is of the plan that the person has seen; if it is another one by now, the
	// decision does not count.
	PlanHash string `json:"planHash,omitempty"`
}

// UnmarshalJSON refuses fields it does not know.
func (d *DecisionInput) UnmarshalJSON(data []byte) error {
	type plain DecisionInput
	return strict(data, (*plain)(d))
}

// ConsentStatus says who has decided and who is still asked.
type ConsentStatus struct {
	Step  int      `json:"step"` // from 0
	Steps int      `json:"steps"`
	Need  int      `json:"need"` // of the open step
	Given int      `json:"given"`
	From  []string `json:"from"` // groups
	// People may decide the open step, those escalated to among them; anyone if empty.
	People []string  `json:"people"`
	Until  time.Time `json:"until"`
	// EscalatedAt is when more people were let in.
	EscalatedAt time.Time `json:"escalatedAt,omitzero"`
	Verdict     string    `json:"verdict,omitempty"`
	// Review says that the role is, or was, in force already: it is looked at afterwards.
	Review    bool              `json:"review,omitempty"`
	Decisions []access.Decision `json:"decisions"`
	// Delegates may decide in the place of people of the open step who have not. The
	// workflow itself does not know them: the worker fills them in as it answers a query.
	Delegates []Deputy `json:"delegates,omitempty"`
}

func (c *consent) consentStatus() *ConsentStatus {
	if len(c.steps) == 0 {
		return nil
	}
	out := &ConsentStatus{
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
		c.handleDecision(ctx, ApproveUpdate, "consent to the plan"),
		c.handleDecision(ctx, DenyUpdate, "refuse the request"),
	)
}

func (c *consent) handleDecision(ctx workflow.Context, action, about string) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, action,
		func(ctx workflow.Context, in DecisionInput) (access.Decision, error) {
			return c.decide(ctx, action, in)
		},
		workflow.UpdateHandlerOptions{Validator: c.mayAsk, Description: about})
}

// mayAsk turns away what would only make the history grow.
func (c *consent) mayAsk(in DecisionInput) error {
	switch {
	case access.Fold(in.By) == "":
		return refused(`"by" is missing: say who decides, as in {"by":"carol@example.com"}`)
	case c.refused >= mostRefused:
		return refused(fmt.Sprintf("%d decisions that did not count are enough: start a new request", c.refused))
	}
	return nil
}
