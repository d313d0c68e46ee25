package activities

import (
	"context"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

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

// DecideResult says whether it counts.
type DecideResult struct {
	Signed  string `json:"signed"`
	Refusal string `json:"refusal,omitempty"`
	// OnBehalfOf is who had handed it to whoever decided; Delegation is by what.
	OnBehalfOf string             `json:"onBehalfOf,omitempty"`
	Delegation *access.Delegation `json:"delegation,omitempty"`
}

// Decide writes a decision into the ledger, whether it counts or not. Doing it again
// gives the first answer.
func (r *Request) Decide(ctx context.Context, in DecideInput) (DecideResult, error) {
	defer keepAlive(ctx, nothing)()
	entry := ledger.Decision{Decision: in.Decision, Refusal: in.Refusal}
	entry.Decision.Signed = access.Unsigned
	if err := r.findDelegation(ctx, in, &entry); err != nil {
		return DecideResult{}, err
	}
	if err := r.checkSignature(ctx, in, &entry); err != nil {
		return DecideResult{}, err
	}
	if err := r.checkDuties(ctx, in, &entry); err != nil {
		return DecideResult{}, err
	}
	entries, err := r.store.Append(ctx, r.console.Console(), ledger.NewEntry{
		Request: in.Request.ID, Key: runOf(in.Request).DecisionKey(in.Number), At: in.Decision.At, Body: entry,
	})
	if err != nil {
		return DecideResult{}, fmt.Errorf("write the decision on %s: %w", in.Request.ID, err)
	}
	kept, err := ledger.DecodeAs[ledger.Decision](entries[0])
	if err != nil {
		return DecideResult{}, err
	}
	d := kept.Decision
	return DecideResult{
		Signed: d.Signed, Refusal: kept.Refusal, OnBehalfOf: d.OnBehalfOf, Delegation: d.Delegation,
	}, nil
}
