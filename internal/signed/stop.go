package signed

import (
	"cmp"
	"context"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// Stop verifies a message that stops a request or decides about a sync, and writes it into
// the ledger, whether it counts or not. Doing it again gives the first answer.
func (c Checker) Stop(ctx context.Context, in wire.StopActivityInput) (wire.StopResult, error) {
	return c.StopIf(ctx, in, func(access.Stop) (string, error) { return "", nil })
}

// StopIf is [Checker.Stop] for a message that may be refused for another reason than its
// signature, which refuse gives, or "". The signature in its argument is verified.
func (c Checker) StopIf(
	ctx context.Context, in wire.StopActivityInput, refuse func(access.Stop) (string, error),
) (wire.StopResult, error) {
	run := ledger.Run{Request: in.Request.ID, ID: in.Request.Run}
	body := ledger.Stop{Stop: in.Stop, Refusal: in.Refusal}
	body.Signed = access.Unsigned
	key := run.StopKey(in.Stop, in.Refusal)
	required, err := c.Required(ctx, run)
	if err != nil {
		return wire.StopResult{}, err
	}
	switch {
	case required && in.Stop.Signature != "":
		fingerprint, refusal, err := c.Verify(ctx, run.Request, Message{
			Statement: signing.OfStop(run.Request, run.ID, in.Stop), Signature: in.Stop.Signature, At: in.Stop.At,
			Use: key,
		})
		if err != nil {
			return wire.StopResult{}, err
		}
		body.Signed = cmp.Or(fingerprint, access.Unsigned)
		body.Refusal = cmp.Or(body.Refusal, refusal)
	case required:
		body.Refusal = cmp.Or(body.Refusal,
			fmt.Sprintf("a signature is required: %s with `starter %[1]s`, which signs", in.Stop.Action))
	}
	if body.Refusal == "" {
		if body.Refusal, err = refuse(body.Stop); err != nil {
			return wire.StopResult{}, err
		}
	}
	// The entry has the time of the append: that in the input is what a caller says.
	entries, err := c.Store.Append(ctx, c.Console, ledger.NewEntry{Request: run.Request, Key: key, Body: body})
	if err != nil {
		return wire.StopResult{}, fmt.Errorf("cannot record who wants to %s %s: %w", in.Stop.Action, run.Request, err)
	}
	kept, err := ledger.DecodeAs[ledger.Stop](entries[0])
	if required && kept.Signed == access.Unsigned { // it may have counted before signatures were required
		kept.Refusal = cmp.Or(kept.Refusal, body.Refusal)
	}
	return wire.StopResult{Signed: kept.Signed, Refusal: kept.Refusal}, err
}
