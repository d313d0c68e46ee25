package activities

import (
	"context"
	"fmt"
	"net/http"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/tokensink"
	"sentinelone-provisioner/internal/wire"
)

// maxCreations is how often a service user is made on a console that can give no new
// token for one that is there.
const maxCreations = 3

// storeToken stores the token of the latest call, and reads back whose it is. A token that
// is not stored is lost: the next attempt generates another.
func (c *accountCreation) storeToken(ctx context.Context, id string, token console.Secret) (wire.CreateResult, error) {
	place, err := c.putToken(ctx, id, token)
	if err != nil {
		return wire.CreateResult{}, kinds.New(kinds.Unavailable, err)
	}
	last := len(c.calls) - 1
	d := &c.calls[last]
	d.ID, d.TokenPlace = id, &place
	detached, release := attempt.ForLastWrite(ctx) // else it would count as lost
	defer release()
	if err := c.note(detached, c.entry(c.tokenKey(last), ledger.Token{ID: id, Place: place})); err != nil {
		return wire.CreateResult{}, err
	}
	if c.does == access.OpRotate {
		p, err := c.byID(ctx, id)
		if err != nil {
			return wire.CreateResult{}, c.retryable(err)
		}
		c.recordRead(p)
		return c.verifyRotation(ctx, *d, p)
	}
	return c.verify(ctx, *d)
}

// putToken encrypts the token to the recipient of a rotation, if there is one, and else puts it into the sink.
func (c *accountCreation) putToken(ctx context.Context, id string, token console.Secret) (access.TokenPlace, error) {
	if r := c.in.Plan.Rotation; r != nil && r.Recipient != "" {
		return c.seal(token)
	}
	return c.tokens.Put(ctx, tokensink.Token{
		Console: c.in.Plan.Console, ID: id, Name: c.want.Name, ExpiresAt: c.want.TokenExpiresAt, Secret: token,
	})
}

// withStoredToken is the call whose token is stored, unless a later call invalidates it.
func (c *accountCreation) withStoredToken() *callAttempt {
	if last := len(c.calls) - 1; last >= 0 && c.calls[last].TokenPlace != nil {
		return &c.calls[last]
	}
	return nil
}

// replaceToken completes a service user of ours whose token did not reach the sink: the
// answer that held it was cut, or the worker was killed before it stored the token.
func (c *accountCreation) replaceToken(ctx context.Context, p access.Principal) (wire.CreateResult, error) {
	if c.in.Cancel {
		return c.rollBack(ctx, p)
	}
	if err := c.tokens.Check(c.in.Plan.Console); err != nil {
		return wire.CreateResult{}, kinds.New(kinds.Unavailable, err)
	}
	var token console.Secret
	said, err := c.recordAndSend(ctx, c.tokenCall(p.ID), func(*callAttempt) (err error) {
		token, err = c.console.GenerateServiceUserToken(ctx, p.ID, c.want.TokenExpiresAt)
		return err
	})
	switch {
	case err != nil:
		return wire.CreateResult{}, err
	case said == nil:
		return c.storeToken(ctx, p.ID, token)
	case console.MayLackCall(said):
		return c.recreate(ctx, p)
	case statusOf(said) == http.StatusConflict && c.countCalls(ledger.GenerateToken) < collisions:
		return wire.CreateResult{}, kinds.New(kinds.Unavailable, said)
	case isFinal(said):
		return c.endWithoutToken(ctx, p, said)
	}
	return wire.CreateResult{}, said
}

// recreate deletes a service user of ours whose token is lost, where the console has no call
// for a new one, and makes another.
func (c *accountCreation) recreate(ctx context.Context, p access.Principal) (wire.CreateResult, error) {
	if c.countCalls(ledger.CreateAccount) >= maxCreations {
		return c.endWithoutToken(
			ctx,
			p,
			fmt.Errorf("it was lost %d times, and this console cannot generate another", maxCreations),
		)
	}
	if err := c.deleteServiceUser(ctx, p.ID); err != nil {
		return c.deletionFailed(ctx, p, err)
	}
	return c.postServiceUser(ctx)
}

// deletionFailed explains what it means that a service user of ours could not be deleted.
func (c *accountCreation) deletionFailed(
	ctx context.Context,
	p access.Principal,
	err error,
) (wire.CreateResult, error) {
	if isFinal(err) && !c.in.Cancel {
		return c.endWithoutToken(ctx, p, err)
	}
	return wire.CreateResult{}, err
}

// endWithoutToken ends the request with a service user that exists and whose token is lost.
func (c *accountCreation) endWithoutToken(
	ctx context.Context,
	p access.Principal,
	why error,
) (wire.CreateResult, error) {
	out := wire.CreateResult{Proof: c.proof(access.Created, p), Refused: true, Message: c.orphanText(p, why)}
	return c.recordProof(ctx, out)
}

// rollBack deletes a service user whose creation was cancelled before it was complete.
func (c *accountCreation) rollBack(ctx context.Context, p access.Principal) (wire.CreateResult, error) {
	if err := c.deleteServiceUser(ctx, p.ID); err != nil {
		return wire.CreateResult{}, err
	}
	return c.conclude(ctx, access.NotApplied, access.Principal{})
}

func (c *accountCreation) tokenCall(id string) callAttempt {
	return callAttempt{AccountCall: ledger.AccountCall{Action: ledger.GenerateToken, ID: id}, Write: access.Write{
		Call:   http.MethodPost + " /service-users/" + id + "/generate-api-token",
		Before: c.requestedHoldings(), After: c.requestedHoldings(),
	}}
}

func (c *accountCreation) deleteCall(id string) callAttempt {
	return callAttempt{AccountCall: ledger.AccountCall{Action: ledger.DeleteAccount, ID: id}, Write: access.Write{
		Call:   http.MethodDelete + " /service-users/" + id,
		Before: c.requestedHoldings(),
		After:  access.Holdings{}.Normal(),
	}}
}

func (c *accountCreation) countCalls(action ledger.AccountAction) int {
	n := 0
	for _, d := range c.calls {
		if d.Action == action {
			n++
		}
	}
	return n
}
