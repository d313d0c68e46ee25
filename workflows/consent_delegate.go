package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
)

// DelegationInput is the payload of [DelegateUpdate] and the input of [Delegate]: it
// hands By's decisions to To, on requests that are open and on those to come.
type DelegationInput struct {
	By string `json:"by"`
	To string `json:"to"`
	// Until is its end, Duration how long it holds from now on; one of them. An end that is
	// past takes back what was handed to that person before.
	Until     time.Time       `json:"until,omitzero"`
	Duration  access.Duration `json:"duration,omitzero"`
	Comment   string          `json:"comment,omitempty"`
	Signature string          `json:"signature,omitempty"`
	// SignedAt is when it was signed; part of what is signed.
	SignedAt time.Time `json:"signedAt,omitzero"`
	// Console must be the one the worker serves, if given.
	Console string `json:"console,omitempty"`
}

// UnmarshalJSON refuses fields it does not know.
func (in *DelegationInput) UnmarshalJSON(data []byte) error {
	type plain DelegationInput
	return strict(data, (*plain)(in))
}

// Delegation is what is asked for at that time; its end is not worked out yet.
func (in DelegationInput) Delegation(now time.Time) access.Delegation {
	return access.Delegation{
		By: strings.TrimSpace(in.By), To: strings.TrimSpace(in.To), At: now.UTC(),
		Until: in.Until, Duration: in.Duration, Comment: in.Comment, Console: in.Console,
		Signature: in.Signature, SignedAt: in.SignedAt,
	}
}

// handleDelegation installs the update.
func (c *consent) handleDelegation(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, DelegateUpdate, c.delegate, workflow.UpdateHandlerOptions{
		Validator: c.mayHandOver, Description: "hand your decisions to somebody else for a time",
	})
}

// mayHandOver turns away what would only make the history grow.
func (c *consent) mayHandOver(ctx workflow.Context, in DelegationInput) error {
	if err := in.Delegation(workflow.Now(ctx)).Validate(); err != nil {
		return refused(err.Error())
	}
	if c.handed >= mostRefused {
		return refused(fmt.Sprintf("%d delegations by way of one request are enough: use `starter delegate`", c.handed))
	}
	return nil
}

// delegate hands a person's decisions to another, here and elsewhere. What is refused
// goes into the ledger too.
func (c *consent) delegate(ctx workflow.Context, in DelegationInput) (access.Delegation, error) {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	if err := c.lock.Lock(open); err != nil {
		return access.Delegation{}, err
	}
	defer c.lock.Unlock()
	d := in.Delegation(workflow.Now(ctx)).Timed()
	d.Run = c.info.Run
	number := c.handed
	c.handed++
	out, err := call[activities.DelegateResult](brief(open, DelegateUpdate), activities.DelegateName,
		activities.DelegateInput{Request: c.info, Delegation: d, Number: number, Refusal: c.mayNotHandOver(d)})
	if err != nil {
		return access.Delegation{}, err
	}
	if out.Refusal != "" {
		return access.Delegation{}, refused(out.Refusal)
	}
	if !d.TakesBack() && c.verdict == "" {
		c.tellPeople(ctx, EventRequested, fmt.Sprintf("%s. %s has handed it to %s until %s; it waits %s",
			c.summary(), d.By, d.To, at(d.Until), c.waitingFor()), []string{d.To})
	}
	return out.Delegation, nil
}

// mayNotHandOver says why a delegation does not count, or "": who has no say here has
// nothing to hand over here.
func (c *consent) mayNotHandOver(d access.Delegation) string {
	switch {
	case c.verdict != "" && len(c.steps) == 0:
		return "nobody is asked here: hand over your decisions with `starter delegate`"
	case c.verdict != "":
		return c.decidedAlready()
	case c.state != StateAwaiting && c.state != StateActive || c.step >= len(c.steps):
		return "there is nothing to decide: the state is " + c.state
	case c.asks(d.By):
		return fmt.Sprintf("%s has asked for it, and has no say here to hand over", d.By)
	case c.gets(d.By):
		return fmt.Sprintf("%s would get the role, and has no say here to hand over", d.By)
	case d.TakesBack():
	case c.asks(d.To):
		return fmt.Sprintf("%s has asked for it: nobody can hand it to the requester", d.To)
	case c.gets(d.To):
		return fmt.Sprintf("%s would get the role: nobody can hand it to them", d.To)
	}
	for _, i := range c.stepsFor(actionDeny) {
		if c.entitled(i, d.By) {
			return ""
		}
	}
	return fmt.Sprintf("%s may not decide this, and has nothing to hand over here: it waits %s", d.By, c.waitingFor())
}
