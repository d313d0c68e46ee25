package wire

import (
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// UpdateID is the id of the update that sends the change. The same id attaches to the update
// that was sent before.
func (in ApplyInput) UpdateID() string {
	if in.Try == 0 {
		return in.Change.Key
	}
	return fmt.Sprintf("%s/%d", in.Change.Key, in.Try)
}

// DecideInput is the input of [DecideActivity]: one decision on a request.
type DecideInput struct {
	Request  RequestInfo     `json:"request"`
	Decision access.Decision `json:"decision"`
	// Number counts the decisions of this request, from 0.
	Number int `json:"number"`
	// Refusal says why the decision does not count, by the workflow's rules; "" if it may.
	Refusal string `json:"refusal,omitempty"`
	// SoD is what to check for separation of duties; nil if the plan has no such rules.
	SoD *SoDCheck `json:"sod,omitempty"`
	// Delegators are the eligible people who have not decided. If one of them has delegated to
	// Decision.By, the decision counts for them, and Refusal is dropped.
	Delegators []string `json:"delegators,omitempty"`
}

// DecideResult says whether the decision counts.
type DecideResult struct {
	Signed  string `json:"signed"`            // fingerprint of the key, or [access.Unsigned]
	Refusal string `json:"refusal,omitempty"` // "" if it counts
	// OnBehalfOf is the delegator in whose place the approver decided, by Delegation; "" and
	// nil for a decision in their own name.
	OnBehalfOf string             `json:"onBehalfOf,omitempty"`
	Delegation *access.Delegation `json:"delegation,omitempty"`
	// Entry is the number of the decision's entry in the ledger; 0 from version 0.4.0.
	Entry int64 `json:"entry,omitempty"`
}

// DelegateInput is the input of [DelegateActivity], which records a delegation.
type DelegateInput struct {
	Request RequestInfo `json:"request"` // the workflow Delegate
	// Delegation is what was requested. Its console, if given, must be the one that the worker
	// serves.
	Delegation access.Delegation `json:"delegation"`
}

// DelegateResult is the delegation as recorded, and why it does not count ("" if it does).
type DelegateResult struct {
	Delegation access.Delegation `json:"delegation"`
	Refusal    string            `json:"refusal,omitempty"`
}

// SoDCheck is what an approval checks for separation of duties: whether the principal holds a
// role that it may not hold together with the requested one.
type SoDCheck struct {
	Principal access.PrincipalRef `json:"principal"`
	Change    access.Change       `json:"change"`
}

// RequestInfo says which request an activity works for.
type RequestInfo struct {
	ID        string    `json:"id"`  // workflow id, such as grant/INC-42
	Run       string    `json:"run"` // original run id: an id may be used again
	StartedAt time.Time `json:"startedAt"`
}

// PlanInput is the input of [PlanActivity].
type PlanInput struct {
	Request RequestInfo `json:"request"`
	// Console, if given, must be the one that the worker serves: its host and port, if any.
	Console   string                   `json:"console,omitempty"`
	Op        access.Op                `json:"op"`
	Principal access.PrincipalSelector `json:"principal"`
	Role      access.RoleSelector      `json:"role"`
	Scope     access.ScopeSelector     `json:"scope"`
	// Scopes are the scopes of a request that lists several; Scope is then empty.
	Scopes []access.ScopeSelector `json:"scopes,omitempty"`
	Terms  access.Terms           `json:"terms"`
	// Account is the account to create, and Principal is empty; nil for other requests.
	Account *access.NewAccount `json:"account,omitempty"`
	// Rotation is the token to make, of a rotation; nil for other requests.
	Rotation *access.TokenRotation `json:"rotation,omitempty"`
	// Signature is the requester's, as sent; nil without one.
	Signature *access.RequestSignature `json:"signature,omitempty"`
	// Round counts the plans of the request, from 0.
	Round int `json:"round,omitempty"`
	// Policy is the hash of the policy that the previous plan followed. It is not believed: a
	// later plan follows the policy of the first one in the ledger.
	Policy string `json:"policy,omitempty"`
	// Decisions are those on earlier plans, for the receipt of a request that is refused now.
	Decisions []access.Decision `json:"decisions,omitempty"`
	// DryRun makes the plan only and records nothing in the ledger.
	DryRun bool `json:"dryRun,omitempty"`
}

// PlanResult is the plan and, if the plan refuses the request, the receipt.
type PlanResult struct {
	Plan    access.Plan     `json:"plan"`
	Receipt *access.Receipt `json:"receipt,omitempty"`
	// Signature is the requester's, if the worker verifies signatures and this one holds; else
	// nil.
	Signature *access.RequestSignature `json:"signature,omitempty"`
	// Notify says that the worker has receivers for notifications.
	Notify bool `json:"notify,omitempty"`
	// SignaturesRequired says that what people send to the request must be signed, for as long
	// as it runs: the worker had allowed signers when the request was planned first.
	SignaturesRequired bool `json:"signaturesRequired,omitempty"`
	// Indexed says that the Temporal server knows our search attributes.
	Indexed bool `json:"indexed,omitempty"`
	// Delegations are those in force from people whom the plan asks, at most [MaxDelegations]: for
	// the status, which asks no store. A decision looks them up again.
	Delegations []access.Delegation `json:"delegations,omitempty"`
}

// MaxDelegations is how many delegations a [PlanResult] has at most.
const MaxDelegations = 50

// ApplyInput is the input of [ApplyActivity]: a change and, if it is the last one, what the
// receipt needs.
type ApplyInput struct {
	Request RequestInfo   `json:"request"`
	Writer  Writer        `json:"writer"`
	Change  ChangeRequest `json:"change"`
	// Try counts from 0. Temporal keeps the answer to an update, so asking the writer again
	// needs another number.
	Try int `json:"try,omitempty"`
	// Extension is recorded in the ledger, if the change extends access; else nil.
	Extension *access.Extension `json:"extension,omitempty"`
	// Close requests the receipt once the change is proven; nil: no receipt yet.
	Close *CloseInput `json:"close,omitempty"`
}

// ApplyResult is the proof of a change and, with [ApplyInput.Close], the receipt.
type ApplyResult struct {
	ChangeAnswer

	Receipt *access.Receipt `json:"receipt,omitempty"`
}

// CloseInput is the input of [CloseActivity]: what the workflow knows of what the receipt contains. The
// receipt itself is made from the ledger. Proofs are summed up: see [access.Proof.Summary]. In
// [ApplyInput.Close] the last proof is still missing.
type CloseInput struct {
	Request RequestInfo    `json:"request"`
	Plan    access.Plan    `json:"plan"`
	State   string         `json:"state"`
	Message string         `json:"message,omitempty"`
	Proofs  []access.Proof `json:"proofs,omitempty"`
	// Decisions are those that counted when they were taken.
	Decisions  []access.Decision  `json:"decisions,omitempty"`
	Extensions []access.Extension `json:"extensions,omitempty"`
	// Stop is who cancelled the request or ended its access; nil if nobody did.
	Stop *access.Stop `json:"stop,omitempty"`
	// Signature is the requester's, if it was verified.
	Signature *access.RequestSignature `json:"signature,omitempty"`
	// Releases says that the workflow releases the access of the request, if told so, and closes then.
	Releases bool `json:"releases,omitempty"`
}

// CloseResult is the receipt of a finished request.
type CloseResult struct {
	Receipt access.Receipt `json:"receipt"`
	// Release is the plan by which the request gave access that nothing has released: there is no receipt before that.
	// nil if there is none to release.
	Release *access.Plan `json:"release,omitempty"`
}
