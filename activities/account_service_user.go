package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// CreateServiceUser creates a service user with one role, stores its token in the sink, and
// verifies it. Names are not unique on a console, so an existing service user of that name is
// a refusal; after a call whose answer was lost, the only new one of that name is ours. A lost
// token is replaced, or the service user is created again.
//
// It is idempotent by the key: done before, it gives the first answer again. No result,
// error or entry of the ledger holds the token.
func (a *Accounts) CreateServiceUser(ctx context.Context, in wire.CreateInput) (wire.CreateResult, error) {
	return a.create(ctx, in, (*accountCreation).createServiceUser)
}

func (c *accountCreation) createServiceUser(ctx context.Context) (wire.CreateResult, error) {
	if d := c.withStoredToken(); d != nil {
		return c.verify(ctx, *d)
	}
	found, err := c.candidates(ctx)
	if err != nil {
		return wire.CreateResult{}, err
	}
	d := c.pendingCreation()
	switch {
	case d == nil:
		return c.begin(ctx, found)
	case len(found) > 1:
		return c.refuse(ctx, access.Principal{}, "several service users of that name appeared since the create call: "+
			"%s; at most one of them is ours and its token is lost: "+
			"delete those that are not needed, then request again",
			namesOf(found))
	case len(found) == 1:
		return c.replaceToken(ctx, found[0])
	}
	if err := c.mayStillAppear(); err != nil {
		return wire.CreateResult{}, err
	}
	if d.accepted() && !c.in.Cancel {
		return c.refuse(ctx, access.Principal{}, "service user %s was created and deleted before its token was "+
			"stored, by someone else: request again if it is still needed", d.ID)
	}
	return c.postServiceUser(ctx)
}

func (c *accountCreation) byID(ctx context.Context, id string) (access.Principal, error) {
	return c.console.Principal(ctx, access.ServiceUser, id)
}

func namesOf(found []access.Principal) []string { return listTexts(found, principalText) }

// candidates are the service users that may be ours: the one that the console returned, else
// those of that name, without any that we deleted.
func (c *accountCreation) candidates(ctx context.Context) ([]access.Principal, error) {
	if d := c.pendingCreation(); d != nil && d.ID != "" {
		p, err := c.byID(ctx, d.ID)
		switch {
		case isNotFound(err):
			c.recordRead()
			return nil, nil
		case err != nil:
			return nil, c.retryable(err)
		}
		c.recordRead(p)
		return []access.Principal{p}, nil
	}
	found, err := c.console.ServiceUsersByName(ctx, c.want.Name)
	if err != nil {
		return nil, c.retryable(err)
	}
	found = slices.DeleteFunc(found, c.deletedByUs)
	c.recordRead(found...)
	return found, nil
}

// deletedByUs reports whether we deleted a service user: that was verified before another
// was created.
func (c *accountCreation) deletedByUs(p access.Principal) bool {
	return slices.ContainsFunc(
		c.calls,
		func(d callAttempt) bool { return d.Action == ledger.DeleteAccount && d.ID == p.ID },
	)
}

// begin starts the creation, if no earlier call can have created anything.
func (c *accountCreation) begin(ctx context.Context, found []access.Principal) (wire.CreateResult, error) {
	if last := len(c.calls) - 1; last >= 0 && c.calls[last].Action == ledger.DeleteAccount {
		p := access.Principal{Kind: access.ServiceUser, ID: c.calls[last].ID, Name: c.want.Name}
		if err := c.deleteServiceUser(ctx, p.ID); err != nil {
			return c.deletionFailed(ctx, p, err)
		}
	}
	switch {
	case c.in.Cancel:
		return c.conclude(ctx, access.NotApplied, access.Principal{})
	case len(found) > 0:
		return c.refuse(ctx, found[0], "%s", existingAccountRefusal(c.in.Plan, found))
	}
	if err := c.tokens.Check(c.in.Plan.Console); err != nil {
		return c.refuse(ctx, access.Principal{}, "%s", err.Error())
	}
	return c.postServiceUser(ctx)
}

// postServiceUser sends the call and stores the token. The next attempt finds out the outcome
// of a call whose answer was lost.
func (c *accountCreation) postServiceUser(ctx context.Context) (wire.CreateResult, error) {
	if c.in.Cancel {
		return c.conclude(ctx, access.NotApplied, access.Principal{})
	}
	if done, err := c.authorize(ctx); err != nil || done != nil {
		return valueOf(done), err
	}
	var (
		made  access.Principal
		token console.Secret
	)
	said, err := c.recordAndSend(ctx, c.createCall("/service-users"), func(d *callAttempt) (err error) {
		made, token, err = c.console.CreateServiceUser(ctx, console.NewServiceUser{
			Name:           c.want.Name,
			Description:    c.want.Description,
			Roles:          c.requestedHoldings(),
			TokenExpiresAt: c.want.TokenExpiresAt,
		})
		d.ID = made.ID
		return err
	})
	switch {
	case err != nil:
		return wire.CreateResult{}, err
	case said == nil:
		return c.storeToken(ctx, made.ID, token)
	case isFinal(said) && c.calls[len(c.calls)-1].refused():
		return c.refuse(ctx, access.Principal{}, "the console did not create the service user: %v", said)
	}
	return wire.CreateResult{}, said
}

// verify verifies the service user, once its token is stored.
func (c *accountCreation) verify(ctx context.Context, d callAttempt) (wire.CreateResult, error) {
	p, err := c.byID(ctx, d.ID)
	switch {
	case isNotFound(err):
		c.recordRead()
		if c.now().Before(d.visibleBy()) {
			return wire.CreateResult{}, errNotVisible
		}
		return c.refuse(ctx, access.Principal{}, "service user %s was created, and someone else deleted it: "+
			"request again if it is still needed", d.ID)
	case err != nil:
		return wire.CreateResult{}, c.retryable(err)
	}
	c.recordRead(p)
	if p.Holdings().Holds(c.in.Plan.Holding()) {
		return c.recordCreated(ctx, p, d)
	}
	if c.now().Before(d.visibleBy()) {
		return wire.CreateResult{}, errNotVisible
	}
	return c.refuse(ctx, p, "service user %s was created, and someone else changed its roles since: "+
		"grant the role to it, or delete the service user", p.ID)
}

// recordCreated records that the service user exists, and where its token is stored.
func (c *accountCreation) recordCreated(
	ctx context.Context,
	p access.Principal,
	d callAttempt,
) (wire.CreateResult, error) {
	out := wire.CreateResult{Proof: c.proof(access.Created, p)}
	out.Proof.Token = d.TokenPlace
	return c.recordProof(ctx, out)
}

// deleteServiceUser deletes a service user of ours and makes sure that it is gone.
func (c *accountCreation) deleteServiceUser(ctx context.Context, id string) error {
	if _, err := c.byID(ctx, id); isNotFound(err) {
		c.recordRead()
		return c.tokens.Drop(c.in.Plan.Console, id)
	}
	if err := c.sendDelete(ctx, c.deleteCall(id)); err != nil {
		return err
	}
	return c.tokens.Drop(c.in.Plan.Console, id)
}

// sendDelete sends a call that deletes a service user, and reads it. No error says that it is gone.
func (c *accountCreation) sendDelete(ctx context.Context, call callAttempt) error {
	said, err := c.recordAndSend(ctx, call, func(*callAttempt) error {
		return c.console.DeleteServiceUser(ctx, call.ID)
	})
	if err != nil {
		return err
	}
	p, err := c.byID(ctx, call.ID)
	switch {
	case isNotFound(err):
		c.recordRead()
		return nil
	case said != nil && statusOf(said) != http.StatusNotFound:
		return said
	case err != nil:
		return c.retryable(err)
	}
	c.recordRead(p)
	return errNotDeleted
}

var errNotDeleted = errors.New(
	"the delete call was accepted and the console still shows the service user: retrying until it is gone",
)

// orphanText describes a service user of ours whose token is lost.
func (c *accountCreation) orphanText(p access.Principal, why error) string {
	return fmt.Sprintf("service user %q (%s) exists with role %q at %s, and its token is lost: %v; "+
		"generate a token in the console, or delete the service user",
		p.Name, p.ID, c.in.Plan.Role.Name, scopeText(c.in.Plan.Scope), why)
}
