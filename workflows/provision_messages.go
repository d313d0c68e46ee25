package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
)

// ProvisionUserInput asks for a user with one role.
type ProvisionUserInput struct {
	Email     string               `json:"email"`
	FullName  string               `json:"fullName"`
	Role      access.RoleSelector  `json:"role"`
	Scope     access.ScopeSelector `json:"scope"`
	Requester string               `json:"requester"` // as claimed
	Reason    string               `json:"reason,omitempty"`
	// Console must be the one the worker serves, if given.
	Console string `json:"console,omitempty"`
	// DryRun asks for the plan alone: it ends planned, and nothing is changed or written.
	DryRun bool `json:"dryRun,omitempty"`

	Signed
}

// UnmarshalJSON refuses fields it does not know.
func (in *ProvisionUserInput) UnmarshalJSON(data []byte) error {
	type plain ProvisionUserInput
	return strict(data, (*plain)(in))
}

// Validate says what is wrong with the input, all of it.
func (in ProvisionUserInput) Validate() error {
	return errors.Join(in.Account().Validate(), in.Role.Validate(), in.Scope.Validate(), requesterGiven(in.Requester))
}

func (in ProvisionUserInput) Account() access.NewAccount {
	return access.NewAccount{Kind: access.User, Email: in.Email, Name: in.FullName}
}

// ProvisionServiceUserInput asks for a service user with one role, whose token goes to
// the sink of the worker.
type ProvisionServiceUserInput struct {
	Name        string               `json:"name"`
	Description string               `json:"description,omitempty"`
	Role        access.RoleSelector  `json:"role"`
	Scope       access.ScopeSelector `json:"scope"`
	// TokenExpiresAt is when its token ends; TokenLife says it as a time from the start of
	// the request. One of them is wanted.
	TokenExpiresAt *time.Time       `json:"tokenExpiresAt,omitempty"`
	TokenLife      *access.Duration `json:"tokenLife,omitempty"`
	Requester      string           `json:"requester"` // as claimed
	Reason         string           `json:"reason,omitempty"`
	Console        string           `json:"console,omitempty"`
	DryRun         bool             `json:"dryRun,omitempty"`

	Signed
}

// UnmarshalJSON refuses fields it does not know.
func (in *ProvisionServiceUserInput) UnmarshalJSON(data []byte) error {
	type plain ProvisionServiceUserInput
	return strict(data, (*plain)(in))
}

// Validate says what is wrong with the input, all of it.
func (in ProvisionServiceUserInput) Validate(now time.Time) error {
	return errors.Join(in.Account(now).Validate(), in.validExpiry(now), in.Role.Validate(), in.Scope.Validate(),
		requesterGiven(in.Requester))
}

func (in ProvisionServiceUserInput) validExpiry(now time.Time) error {
	switch {
	case (in.TokenExpiresAt == nil) == (in.TokenLife == nil):
		return errors.New(`give one of tokenExpiresAt, when the token ends, and tokenLife, as in "720h"`)
	case in.TokenLife != nil && *in.TokenLife < access.Duration(time.Minute):
		return fmt.Errorf("tokenLife is %s: give a minute at least", *in.TokenLife)
	case in.TokenExpiresAt != nil && in.TokenExpiresAt.Before(now.Add(time.Minute)):
		return fmt.Errorf("tokenExpiresAt is %s: give a time that is a minute ahead at least", at(*in.TokenExpiresAt))
	}
	return nil
}

// account has the end of the token to the second, as consoles keep it.
func (in ProvisionServiceUserInput) Account(now time.Time) access.NewAccount {
	out := access.NewAccount{Kind: access.ServiceUser, Name: in.Name, Description: in.Description}
	switch {
	case in.TokenExpiresAt != nil:
		out.TokenExpiresAt = in.TokenExpiresAt.UTC().Truncate(time.Second)
	case in.TokenLife != nil:
		out.TokenExpiresAt = now.Add(time.Duration(*in.TokenLife)).UTC().Truncate(time.Second)
	}
	return out
}

// handle installs the query and the updates.
func (p *provisionRun) handle(ctx workflow.Context) error {
	return errors.Join(
		workflow.SetQueryHandler(ctx, StatusQuery, p.answer),
		p.handleDecisions(ctx),
		workflow.SetUpdateHandlerWithOptions(ctx, CancelUpdate, p.onStop, workflow.UpdateHandlerOptions{
			Validator: p.mayStop, Description: "call the request off before the account is made",
		}),
	)
}

func (p *provisionRun) mayStop(in By) error {
	if err := mustSay(in.By); err != nil {
		return err
	}
	switch {
	case p.stopBy != "":
		return refused(p.stopBy + " has called it off already")
	case p.state == StatePlanning || p.state == StateAwaiting || p.state == StateApplying:
		return nil
	}
	return notNow("cancel", p.state)
}

// onStop answers when the request has ended: it may have been too late.
func (p *provisionRun) onStop(ctx workflow.Context, in By) (Answer, error) {
	if p.stopBy == "" {
		p.stopBy = in.By
	}
	open, stop := workflow.NewDisconnectedContext(ctx) // a cancelled run still answers
	defer stop()
	err := workflow.Await(open, func() bool { return p.over })
	out := Answer{State: p.state}
	if p.result != nil {
		out.Outcome = p.result.Outcome
	}
	return out, err
}
