package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Delegate writes a delegation into the ledger, whether it counts or not, and keeps one
// that counts where decisions look it up. Doing it again gives the first answer. What was
// signed counts once: shown again, by whatever way, it is refused.
func (r *Request) Delegate(ctx context.Context, in wire.DelegateInput) (wire.DelegateResult, error) {
	defer attempt.KeepAlive(ctx)()
	if _, err := r.runs.requestRun(ctx, in.Request); err != nil {
		return wire.DelegateResult{}, err
	}
	d := in.Delegation
	if err := attempt.CheckConsole("delegation", d.Console, r.console.Console()); err != nil {
		return wire.DelegateResult{}, err
	}
	d.Console, d.Request, d.Signed = r.console.Console(), in.Request.ID, access.Unsigned
	entry := ledger.Delegation{Delegation: d, Message: runOf(in.Request).DelegationKey()}
	if err := r.checkDelegation(ctx, &entry); err != nil {
		return wire.DelegateResult{}, err
	}
	kept, seq, err := r.recordDelegation(ctx, entry)
	if err != nil {
		return wire.DelegateResult{}, fmt.Errorf("cannot record the delegation of %s: %w", d.By, err)
	}
	if kept.Refusal == "" {
		if err := r.store.KeepDelegation(ctx, seq, kept.Delegation); err != nil {
			return wire.DelegateResult{}, err
		}
	}
	return wire.DelegateResult{Delegation: kept.Delegation, Refusal: kept.Refusal}, nil
}

// checkDelegation says of one that would count why it does not. It is an error only
// where that cannot be told.
func (r *Request) checkDelegation(ctx context.Context, entry *ledger.Delegation) error {
	d := &entry.Delegation
	if r.signers != nil {
		fingerprint, why := r.delegationSignedBy(ctx, entry.Delegation)
		if _, unreadable := errors.AsType[*signing.FileError](why); unreadable {
			return fmt.Errorf("cannot check the signature on %s: %w", d.Request, why)
		}
		d.Signed = fingerprint
		if why != nil {
			d.Signed, entry.Refusal = access.Unsigned, why.Error()
		}
	}
	if entry.Refusal != "" || !d.TakesBack() {
		return nil
	}
	earlier, err := r.store.Delegations(ctx, store.DelegationsQuery{
		Console: d.Console, At: d.At, By: []string{d.By}, To: d.To,
	})
	if err == nil && len(earlier) == 0 {
		entry.Refusal = fmt.Sprintf("no delegation to end: %s has not delegated to %s",
			d.By, d.To)
	}
	return err
}

func (r *Request) delegationSignedBy(ctx context.Context, d access.Delegation) (string, error) {
	if d.Signature != "" {
		if err := signing.OfDelegation(d).CheckAge(arrived(ctx, d.At)); err != nil {
			return "", err
		}
	}
	verified, err := r.signers.VerifyDelegation(d)
	return verified.Fingerprint, err
}

// recordDelegation puts it into the ledger. An entry that counts stands under what was
// signed, where something was, so that there is one of it; where another message has
// used that already, this one is refused.
func (r *Request) recordDelegation(
	ctx context.Context, entry ledger.Delegation,
) (kept ledger.Delegation, seq int64, err error) {
	used := ""
	if r.signers != nil && entry.Delegation.Signature != "" {
		used = ledger.SignedDelegationKey(signing.OfDelegation(entry.Delegation).Canonical())
	}
	key, unless := entry.Message, used
	if entry.Refusal == "" && used != "" {
		key, unless = used, entry.Message
	}
	kept, seq, err = r.appendDelegation(ctx, entry, key, unless)
	if err != nil || kept.Message == entry.Message {
		return kept, seq, err
	}
	if entry.Refusal == "" {
		entry.Refusal = "the signature was already used at " + kept.Delegation.At.UTC().Format(time.RFC3339) +
			": sign again with `starter delegate`"
	}
	entry.Delegation.Signed = access.Unsigned
	return r.appendDelegation(ctx, entry, entry.Message, "")
}

func (r *Request) appendDelegation(
	ctx context.Context, entry ledger.Delegation, key, unless string,
) (ledger.Delegation, int64, error) {
	d := entry.Delegation
	entries, err := r.store.Append(ctx, d.Console, ledger.NewEntry{
		Request: d.Request, Key: key, At: d.At, Body: entry, Unless: unless,
	})
	if err != nil {
		return entry, 0, err
	}
	kept, err := ledger.DecodeAs[ledger.Delegation](entries[0])
	return kept, entries[0].Seq, err
}
