package activities

import (
	"context"
	"fmt"
	"net/http"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/tokenseal"
	"sentinelone-provisioner/internal/wire"
)

// RotateToken makes a new API token for a service user, which voids the one that it has, and stores it in the sink or
// encrypts it to the recipient that the request on record names. Its roles are not touched; where it has got others
// since the plan was made, nothing is done.
//
// It is idempotent by the key: done before, it gives the first answer again. The console has no way to repeat a token,
// so one whose answer was lost is replaced by the next attempt. No result, error or entry of the ledger holds a token
// in clear.
func (a *Accounts) RotateToken(ctx context.Context, in wire.CreateInput) (wire.CreateResult, error) {
	return a.carryOut(ctx, in, access.OpRotate, (*accountCreation).rotateToken)
}

func (c *accountCreation) rotateToken(ctx context.Context) (wire.CreateResult, error) {
	if c.in.Plan.Rotation.Own {
		return c.replaceOwn(ctx)
	}
	of := c.in.Plan.Principal
	p, err := c.byID(ctx, of.ID)
	switch {
	case isNotFound(err):
		c.recordRead()
		return c.refuse(ctx, access.Principal{}, "service user %s is not on the console any more, or the token cannot "+
			"see it: nothing is left to rotate", of.ID)
	case err != nil:
		return wire.CreateResult{}, c.retryable(err)
	}
	c.recordRead(p)
	if d := c.withStoredToken(); d != nil {
		return c.verifyRotation(ctx, *d, p)
	}
	if why := c.rotationRefusal(p); why != "" {
		return c.refuse(ctx, p, "%s%s", why, c.lostToken())
	}
	if c.in.Plan.Rotation.Recipient == "" {
		if err := c.tokens.Check(c.consoleName); err != nil {
			return wire.CreateResult{}, kinds.New(kinds.Unavailable, err)
		}
	}
	if done, err := c.authorize(ctx); err != nil || done != nil {
		return valueOf(done), err
	}
	return c.generate(ctx, p)
}

// rotationRefusal says why the token must not be made now; "" if it may be. What was approved is a token with the
// roles of the plan.
func (c *accountCreation) rotationRefusal(p access.Principal) string {
	if why := c.in.Plan.Rotation.Over(c.now()); why != "" {
		return why
	}
	if p.Holdings().Exceeds(c.in.Plan.Before) {
		return fmt.Sprintf("service user %s has got other roles since the request was planned, and the token would "+
			"have them too: request the rotation again", p.ID)
	}
	return access.Undeletable(p, false)
}

// lostToken says what an earlier call means whose answer was lost; "" if there was none.
func (c *accountCreation) lostToken() string {
	for _, d := range c.calls {
		if d.Action == ledger.GenerateToken && !d.refused() {
			return "; an earlier call may have made a token that nobody has, and voided the old one: " +
				"rotate the token again"
		}
	}
	return ""
}

// generate sends the call, and stores the token.
func (c *accountCreation) generate(ctx context.Context, p access.Principal) (wire.CreateResult, error) {
	call := c.tokenCall(p.ID)
	call.Write.Before, call.Write.After = p.Holdings(), p.Holdings()
	var token console.Secret
	said, err := c.recordAndSend(ctx, call, func(*callAttempt) (err error) {
		token, err = c.console.GenerateServiceUserToken(ctx, p.ID, c.in.Plan.Rotation.ExpiresAt)
		return err
	})
	switch {
	case err != nil:
		return wire.CreateResult{}, err
	case said == nil:
		return c.storeToken(ctx, p.ID, token)
	case console.MayLackCall(said):
		return c.refuse(ctx, p, "this console cannot make a new token for a service user that exists: create "+
			"another service user, and delete this one%s", c.lostToken())
	case statusOf(said) == http.StatusConflict && c.countCalls(ledger.GenerateToken) < collisions:
		return wire.CreateResult{}, kinds.New(kinds.Unavailable, said)
	case isFinal(said) && c.calls[len(c.calls)-1].refused():
		return c.refuse(ctx, p, "the console made no new token: %v%s", said, c.lostToken())
	}
	return wire.CreateResult{}, said
}

// seal encrypts the token to the recipient that the request on record names.
func (c *accountCreation) seal(token console.Secret) (access.TokenPlace, error) {
	of := c.in.Plan.Rotation
	sealed, err := tokenseal.Seal(of.Recipient, token.Reveal())
	return access.TokenPlace{Sink: access.SinkRecipient, ExpiresAt: of.ExpiresAt, Sealed: sealed}, err
}

// verifyRotation verifies that the token that is stored is the one that the service user has now: the console shows
// when that ends.
func (c *accountCreation) verifyRotation(
	ctx context.Context, d callAttempt, p access.Principal,
) (wire.CreateResult, error) {
	if at := p.TokenExpiresAt; at != nil && at.Unix() != d.TokenPlace.ExpiresAt.Unix() {
		if c.now().Before(d.visibleBy()) {
			return wire.CreateResult{}, errTokenNotVisible
		}
		return c.refuse(ctx, p, "a token was made and stored, and someone else made another one for service user %s "+
			"since, which voids it: rotate the token again", p.ID)
	}
	out := wire.CreateResult{Proof: c.proof(access.Rotated, p)}
	out.Proof.Before, out.Proof.Token = p.Holdings(), d.TokenPlace
	return c.recordProof(ctx, out)
}

var errTokenNotVisible = kinds.New(kinds.Unavailable, fmt.Errorf(
	"the new token is stored and the console does not show when it ends yet: retrying until it does"))
