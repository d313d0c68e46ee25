package activities

import (
	"context"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// EntryDecision is the kind of a ledger entry about a decision, one that does not
// count included.
const EntryDecision = "decision"

// DecideInput is one person's word on a request.
type DecideInput struct {
	Request  RequestInfo     `json:"request"`
	Decision access.Decision `json:"decision"`
	// Number counts the decisions of this request, from 0.
	Number int `json:"number"`
	// Refusal says why it does not count; "" if it may.
	Refusal string `json:"refusal,omitempty"`
	// Duties are what an approval is held against, where the plan has such rules.
	Duties *Duties `json:"duties,omitempty"`
	// Delegators are the people who may decide here and have not. Where one of them has
	// handed the decision to By, it counts for them, and Refusal does not stand.
	Delegators []string `json:"delegators,omitempty"`
}

// key is of the entry in the ledger.
func (in DecideInput) key() string {
	return in.Request.key(fmt.Sprintf("%s/%d", EntryDecision, in.Number))
}

// DecideResult says whether it counts.
type DecideResult struct {
	Signed  string `json:"signed"`
	Refusal string `json:"refusal,omitempty"`
	// OnBehalfOf is who had handed it to whoever decided; Delegation is by what.
	OnBehalfOf string             `json:"onBehalfOf,omitempty"`
	Delegation *access.Delegation `json:"delegation,omitempty"`
}

// decisionEntry is what the ledger keeps of a decision.
type decisionEntry struct {
	access.Decision

	Refusal string `json:"refusal,omitempty"`
}

// Decide writes a decision into the ledger, whether it counts or not. Doing it again
// gives the first answer.
func (r *Request) Decide(ctx context.Context, in DecideInput) (DecideResult, error) {
	defer keepAlive(ctx, nothing)()
	entry := decisionEntry{Decision: in.Decision, Refusal: in.Refusal}
	entry.Signed = access.Unsigned
	if err := r.speakFor(ctx, in, &entry); err != nil {
		return DecideResult{}, err
	}
	if err := r.checkSignature(ctx, in, &entry); err != nil {
		return DecideResult{}, err
	}
	if err := r.checkDuties(ctx, in, &entry); err != nil {
		return DecideResult{}, err
	}
	entries, err := r.store.Append(ctx, r.console.Console(), store.NewLedgerEntry{
		Request: in.Request.ID, Kind: EntryDecision, At: in.Decision.At, Body: entry,
		Key: in.key(),
	})
	if err != nil {
		return DecideResult{}, fmt.Errorf("write the decision on %s: %w", in.Request.ID, err)
	}
	kept, err := decodeEntry[decisionEntry](entries[0])
	if err != nil {
		return DecideResult{}, err
	}
	return DecideResult{
		Signed: kept.Signed, Refusal: kept.Refusal, OnBehalfOf: kept.OnBehalfOf, Delegation: kept.Delegation,
	}, nil
}
