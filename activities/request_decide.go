package activities

import (
	"context"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// Decide writes a decision into the ledger, whether it counts or not. Doing it again
// gives the first answer.
func (r *Request) Decide(ctx context.Context, in wire.DecideInput) (wire.DecideResult, error) {
	defer attempt.KeepAlive(ctx)()
	run, err := r.runs.requestRun(ctx, in.Request)
	if err != nil {
		return wire.DecideResult{}, err
	}
	if err := limitsOf(in); err != nil {
		return wire.DecideResult{}, kinds.New(kinds.Invalid, err)
	}
	entry := ledger.Decision{Decision: in.Decision, Refusal: in.Refusal}
	entry.Decision.Signed = access.Unsigned
	if err := r.findDelegation(ctx, in, &entry); err != nil {
		return wire.DecideResult{}, err
	}
	refusal := "" // by the workflow, unless a delegation answers it
	if entry.Refusal != "" {
		refusal = in.Refusal
	}
	key := run.DecisionKey(in.Decision, refusal)
	if err := r.checkSignature(ctx, in, key, &entry); err != nil {
		return wire.DecideResult{}, err
	}
	if err := r.checkSoD(ctx, in, &entry); err != nil {
		return wire.DecideResult{}, err
	}
	if err := r.checkFrozen(ctx, run, &entry); err != nil {
		return wire.DecideResult{}, err
	}
	entries, err := r.store.Append(ctx, r.console.Console(), ledger.NewEntry{
		Request: in.Request.ID, Key: ledger.DecisionEntryKey(key, in.Number), At: r.now().UTC(), Body: entry,
	})
	if err != nil {
		return wire.DecideResult{}, fmt.Errorf("cannot record the decision on %s: %w", in.Request.ID, err)
	}
	kept, err := ledger.DecodeAs[ledger.Decision](entries[0])
	if err != nil {
		return wire.DecideResult{}, err
	}
	d := kept.Decision
	return wire.DecideResult{
		Entry: entries[0].Seq, Signed: d.Signed, Refusal: kept.Refusal,
		OnBehalfOf: d.OnBehalfOf, Delegation: d.Delegation,
	}, nil
}

// limitsOf holds a decision to the limits of the update: whoever reaches the namespace can have the activity run.
func limitsOf(in wire.DecideInput) error {
	d := in.Decision
	return errors.Join(access.Length("refusal", in.Refusal, access.MaxReasonBytes), wire.DecisionInput{
		By: d.By, Comment: d.Comment, PlanHash: d.PlanHash, Signature: d.Signature,
	}.Limits())
}

// checkFrozen refuses to approve an extension while giving access is frozen: a later end is given access too.
func (r *Request) checkFrozen(ctx context.Context, run ledger.Run, entry *ledger.Decision) error {
	if entry.Refusal != "" || entry.Decision.Action != approval.Approve {
		return nil
	}
	entries, err := r.store.LedgerOfRun(ctx, r.console.Console(), run)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Kind != ledger.KindExtensionRequest {
			continue
		}
		asked, err := ledger.DecodeAs[ledger.ExtensionRequest](e)
		if err != nil {
			return err
		}
		if asked.Extension.Hash == entry.Decision.PlanHash {
			entry.Refusal, err = r.frozenExtension(ctx)
			return err
		}
	}
	return nil
}
