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

// CreateServiceUser makes a service user with one role, hands its token to the sink, and
// proves it. Names are not unique on a console, so one of that name is refused if it is
// there before; after a request whose answer was lost the only new one of that name is
// ours. A token that was lost on the way is replaced, or the service user made anew.
//
// It is idempotent by the key: done before, it gives the first answer again. No result,
// error or entry of the ledger holds the token.
func (a *Accounts) CreateServiceUser(ctx context.Context, in wire.CreateInput) (wire.CreateResult, error) {
	return a.create(ctx, in, (*creating).serviceUser)
}

func (c *creating) serviceUser(ctx context.Context) (wire.CreateResult, error) {
	if d := c.keptOne(); d != nil {
		return c.readBack(ctx, *d)
	}
	found, err := c.candidates(ctx)
	if err != nil {
		return wire.CreateResult{}, err
	}
	d := c.pendingMake()
	switch {
	case d == nil:
		return c.fresh(ctx, found)
	case len(found) > 1:
		return c.refuse(ctx, access.Principal{}, "several service users of that name have come up since it was asked "+
			"for: %s; at most one of them is ours and nobody has its token: delete those nobody knows, and ask again",
			namesOf(found))
	case len(found) == 1:
		return c.tokenLost(ctx, found[0])
	}
	if err := c.tooSoon(); err != nil {
		return wire.CreateResult{}, err
	}
	if d.accepted() && !c.in.CallOff {
		return c.refuse(ctx, access.Principal{}, "service user %s was made and is gone again, before its token was "+
			"kept: someone has deleted it; ask again if it is still wanted", d.ID)
	}
	return c.postServiceUser(ctx)
}

func (c *creating) byID(ctx context.Context, id string) (access.Principal, error) {
	return c.console.Principal(ctx, access.ServiceUser, id)
}

func namesOf(found []access.Principal) []string { return texts(found, principalText) }

// candidates are the service users that may be ours: the one that the console has told
// us of, else those of that name. One that we have deleted is none.
func (c *creating) candidates(ctx context.Context) ([]access.Principal, error) {
	if d := c.pendingMake(); d != nil && d.ID != "" {
		p, err := c.byID(ctx, d.ID)
		switch {
		case gone(err):
			c.see()
			return nil, nil
		case err != nil:
			return nil, c.waitedOut(err)
		}
		c.see(p)
		return []access.Principal{p}, nil
	}
	found, err := c.console.ServiceUsersByName(ctx, c.want.Name)
	if err != nil {
		return nil, c.waitedOut(err)
	}
	found = slices.DeleteFunc(found, c.deleted)
	c.see(found...)
	return found, nil
}

// deleted says that we have asked for the end of a service user: that was proven before
// another was made.
func (c *creating) deleted(p access.Principal) bool {
	return slices.ContainsFunc(c.deeds, func(d deed) bool { return d.Action == ledger.DeleteAccount && d.ID == p.ID })
}

// fresh begins, where nothing that was sent can have made anything.
func (c *creating) fresh(ctx context.Context, found []access.Principal) (wire.CreateResult, error) {
	if last := len(c.deeds) - 1; last >= 0 && c.deeds[last].Action == ledger.DeleteAccount {
		p := access.Principal{Kind: access.ServiceUser, ID: c.deeds[last].ID, Name: c.want.Name}
		if err := c.remove(ctx, p.ID); err != nil {
			return c.stays(ctx, p, err)
		}
	}
	switch {
	case c.in.CallOff:
		return c.conclude(ctx, access.NotApplied, access.Principal{})
	case len(found) > 0:
		return c.refuse(ctx, found[0], "%s", existing(c.in.Plan, found))
	}
	if err := c.tokens.Check(c.in.Plan.Console); err != nil {
		return c.refuse(ctx, access.Principal{}, "%s", err.Error())
	}
	return c.postServiceUser(ctx)
}

// postServiceUser sends the request and hands over the token. What became of a request
// whose answer was lost is for the next attempt to find out.
func (c *creating) postServiceUser(ctx context.Context) (wire.CreateResult, error) {
	if c.in.CallOff {
		return c.conclude(ctx, access.NotApplied, access.Principal{})
	}
	var (
		made  access.Principal
		token console.Secret
	)
	said, err := c.attempt(ctx, c.making("/service-users"), func(d *deed) (err error) {
		made, token, err = c.console.CreateServiceUser(ctx, console.NewServiceUser{
			Name: c.want.Name, Description: c.want.Description, Roles: c.given(), TokenExpiresAt: c.want.TokenExpiresAt,
		})
		d.ID = made.ID
		return err
	})
	switch {
	case err != nil:
		return wire.CreateResult{}, err
	case said == nil:
		return c.keep(ctx, made.ID, token)
	case final(said) && c.deeds[len(c.deeds)-1].refused():
		return c.refuse(ctx, access.Principal{}, "the console has not made the service user: %v", said)
	}
	return wire.CreateResult{}, said
}

// readBack proves what was made, once its token is kept.
func (c *creating) readBack(ctx context.Context, d deed) (wire.CreateResult, error) {
	p, err := c.byID(ctx, d.ID)
	switch {
	case gone(err):
		c.see()
		if c.now().Before(d.settled()) {
			return wire.CreateResult{}, errNotMade
		}
		return c.refuse(ctx, access.Principal{}, "service user %s was made and is gone again: someone has deleted it; "+
			"ask again if it is still wanted", d.ID)
	case err != nil:
		return wire.CreateResult{}, c.waitedOut(err)
	}
	c.see(p)
	if p.Holdings().Holds(c.in.Plan.Holding()) {
		return c.made(ctx, p, d)
	}
	if c.now().Before(d.settled()) {
		return wire.CreateResult{}, errNotMade
	}
	return c.refuse(ctx, p, "service user %s was made and does not hold the role: someone has changed it since; "+
		"give the role with a grant, or retire the service user", p.ID)
}

// made writes down that it is there, and where its token went.
func (c *creating) made(ctx context.Context, p access.Principal, d deed) (wire.CreateResult, error) {
	out := wire.CreateResult{Proof: c.proof(access.Created, p)}
	out.Proof.Token = d.Kept
	return c.finish(ctx, out)
}

// remove deletes a service user of ours and makes sure that it is gone.
func (c *creating) remove(ctx context.Context, id string) error {
	if _, err := c.byID(ctx, id); gone(err) {
		c.see()
		return c.tokens.Drop(c.in.Plan.Console, id)
	}
	said, err := c.attempt(ctx, c.deleting(id), func(*deed) error { return c.console.DeleteServiceUser(ctx, id) })
	if err != nil {
		return err
	}
	p, err := c.byID(ctx, id)
	switch {
	case gone(err):
		c.see()
		return c.tokens.Drop(c.in.Plan.Console, id)
	case said != nil && statusOf(said) != http.StatusNotFound:
		return said
	case err != nil:
		return c.waitedOut(err)
	}
	c.see(p)
	return errNotDeleted
}

var errNotDeleted = errors.New("the service user was deleted and the console still shows it: waiting until it does not")

// there describes a service user of ours whose token nobody has.
func (c *creating) there(p access.Principal, why error) string {
	return fmt.Sprintf("service user %q (%s) is on the console with role %q at %s, and nobody has its token: %v; "+
		"generate a token for it in the console, or retire it",
		p.Name, p.ID, c.in.Plan.Role.Name, scopeText(c.in.Plan.Scope), why)
}
