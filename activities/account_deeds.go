package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/store"
)

// deed is a request that may have changed the console, as the ledger knows it: first
// what is about to be sent, then what the console said to it.
type deed struct {
	Write access.Write `json:"write"`
	Does  string       `json:"does"` // one of the constants below
	// ID is whose token is made or who is deleted, and who was made, once the console has
	// said so.
	ID string `json:"id,omitempty"`
	// NotSent says that nothing has left the client.
	NotSent bool `json:"notSent,omitempty"`
	// Ended is when the console had answered, or had not.
	Ended time.Time `json:"ended,omitzero"`
	// Kept is where the token went that it gave.
	Kept *access.TokenPlace `json:"kept,omitempty"`
}

// What a deed does.
const (
	doesMake   = "make"
	doesToken  = "token"
	doesDelete = "delete"
)

// recall finds what the ledger knows of this account: how it ended, or what was sent.
func (c *creating) recall(ctx context.Context) (*CreateResult, error) {
	entries, err := c.store.LedgerOf(ctx, c.ask.Plan.Console, c.ask.Request.ID)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Key == c.key(EntryProof) {
			return decodeEntry[CreateResult](e)
		}
		if err := c.learn(e); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// learn takes in an entry about one of our deeds, each of which says more than the one
// before.
func (c *creating) learn(e store.LedgerEntry) error {
	if e.Key == c.writeKey(len(c.deeds)) {
		c.deeds = append(c.deeds, deed{})
	}
	for n := range c.deeds {
		if e.Key != c.writeKey(n) && e.Key != c.answerKey(n) && e.Key != c.keptKey(n) {
			continue
		}
		d, err := decodeEntry[deed](e)
		if err != nil {
			return err
		}
		c.deeds[n] = *d
	}
	return nil
}

func (c *creating) keptKey(n int) string { return fmt.Sprintf("%s/%d", c.key(EntryKept), n) }

// EntryKept is the kind of entry that says where a token went.
const EntryKept = "token"

// attempt tells the ledger what is about to be sent, and sends it. said is what the
// console said against it; err is the ledger's, and nothing was sent then.
func (c *creating) attempt(ctx context.Context, d deed, send func(d *deed) error) (said, err error) {
	d.Write.At = c.now().UTC()
	n := len(c.deeds)
	if err := c.announce(ctx, n, d); err != nil {
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
	c.deeds = append(c.deeds, d)
	c.pending = append(c.pending, c.entry(EntryAnswer, c.answerKey(n), d))
	return said, nil
}

// announce writes down what is about to be sent, under a number that no other attempt
// has: one that was taken for dead may still be at it.
func (c *creating) announce(ctx context.Context, n int, d deed) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	kept, err := c.append(ctx, c.entry(EntryWrite, c.writeKey(n), json.RawMessage(body)))
	if err == nil && string(kept.Body) != string(body) {
		err = errOtherAttempt
	}
	return err
}

// append writes an entry behind what is pending, unless the account was called off, and
// returns what stands in its place.
func (c *creating) append(ctx context.Context, e store.NewLedgerEntry) (store.LedgerEntry, error) {
	if !c.ask.CallOff {
		e.Unless = c.key(EntryCalledOff)
	}
	kept, err := c.store.Append(ctx, c.ask.Plan.Console, append(c.pending, e)...)
	if err != nil {
		return store.LedgerEntry{}, fmt.Errorf("write into the ledger for %s: %w", c.ask.Request.ID, err)
	}
	c.pending = nil
	return kept[len(kept)-1], nil
}

var errOtherAttempt = kinds.New(kinds.Unavailable, errors.New(
	"another attempt at this account is at work, or has called it off: waiting to see what becomes of it"))

// answered says that the console has answered, in a way that can be understood.
func (d deed) accepted() bool {
	return !d.Ended.IsZero() && d.Write.Status == http.StatusOK && d.Write.Error == ""
}

// refused says that the console has said no, or was not asked, so that nothing of it can
// arrive later. A time-out of the console's is no answer.
func (d deed) refused() bool {
	return d.NotSent || !d.Ended.IsZero() && d.Write.Status >= http.StatusBadRequest &&
		d.Write.Status < http.StatusInternalServerError && d.Write.Status != http.StatusRequestTimeout
}

// settled is when what was sent shows, if it has arrived.
func (d deed) settled() time.Time {
	at := d.Write.At
	if d.Ended.After(at) {
		at = d.Ended
	}
	return at.Add(showTime)
}

// pendingMake is the latest request to make the account that may have arrived, unless
// what it made was deleted since.
func (c *creating) pendingMake() *deed {
	for i := len(c.deeds) - 1; i >= 0; i-- {
		switch d := &c.deeds[i]; {
		case d.Does == doesDelete:
			return nil
		case d.Does == doesMake && !d.refused():
			return d
		}
	}
	return nil
}

// tooSoon says that something that was sent may still show.
func (c *creating) tooSoon() error {
	if d := c.pendingMake(); d != nil && c.now().Before(d.settled()) {
		return errNotMade
	}
	return nil
}

var errNotMade = kinds.New(kinds.Unavailable, errors.New(
	"the console was asked to make it and does not show it yet: waiting until it is sure whether it has"))
