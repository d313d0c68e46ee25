package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/tokensink"
	"sentinelone-provisioner/internal/wire"
)

// StoringTokens says where tokens of service users go that are made, so that a request
// for one is refused at once where there is no such place.
func (r *Request) StoringTokens(tokens tokensink.Sink) *Request {
	r.tokens = tokens
	return r
}

// matchingAccounts finds who has the address or the name of a requested account.
func matchingAccounts(ctx context.Context, c *console.Client, a access.NewAccount) ([]access.Principal, error) {
	if a.Kind == access.ServiceUser {
		return c.ServiceUsersByName(ctx, a.Name)
	}
	return c.UsersByEmail(ctx, a.Email)
}

// planAccount is the plan of an account to create. Its role needs the consent
// that a grant of it would, or else a new account would be the way around that.
func (r *Request) planAccount(in wire.PlanInput, found resolved) (access.Plan, error) {
	plan := access.Plan{
		Op: in.Op, Console: r.console.Console(), Principal: in.Account.Ref(), Role: found.role, Scope: found.scope,
		Terms: in.Terms, Account: in.Account, Before: access.Holdings{}.Normal(), Expected: access.Created,
	}
	plan.After = holdingsOf(plan)
	if len(found.existing) == 1 {
		plan.Principal = found.existing[0].Ref()
		plan.Before = found.existing[0].Holdings()
		plan.After, plan.Expected = plan.Before, access.AlreadyHeld
	}
	plan, err := r.evaluatePolicy(plan, &found)
	if err != nil {
		return access.Plan{}, err
	}
	plan.Rules = access.Rules{} // of changes to existing access; the new account has none yet
	plan.Notes = found.notes
	plan.Refusal = cmp.Or(r.accountRefusal(plan, found), plan.Refusal)
	if plan.Account.Kind == access.ServiceUser && plan.Refusal == "" {
		plan.Notes = append(plan.Notes, fmt.Sprintf("the worker stores its token in its %s; the token expires at %s",
			r.tokens.Kind(), plan.Account.TokenExpiresAt.UTC().Format("2006-01-02 15:04 UTC")))
	}
	return plan.Seal(), nil
}

func (r *Request) accountRefusal(plan access.Plan, found resolved) string {
	switch {
	case r.console.ReadOnly():
		return readOnlyText
	case found.unusable != "":
		return found.unusable
	case len(found.existing) > 0:
		return existingAccountRefusal(plan, found.existing)
	case plan.Account.Kind == access.ServiceUser:
		if err := r.tokens.Check(plan.Console); err != nil {
			return err.Error()
		}
	}
	return ""
}

// existingAccountRefusal says why an account cannot be made that is there already; "" if it is as it
// is requested. Names of service users are not unique, so one that is there is another.
func existingAccountRefusal(plan access.Plan, found []access.Principal) string {
	list := strings.Join(listTexts(found, principalText), ", ")
	switch {
	case plan.Account.Kind == access.ServiceUser:
		return fmt.Sprintf("a service user of that name exists already: %s; people could not tell the two "+
			"apart: choose another name, or grant the role to the existing one", list)
	case len(found) > 1:
		return fmt.Sprintf("%d users have that address: %s; grant the role to one of them by id",
			len(found), list)
	case found[0].Holdings().Holds(plan.Holding()):
		return ""
	}
	return fmt.Sprintf("user %s exists already and does not hold role %q (%s) at %s: "+
		"grant it that role, by principal id %s",
		list, plan.Role.Name, plan.Role.ID, scopeText(plan.Scope), found[0].ID)
}

// statusOf is the HTTP status of an answer of the console; 0 if it is none.
func statusOf(err error) int {
	if answer, ok := errors.AsType[*console.Error](err); ok {
		return answer.Status
	}
	return 0
}
