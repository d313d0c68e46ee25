package activities

import (
	"context"
	"errors"
	"net/http"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// callAttempt is a call that may have changed the console, as the ledger records it: first what
// is about to be sent, then the answer of the console, then where a token was stored.
type callAttempt struct {
	ledger.AccountCall

	Write access.Write
	// NotSent says that nothing has left the client.
	NotSent bool
	// Ended is when the call ended, with or without an answer.
	Ended time.Time
	// TokenPlace is where the returned token was stored.
	TokenPlace *access.TokenPlace
	// Digest is that of the token, of one that replaces the worker's own.
	Digest string
}

// loadHistory loads the ledger entries of this account: its outcome, or what was sent.
func (c *accountCreation) loadHistory(ctx context.Context) (*wire.CreateResult, error) {
	entries, err := c.store.LedgerOf(ctx, c.in.Plan.Console, c.in.Request.ID)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Key == c.proofKey() {
			return createResultIn(e)
		}
		if err := c.loadEntry(e); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// loadEntry loads an entry about one of our calls; each entry adds to the one before.
func (c *accountCreation) loadEntry(e ledger.Entry) error {
	if e.Key == c.writeKey(len(c.calls)) {
		c.calls = append(c.calls, callAttempt{})
	}
	for n := range c.calls {
		d := &c.calls[n]
		switch e.Key {
		case c.writeKey(n):
			return d.loadWrite(e)
		case c.answerKey(n):
			return d.loadAnswer(e)
		case c.tokenKey(n):
			return d.loadToken(e)
		}
	}
	return nil
}

func (d *callAttempt) loadWrite(e ledger.Entry) error {
	is, err := ledger.DecodeAs[ledger.Write](e)
	if err == nil && is.Account == nil {
		err = otherSubject(e, "an account")
	}
	if err == nil {
		d.Write, d.AccountCall = is.Write, *is.Account
	}
	return err
}

func (d *callAttempt) loadAnswer(e ledger.Entry) error {
	is, err := ledger.DecodeAs[ledger.Answer](e)
	if err == nil && is.Account == nil {
		err = otherSubject(e, "an account")
	}
	if err == nil {
		d.Write, d.AccountCall, d.NotSent, d.Ended = is.Write, is.Account.Call, is.Account.NotSent, is.Account.Ended
	}
	return err
}

func (d *callAttempt) loadToken(e ledger.Entry) error {
	is, err := ledger.DecodeAs[ledger.Token](e)
	if err == nil {
		d.ID, d.TokenPlace, d.Digest = is.ID, &is.Place, is.Digest
	}
	return err
}

// recordAndSend tells the ledger what is about to be sent, and sends it. said is what the
// console said against it; err is the ledger's, and nothing was sent then.
func (c *accountCreation) recordAndSend(
	ctx context.Context,
	d callAttempt,
	send func(d *callAttempt) error,
) (said, err error) {
	d.Write.At = c.now().UTC()
	n := len(c.calls)
	if err := c.recordCall(ctx, n, d); err != nil {
		return nil, err
	}
	said = send(&d)
	d.Ended, d.Write.Status = c.now().UTC(), http.StatusOK
	if said != nil {
		d.Write.Status, d.Write.Error, d.NotSent = 0, said.Error(), errors.Is(said, console.ErrReadOnly)
		if answer, ok := errors.AsType[*console.Error](said); ok {
			d.Write.Status, d.NotSent = answer.Status, answer.Kind == console.KindNotSent
		}
	}
	c.calls = append(c.calls, d)
	c.pending = append(c.pending, c.entry(c.answerKey(n), ledger.Answer{
		Write: d.Write, Account: &ledger.AccountAnswer{Call: d.AccountCall, NotSent: d.NotSent, Ended: d.Ended},
	}))
	return said, nil
}

// recordCall records what is about to be sent, under a number that no other attempt has: an
// attempt that was given up may still run.
func (c *accountCreation) recordCall(ctx context.Context, n int, d callAttempt) error {
	is := ledger.Write{Write: d.Write, Account: &d.AccountCall}
	body, err := ledger.Encode(is)
	if err != nil {
		return err
	}
	kept, err := c.appendUnlessCancelled(ctx, c.entry(c.writeKey(n), is))
	if err == nil && string(kept.Body) != string(body) {
		err = errOtherAttempt
	}
	return err
}

// appendUnlessCancelled appends an entry after the pending ones, unless the account was cancelled;
// then it returns the entry that stands in its place.
func (c *accountCreation) appendUnlessCancelled(ctx context.Context, e ledger.NewEntry) (ledger.Entry, error) {
	if !c.in.Cancel {
		e.Unless = ledger.CancelledChangeKey(c.in.Key)
	}
	kept, err := c.appendPending(ctx, e)
	if err != nil {
		return ledger.Entry{}, err
	}
	return kept[len(kept)-1], nil
}

var errOtherAttempt = kinds.New(kinds.Unavailable, errors.New(
	"another attempt is creating this account, or has cancelled it: retrying until its outcome is known"))

// answered reports whether the console answered, and the answer could be decoded.
func (d callAttempt) accepted() bool {
	return !d.Ended.IsZero() && d.Write.Status == http.StatusOK && d.Write.Error == ""
}

// refused reports whether the console refused the call, or never received it, so that it cannot
// take effect later. A timeout of the console is not a refusal.
func (d callAttempt) refused() bool {
	return d.NotSent || !d.Ended.IsZero() && d.Write.Status >= http.StatusBadRequest &&
		d.Write.Status < http.StatusInternalServerError && d.Write.Status != http.StatusRequestTimeout
}

// visibleBy is when the effect of a call shows at the latest, if it arrived.
func (d callAttempt) visibleBy() time.Time {
	at := d.Write.At
	if d.Ended.After(at) {
		at = d.Ended
	}
	return at.Add(visibilityDelay)
}

// pendingCreation is the latest request to make the account that may have arrived, unless
// what it made was deleted since.
func (c *accountCreation) pendingCreation() *callAttempt {
	for i := len(c.calls) - 1; i >= 0; i-- {
		switch d := &c.calls[i]; {
		case d.Action == ledger.DeleteAccount:
			return nil
		case d.Action == ledger.CreateAccount && !d.refused():
			return d
		}
	}
	return nil
}

// mayStillAppear reports whether the effect of a call may still show.
func (c *accountCreation) mayStillAppear() error {
	if d := c.pendingCreation(); d != nil && c.now().Before(d.visibleBy()) {
		return errNotVisible
	}
	return nil
}

var errNotVisible = kinds.New(kinds.Unavailable, errors.New(
	"the create call was sent and the console does not show the account yet: retrying until its outcome is known"))
