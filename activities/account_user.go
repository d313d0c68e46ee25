package activities

import (
	"context"
	"fmt"
	"net/http"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// CreateUser creates a user with one role and verifies it. Addresses are unique on a
// console and the call has no idempotency key, so the user is read before and after each
// call: the outcome of a call is always read, never assumed, and a call whose answer was
// lost is not repeated before it is certain that it did not arrive.
//
// It is idempotent by the key: done before, it gives the first answer again. A user who
// is there already is not touched. Errors of the console that are not final are waited
// out; final ones end it refused, once it is certain that nothing was created.
func (a *Accounts) CreateUser(ctx context.Context, in wire.CreateInput) (wire.CreateResult, error) {
	return a.create(ctx, in, (*accountCreation).createUser)
}

func (c *accountCreation) createUser(ctx context.Context) (wire.CreateResult, error) {
	found, err := c.findUsers(ctx)
	switch {
	case err != nil:
		return wire.CreateResult{}, err
	case len(found) > 0:
		return c.resolveExisting(ctx, found)
	}
	if err := c.mayStillAppear(); err != nil {
		return wire.CreateResult{}, err
	}
	if c.in.Cancel {
		return c.conclude(ctx, access.NotApplied, access.Principal{})
	}
	return c.postUser(ctx)
}

// postUser sends the call and reads its outcome.
func (c *accountCreation) postUser(ctx context.Context) (wire.CreateResult, error) {
	if done, err := c.authorize(ctx); err != nil || done != nil {
		return valueOf(done), err
	}
	before := c.pendingCreation()
	said, err := c.recordAndSend(ctx, c.createCall("/users"), func(d *callAttempt) error {
		made, err := c.console.CreateUser(ctx, console.NewUser{
			Email: c.want.Email, FullName: c.want.Name, Roles: c.requestedHoldings(),
		})
		d.ID = made.ID
		return err
	})
	if err != nil {
		return wire.CreateResult{}, err
	}
	found, err := c.findUsers(ctx)
	switch {
	case err != nil && said != nil:
		return wire.CreateResult{}, fmt.Errorf("%w (after %v)", err, said) //nolint:errorlint // the read decides
	case err != nil:
		return wire.CreateResult{}, err
	case len(found) > 0:
		return c.resolveExisting(ctx, found)
	case said == nil:
		return wire.CreateResult{}, errNotVisible
	case isFinal(said):
		return c.refuse(ctx, access.Principal{}, "%s", c.notCreatedText(said, before))
	}
	return wire.CreateResult{}, said
}

func (c *accountCreation) createCall(path string) callAttempt {
	return callAttempt{AccountCall: ledger.AccountCall{Action: ledger.CreateAccount}, Write: access.Write{
		Call: http.MethodPost + " " + path, Before: access.Holdings{}.Normal(), After: c.requestedHoldings(),
	}}
}

// findUsers finds who has the address.
func (c *accountCreation) findUsers(ctx context.Context) ([]access.Principal, error) {
	found, err := c.console.UsersByEmail(ctx, c.want.Email)
	if err != nil {
		return nil, c.retryable(err)
	}
	c.recordRead(found...)
	return found, nil
}

// resolveExisting decides the outcome for a user that exists.
func (c *accountCreation) resolveExisting(ctx context.Context, found []access.Principal) (wire.CreateResult, error) {
	p := found[0]
	ours, holds := len(found) == 1 && c.createdByUs(p), p.Holdings().Holds(c.in.Plan.Holding())
	switch {
	case ours && holds:
		return c.conclude(ctx, access.Created, p)
	case ours:
		return c.refuse(ctx, p, "user %s was created, and someone else changed its roles since: "+
			"grant the role, or offboard the user", p.ID)
	}
	if why := existingAccountRefusal(c.in.Plan, found); why != "" {
		return c.refuse(ctx, p, "%s", why)
	}
	return c.conclude(ctx, access.AlreadyHeld, p)
}

// createdByUs reports whether this request created the user. If the answer was lost, only the
// requested name can be compared: no user had the address before.
func (c *accountCreation) createdByUs(p access.Principal) bool {
	d := c.pendingCreation()
	return d != nil && (d.ID == p.ID || d.ID == "" && p.Name == c.want.Name)
}

// notCreatedText explains why no user was created, if the console shows none with that address.
func (c *accountCreation) notCreatedText(said error, before *callAttempt) string {
	text := "the console did not create the user: " + said.Error()
	switch statusOf(said) {
	case http.StatusConflict:
		text += "; the address belongs to a user that this worker's token cannot see: " +
			"ask the administrator of that user's account, or use another address"
	case http.StatusBadRequest:
		text += "; if the address is taken, it belongs to a user that this worker's token cannot see"
	}
	switch {
	case before == nil:
	case before.ID != "":
		text += fmt.Sprintf("; an earlier call created user %s, which the console does not show", before.ID)
	default:
		text += "; an earlier call got no answer, and may have created a user that the token cannot see"
	}
	return text
}
