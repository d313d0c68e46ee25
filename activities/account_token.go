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

// anewAtMost is how often a service user is made on a console that can give no new
// token for one that is there.
const anewAtMost = 3

// keep hands the token of the latest deed over, and reads back whose it is. A token
// that is not taken is lost: the next attempt gets another.
func (c *creating) keep(ctx context.Context, id string, token console.Secret) (wire.CreateResult, error) {
	place, err := c.tokens.Put(ctx, tokensink.Token{
		Console: c.in.Plan.Console, ID: id, Name: c.want.Name, ExpiresAt: c.want.TokenExpiresAt, Secret: token,
	})
	if err != nil {
		return wire.CreateResult{}, kinds.New(kinds.Unavailable, err)
	}
	last := len(c.deeds) - 1
	d := &c.deeds[last]
	d.ID, d.Kept = id, &place
	detached, release := attempt.ForLastWrite(ctx) // else it would count as lost
	defer release()
	if err := c.note(detached, c.entry(c.tokenKey(last), ledger.Token{ID: id, Place: place})); err != nil {
		return wire.CreateResult{}, err
	}
	return c.readBack(ctx, *d)
}

// keptOne is the deed whose token is kept, unless something was sent since that ends it.
func (c *creating) keptOne() *deed {
	if last := len(c.deeds) - 1; last >= 0 && c.deeds[last].Kept != nil {
		return &c.deeds[last]
	}
	return nil
}

// tokenLost goes on with a service user of ours whose token did not reach the sink: the
// answer that held it was cut, or the worker was killed before it was kept.
func (c *creating) tokenLost(ctx context.Context, p access.Principal) (wire.CreateResult, error) {
	if c.in.CallOff {
		return c.takeBack(ctx, p)
	}
	if err := c.tokens.Check(c.in.Plan.Console); err != nil {
		return wire.CreateResult{}, kinds.New(kinds.Unavailable, err)
	}
	var token console.Secret
	said, err := c.attempt(ctx, c.generating(p.ID), func(*deed) (err error) {
		token, err = c.console.GenerateServiceUserToken(ctx, p.ID, c.want.TokenExpiresAt)
		return err
	})
	switch {
	case err != nil:
		return wire.CreateResult{}, err
	case said == nil:
		return c.keep(ctx, p.ID, token)
	case console.MayLackCall(said):
		return c.anew(ctx, p)
	case statusOf(said) == http.StatusConflict && c.count(ledger.GenerateToken) < collisions:
		return wire.CreateResult{}, kinds.New(kinds.Unavailable, said)
	case final(said):
		return c.leave(ctx, p, said)
	}
	return wire.CreateResult{}, said
}

// anew deletes a service user of ours whose token is lost, where the console has no call
// for a new one, and makes another.
func (c *creating) anew(ctx context.Context, p access.Principal) (wire.CreateResult, error) {
	if c.count(ledger.CreateAccount) >= anewAtMost {
		return c.leave(ctx, p, fmt.Errorf("it was lost %d times, and this console has no call for another", anewAtMost))
	}
	if err := c.remove(ctx, p.ID); err != nil {
		return c.stays(ctx, p, err)
	}
	return c.postServiceUser(ctx)
}

// stays says what it means that a service user of ours could not be deleted.
func (c *creating) stays(ctx context.Context, p access.Principal, err error) (wire.CreateResult, error) {
	if final(err) && !c.in.CallOff {
		return c.leave(ctx, p, err)
	}
	return wire.CreateResult{}, err
}

// leave ends it with a service user that is there and whose token nobody has.
func (c *creating) leave(ctx context.Context, p access.Principal, why error) (wire.CreateResult, error) {
	out := wire.CreateResult{Proof: c.proof(access.Created, p), Refused: true, Message: c.there(p, why)}
	return c.finish(ctx, out)
}

// takeBack deletes a service user that was called off before it was whole.
func (c *creating) takeBack(ctx context.Context, p access.Principal) (wire.CreateResult, error) {
	if err := c.remove(ctx, p.ID); err != nil {
		return wire.CreateResult{}, err
	}
	return c.conclude(ctx, access.NotApplied, access.Principal{})
}

func (c *creating) generating(id string) deed {
	return deed{AccountCall: ledger.AccountCall{Action: ledger.GenerateToken, ID: id}, Write: access.Write{
		Call:   http.MethodPost + " /service-users/" + id + "/generate-api-token",
		Before: c.given(), After: c.given(),
	}}
}

func (c *creating) deleting(id string) deed {
	return deed{AccountCall: ledger.AccountCall{Action: ledger.DeleteAccount, ID: id}, Write: access.Write{
		Call: http.MethodDelete + " /service-users/" + id, Before: c.given(), After: access.Holdings{}.Normal(),
	}}
}

func (c *creating) count(action ledger.AccountAction) int {
	n := 0
	for _, d := range c.deeds {
		if d.Action == action {
			n++
		}
	}
	return n
}
