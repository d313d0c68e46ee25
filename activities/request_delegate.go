package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
)

// EntryDelegation is the kind of a ledger entry about decisions that are handed to
// another, one that does not count included.
const EntryDelegation = "delegation"

// DelegateInput hands a person's decisions to another.
type DelegateInput struct {
	Request RequestInfo `json:"request"` // by which it came
	// Delegation is what was asked. Console, if given, must be the one the worker serves;
	// Run is given where it is part of what is signed.
	Delegation access.Delegation `json:"delegation"`
	// Number counts the delegations of this request, from 0.
	Number int `json:"number"`
	// Refusal says why it does not count; "" if it may.
	Refusal string `json:"refusal,omitempty"`
}

// DelegateResult is what was kept, or why it was not.
type DelegateResult struct {
	Delegation access.Delegation `json:"delegation"`
	Refusal    string            `json:"refusal,omitempty"`
}

// delegationEntry is what the ledger keeps of a delegation.
type delegationEntry struct {
	access.Delegation

	// Of says which message it was, apart from what it said.
	Of      string `json:"of"`
	Refusal string `json:"refusal,omitempty"`
}

// Delegate writes a delegation into the ledger, whether it counts or not, and keeps one
// that counts where decisions look it up. Doing it again gives the first answer. What was
// signed counts once: shown again, by whatever way, it is refused.
func (r *Request) Delegate(ctx context.Context, in DelegateInput) (DelegateResult, error) {
	defer keepAlive(ctx, nothing)()
	d := in.Delegation
	if d.Console != "" && d.Console != r.console.Console() {
		return DelegateResult{}, otherConsole("delegation", d.Console, r.console.Console())
	}
	d.Console, d.Request, d.Signed = r.console.Console(), in.Request.ID, access.Unsigned
	entry := delegationEntry{
		Delegation: d, Refusal: in.Refusal, Of: in.Request.key(fmt.Sprintf("%s/%d", EntryDelegation, in.Number)),
	}
	if err := r.checkDelegation(ctx, &entry); err != nil {
		return DelegateResult{}, err
	}
	kept, seq, err := r.fileDelegation(ctx, entry)
	if err != nil {
		return DelegateResult{}, fmt.Errorf("write the delegation of %s: %w", d.By, err)
	}
	if kept.Refusal == "" {
		if err := r.store.KeepDelegation(ctx, seq, kept.Delegation); err != nil {
			return DelegateResult{}, err
		}
	}
	return DelegateResult{Delegation: kept.Delegation, Refusal: kept.Refusal}, nil
}

// checkDelegation says of one that would count why it does not. It is an error only
// where that cannot be told.
func (r *Request) checkDelegation(ctx context.Context, entry *delegationEntry) error {
	if entry.Refusal != "" {
		return nil
	}
	if r.signers != nil {
		fingerprint, why := r.delegationSignedBy(entry.Delegation)
		if _, unreadable := errors.AsType[*signing.FileError](why); unreadable {
			return fmt.Errorf("the signature on %s cannot be checked: %w", entry.Request, why)
		}
		entry.Signed = fingerprint
		if why != nil {
			entry.Signed, entry.Refusal = access.Unsigned, why.Error()
		}
	}
	if entry.Refusal != "" || !entry.TakesBack() {
		return nil
	}
	earlier, err := r.store.Delegations(ctx, store.DelegationsQuery{
		Console: entry.Console, At: entry.At, By: []string{entry.By}, To: entry.To,
	})
	if err == nil && len(earlier) == 0 {
		entry.Refusal = fmt.Sprintf("there is nothing to take back: %s has handed no decisions to %s",
			entry.By, entry.To)
	}
	return err
}

func (r *Request) delegationSignedBy(d access.Delegation) (string, error) {
	if d.Signature != "" {
		if err := signing.OfDelegation(d).Timely(d.At); err != nil {
			return "", err
		}
	}
	verified, err := r.signers.HoldsDelegation(d)
	return verified.Fingerprint, err
}

// fileDelegation puts it into the ledger. An entry that counts stands under what was
// signed, where something was, so that there is one of it; where another message has
// used that already, this one is refused.
func (r *Request) fileDelegation(
	ctx context.Context, entry delegationEntry,
) (kept *delegationEntry, seq int64, err error) {
	used := ""
	if r.signers != nil && entry.Signature != "" {
		sum := sha256.Sum256(signing.OfDelegation(entry.Delegation).Canonical())
		used = EntryDelegation + "/" + hex.EncodeToString(sum[:])
	}
	key, unless := entry.Of, used
	if entry.Refusal == "" && used != "" {
		key, unless = used, entry.Of
	}
	kept, seq, err = r.appendDelegation(ctx, entry, key, unless)
	if err != nil || kept.Of == entry.Of {
		return kept, seq, err
	}
	if entry.Refusal == "" {
		entry.Refusal = "what was signed has been used already, at " + kept.At.UTC().Format(time.RFC3339) +
			": sign anew with `starter delegate`"
	}
	entry.Signed = access.Unsigned
	return r.appendDelegation(ctx, entry, entry.Of, "")
}

func (r *Request) appendDelegation(
	ctx context.Context, entry delegationEntry, key, unless string,
) (*delegationEntry, int64, error) {
	entries, err := r.store.Append(ctx, entry.Console, store.NewLedgerEntry{
		Request: entry.Request, Kind: EntryDelegation, Key: key, At: entry.At, Body: entry, Unless: unless,
	})
	if err != nil {
		return nil, 0, err
	}
	kept, err := decodeEntry[delegationEntry](entries[0])
	return kept, entries[0].Seq, err
}
