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
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/tokensink"
)

// creating is one attempt at making an account. It shares with a change of roles how it
// tells the ledger, how it waits, and that access which is to end goes before it.
type creating struct {
	*writing

	ask    CreateInput
	want   access.NewAccount
	tokens tokensink.Sink
	deeds  []deed // of this attempt and earlier ones, oldest first
}

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

// opCallOff names the step in the list of what waits.
const opCallOff access.Op = "call off"

func (a *Accounts) create(
	ctx context.Context, in CreateInput, do func(*creating, context.Context) (CreateResult, error),
) (CreateResult, error) {
	defer keepAlive(ctx, nothing)()
	if in.Plan.Account == nil {
		return CreateResult{}, fault.New(fault.Invalid, errors.New("the plan makes no account"))
	}
	op := access.OpCreate
	if in.CallOff {
		op, ctx = opCallOff, console.Urgent(ctx)
	}
	c := &creating{ask: in, want: *in.Plan.Account, tokens: a.tokens, writing: &writing{
		Principal: &Principal{console: a.console, store: a.store, now: a.now},
		in: WriteInput{
			Writer: WriterStart{Console: in.Plan.Console, Kind: in.Plan.Account.Kind},
			Change: ChangeRequest{Key: in.Key, Request: in.Request.ID, Change: access.Change{Op: op}},
		},
	}}
	out, err := c.run(ctx, do)
	if err != nil {
		return CreateResult{}, c.wait(ctx, err)
	}
	// What was called off waits no more either.
	return out, errors.Join(a.store.ClearWait(ctx, in.Plan.Console, in.Request.ID, string(access.OpCreate)),
		a.store.ClearWait(ctx, in.Plan.Console, in.Request.ID, string(opCallOff)))
}

func (c *creating) run(
	ctx context.Context, do func(*creating, context.Context) (CreateResult, error),
) (CreateResult, error) {
	if c.ask.Plan.Console != c.console.Console() {
		return CreateResult{}, otherConsole("request", c.ask.Plan.Console, c.console.Console())
	}
	done, err := c.recall(ctx)
	if err != nil || done != nil {
		return valueOf(done), err
	}
	if err := c.yield(ctx); err != nil {
		return CreateResult{}, err
	}
	return do(c, ctx)
}

func valueOf(r *CreateResult) CreateResult {
	if r == nil {
		return CreateResult{}
	}
	return *r
}

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
	entries := append(c.pending, c.entry(EntryWrite, c.writeKey(n), json.RawMessage(body)))
	kept, err := c.store.Append(ctx, c.ask.Plan.Console, entries...)
	if err != nil {
		return fmt.Errorf("write into the ledger for %s: %w", c.ask.Request.ID, err)
	}
	c.pending = nil
	if string(kept[len(kept)-1].Body) != string(body) {
		return errOtherAttempt
	}
	return nil
}

var errOtherAttempt = fault.New(fault.Unavailable, errors.New(
	"another attempt at this account has begun to send something: waiting to see what becomes of it"))

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

var errNotMade = fault.New(fault.Unavailable, errors.New(
	"the console was asked to make it and does not show it yet: waiting until it is sure whether it has"))

// waitedOut makes an error of a read one that is waited out, once something was sent.
func (c *creating) waitedOut(err error) error {
	if err != nil && len(c.deeds) > 0 {
		return fault.New(fault.Unavailable, err)
	}
	return err
}

// see keeps a read as evidence: of one account, or of none.
func (c *creating) see(found ...access.Principal) {
	r := access.Read{At: c.now().UTC(), Holdings: access.Holdings{}.Normal(), Gone: len(found) == 0}
	if len(found) > 0 {
		r.Holdings = found[0].Holdings()
	}
	c.reads = append(c.reads, r)
}

// given is what the account is to hold.
func (c *creating) given() access.Holdings { return givenBy(c.ask.Plan) }

func givenBy(p access.Plan) access.Holdings {
	return access.Holdings{
		Level: p.Scope.Level, Held: []access.Held{{RoleID: p.Role.ID, ScopeID: p.Scope.ID}},
	}.Normal()
}

// conclude writes down how it ended.
func (c *creating) conclude(ctx context.Context, outcome access.Outcome, p access.Principal) (CreateResult, error) {
	out := CreateResult{Proof: c.proof(outcome, p)}
	return out, c.note(ctx, c.entry(EntryProof, c.key(EntryProof), out))
}

// refuse writes down why it cannot be. p is what is there all the same, if anything is.
func (c *creating) refuse(ctx context.Context, p access.Principal, format string, args ...any) (CreateResult, error) {
	out := CreateResult{Proof: c.proof(access.NotApplied, p), Refused: true, Message: fmt.Sprintf(format, args...)}
	return out, c.note(ctx, c.entry(EntryProof, c.key(EntryProof), out))
}

func (c *creating) proof(outcome access.Outcome, p access.Principal) access.Proof {
	out := access.Proof{
		Op: access.OpCreate, Key: c.ask.Key, Outcome: outcome, Reads: append([]access.Read{}, c.reads...),
		Before: access.Holdings{}.Normal(), After: p.Holdings(),
	}
	if outcome == access.AlreadyHeld {
		out.Before = out.After
	}
	for _, d := range c.deeds {
		out.Writes = append(out.Writes, d.Write)
	}
	if outcome == access.Created {
		out.Made = new(p.Ref())
		out.Made.Name, out.Made.Email = c.want.Name, c.want.Email
	}
	return out
}

// final says that asking the console again would change nothing.
func final(err error) bool { return fault.KindOf(err).Final() }
