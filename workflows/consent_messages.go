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
}

// UnmarshalJSON refuses fields it does not know.
func (d *DecisionInput) UnmarshalJSON(data []byte) error {
	type plain DecisionInput
	return strict(data, (*plain)(d))
}

// Delegation hands By's decision on a request to To, until Until.
type Delegation struct {
	By    string    `json:"by"`
	To    string    `json:"to"`
	Until time.Time `json:"until"`
}

// UnmarshalJSON refuses fields it does not know.
func (d *Delegation) UnmarshalJSON(data []byte) error {
	type plain Delegation
	return strict(data, (*plain)(d))
}

// ConsentStatus says who has decided and who is still asked.
type ConsentStatus struct {
	Step  int      `json:"step"` // from 0
	Steps int      `json:"steps"`
	Need  int      `json:"need"` // of the open step
	Given int      `json:"given"`
	From  []string `json:"from"` // groups
	// People may decide the open step; anyone if empty.
	People      []string          `json:"people"`
	Until       time.Time         `json:"until"`
	Verdict     string            `json:"verdict,omitempty"`
	Decisions   []access.Decision `json:"decisions"`
	Delegations []Delegation      `json:"delegations"`
}

func (c *consent) consentStatus() *ConsentStatus {
	if len(c.steps) == 0 {
		return nil
	}
	out := &ConsentStatus{
		Step: c.step, Steps: len(c.steps), From: []string{}, People: []string{}, Until: c.until, Verdict: c.verdict,
		Decisions:   append([]access.Decision{}, c.decisions...),
		Delegations: append([]Delegation{}, c.delegated...),
	}
	if c.step < len(c.steps) {
		s := c.steps[c.step]
		out.Need, out.Given = s.Need, c.given()
		out.From, out.People = append(out.From, s.Groups...), append(out.People, s.People...)
	}
	return out
}

// handleDecisions installs the updates.
func (c *consent) handleDecisions(ctx workflow.Context) error {
	return errors.Join(
		c.handleDecision(ctx, ApproveUpdate, "consent to the plan"),
		c.handleDecision(ctx, DenyUpdate, "refuse the request"),
		workflow.SetUpdateHandlerWithOptions(ctx, DelegateUpdate, c.delegate,
			workflow.UpdateHandlerOptions{Description: "hand a decision to somebody else"}),
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
	case fold(in.By) == "":
		return refused(`"by" is missing: say who decides, as in {"by":"carol@example.com"}`)
	case c.refused >= mostRefused:
		return refused(fmt.Sprintf("%d decisions that did not count are enough: start a new request", c.refused))
	}
	return nil
}

// delegate records that one person's decision is another's for a time.
func (c *consent) delegate(ctx workflow.Context, in Delegation) (Delegation, error) {
	now := workflow.Now(ctx)
	switch {
	case fold(in.By) == "" || fold(in.To) == "":
		return in, refused(`say who hands over to whom: {"by":"carol@example.com","to":"bob@example.com","until":"…"}`)
	case fold(in.To) == fold(c.asked.Terms.Requester):
		return in, refused("the requester does not decide about the own request")
	case fold(in.To) == fold(in.By):
		return in, refused(in.By + " has it already")
	case c.verdict != "" || c.state != StateAwaiting:
		return in, refused("there is nothing to decide: the state is " + c.state)
	case !in.Until.After(now):
		return in, refused("until is past: say until when")
	}
	c.delegated = append(c.delegated, in)
	c.log.Info("Decision is delegated", "by", in.By, "to", in.To, "until", in.Until)
	return in, nil
}
