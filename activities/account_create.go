package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/tokensink"
	"sentinelone-provisioner/internal/wire"
)

// accountCreation is one attempt at creating an account, or at making a new token for one.
type accountCreation struct {
	consoleWork

	in     wire.CreateInput
	does   access.Op // creates the account, or rotates the token of one that is there
	want   access.NewAccount
	tokens tokensink.Sink
	own    OwnToken
	pause  func(ctx context.Context, d time.Duration) error // between two tries of a new token
	reads  []access.Read                                    // all of this attempt
	calls  []callAttempt                                    // of this attempt and earlier ones, oldest first

	judge  authority.Judge
	record authority.Record // of the request, as the ledger has it
}

// opCancel is the step in the list of steps that wait.
const opCancel access.Op = "cancel"

func (a *Accounts) create(
	ctx context.Context, in wire.CreateInput, do func(*accountCreation, context.Context) (wire.CreateResult, error),
) (wire.CreateResult, error) {
	if in.Plan.Account == nil {
		return wire.CreateResult{}, kinds.New(
			kinds.Invalid,
			errors.New("cannot create an account: the plan names none; start the request again"),
		)
	}
	return a.carryOut(ctx, in, access.OpCreate, do)
}

func (a *Accounts) carryOut(
	ctx context.Context, in wire.CreateInput, does access.Op,
	do func(*accountCreation, context.Context) (wire.CreateResult, error),
) (wire.CreateResult, error) {
	defer attempt.KeepAlive(ctx)()
	if err := a.runs.changeRun(ctx, in.Request, in.Key, in.Request.ID); err != nil {
		return wire.CreateResult{}, err
	}
	op := does
	if in.Cancel {
		op, ctx = opCancel, console.Urgent(ctx)
	}
	c := &accountCreation{
		in: in, does: does, judge: a.authority.judge(), tokens: a.tokens, own: a.ownToken, pause: a.pause,
		consoleWork: consoleWork{
			console: a.console, store: a.store, notify: a.notify, now: a.now,
			consoleName: in.Plan.Console, request: in.Request.ID, key: in.Key, op: op,
		},
	}
	out, err := c.run(ctx, do)
	if err != nil {
		return wire.CreateResult{}, c.retryLater(ctx, err)
	}
	// A creation that was cancelled waits no more either.
	return out, errors.Join(c.clearWait(ctx, c.request, does), c.clearWait(ctx, c.request, opCancel))
}

func (c *accountCreation) run(
	ctx context.Context, do func(*accountCreation, context.Context) (wire.CreateResult, error),
) (wire.CreateResult, error) {
	if err := attempt.RequireConsole("request", c.in.Plan.Console, c.console.Console()); err != nil {
		return wire.CreateResult{}, err
	}
	if err := c.loadRecord(ctx); err != nil {
		return wire.CreateResult{}, err
	}
	if err := c.cancelOtherAttempts(ctx); err != nil {
		return wire.CreateResult{}, err
	}
	done, err := c.loadHistory(ctx)
	if err != nil || done != nil {
		return valueOf(done), err
	}
	if err := c.deferToReleases(ctx); err != nil {
		return wire.CreateResult{}, err
	}
	return do(c, ctx)
}

// cancelOtherAttempts makes sure that no other attempt sends a call or records the proof from here on: an attempt
// that Temporal has given up may still run.
func (c *accountCreation) cancelOtherAttempts(ctx context.Context) error {
	if !c.in.Cancel {
		return nil
	}
	e := c.entry(ledger.CancelledChangeKey(c.in.Key), ledger.Cancelled{Change: c.in.Key})
	e.Unless = c.proofKey()
	_, err := c.store.Append(ctx, c.in.Plan.Console, e)
	return err
}

func valueOf(r *wire.CreateResult) wire.CreateResult {
	if r == nil {
		return wire.CreateResult{}
	}
	return *r
}

// recordProof records the outcome in the ledger, and returns the outcome that the ledger holds.
func (c *accountCreation) recordProof(ctx context.Context, out wire.CreateResult) (wire.CreateResult, error) {
	kept, err := c.appendUnlessCancelled(ctx, c.entry(c.proofKey(), ledger.Proof{
		Proof: out.Proof, Message: out.Message, Account: &ledger.AccountProof{Refused: out.Refused},
	}))
	switch {
	case err != nil:
		return wire.CreateResult{}, err
	case kept.Kind != ledger.KindProof:
		return wire.CreateResult{}, errOtherAttempt
	}
	done, err := createResultIn(kept)
	return valueOf(done), err
}

// createResultIn is the answer that a proof keeps.
func createResultIn(e ledger.Entry) (*wire.CreateResult, error) {
	kept, err := ledger.DecodeAs[ledger.Proof](e)
	if err == nil && kept.Account == nil {
		err = otherSubject(e, "an account")
	}
	if err != nil {
		return nil, err
	}
	return &wire.CreateResult{Proof: kept.Proof, Refused: kept.Account.Refused, Message: kept.Message}, nil
}

// retryable makes every read error temporary once a call that may have arrived was sent.
func (c *accountCreation) retryable(err error) error {
	if err != nil && len(c.calls) > 0 {
		return kinds.New(kinds.Unavailable, err)
	}
	return err
}

// recordRead keeps a read of one account, or of none, as evidence for the proof.
func (c *accountCreation) recordRead(found ...access.Principal) {
	r := access.Read{At: c.now().UTC(), Holdings: access.Holdings{}.Normal(), Gone: len(found) == 0}
	if len(found) > 0 {
		r.Holdings = found[0].Holdings()
	}
	c.reads = append(c.reads, r)
}

// requestedHoldings is what the new account must hold.
func (c *accountCreation) requestedHoldings() access.Holdings { return holdingsOf(c.in.Plan) }

func holdingsOf(p access.Plan) access.Holdings {
	return access.Holdings{
		Level: p.Scope.Level, Held: []access.HeldRole{{RoleID: p.Role.ID, ScopeID: p.Scope.ID}},
	}.Normal()
}

// conclude records the outcome.
func (c *accountCreation) conclude(
	ctx context.Context,
	outcome access.Outcome,
	p access.Principal,
) (wire.CreateResult, error) {
	return c.recordProof(ctx, wire.CreateResult{Proof: c.proof(outcome, p)})
}

// refuse records why the account cannot be created. p is the account that exists all the same, if any.
func (c *accountCreation) refuse(
	ctx context.Context,
	p access.Principal,
	format string,
	args ...any,
) (wire.CreateResult, error) {
	return c.recordProof(ctx, wire.CreateResult{
		Proof: c.proof(access.NotApplied, p), Refused: true, Message: fmt.Sprintf(format, args...),
	})
}

func (c *accountCreation) proof(outcome access.Outcome, p access.Principal) access.Proof {
	out := access.Proof{
		Op: c.does, Key: c.in.Key, Outcome: outcome, Reads: append([]access.Read{}, c.reads...),
		Before: access.Holdings{}.Normal(), After: p.Holdings(),
	}
	if outcome == access.AlreadyHeld {
		out.Before = out.After
	}
	for _, d := range c.calls {
		out.Writes = append(out.Writes, d.Write)
	}
	if outcome == access.Created {
		out.Made = new(p.Ref())
		out.Made.Name, out.Made.Email = c.want.Name, c.want.Email
	}
	return out
}

// isFinal says that a retry cannot succeed.
func isFinal(err error) bool { return fault.KindOf(err).Final() }
