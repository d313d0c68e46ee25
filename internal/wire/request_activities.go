package wire

import (
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// updateID makes repeating the question attach to the first one.
func (in ApplyInput) UpdateID() string {
	if in.Try == 0 {
		return in.Change.Key
	}
	return fmt.Sprintf("%s/%d", in.Change.Key, in.Try)
}

// DecideInput is one person's word on a request.
type DecideInput struct {
	Request  RequestInfo     `json:"request"`
	Decision access.Decision `json:"decision"`
	// Number counts the decisions of this request, from 0.
	Number int `json:"number"`
	// Refusal says why it does not count; "" if it may.
	Refusal string `json:"refusal,omitempty"`
	// Duties are what an approval is held against, where the plan has such rules.
	SoD *SoDCheck `json:"sod,omitempty"`
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

// DelegateInput hands a person's decisions to another.
type DelegateInput struct {
	Request RequestInfo `json:"request"` // by which it came
	// Delegation is what was asked. Console, if given, must be the one the worker serves.
	Delegation access.Delegation `json:"delegation"`
}

// DelegateResult is what was kept, or why it was not.
type DelegateResult struct {
	Delegation access.Delegation `json:"delegation"`
	Refusal    string            `json:"refusal,omitempty"`
}

// SoDCheck are what an approval is held against: roles that nobody may hold beside the one
// that is asked for.
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

// PlanInput asks what a request would do.
type PlanInput struct {
	Request RequestInfo `json:"request"`
	// Console, if given, must be the one the worker serves.
	Console   string                   `json:"console,omitempty"`
	Op        access.Op                `json:"op"`
	Principal access.PrincipalSelector `json:"principal"`
	Role      access.RoleSelector      `json:"role"`
	Scope     access.ScopeSelector     `json:"scope"`
	Terms     access.Terms             `json:"terms"`
	// Account is who is to be made; Principal is empty then.
	Account *access.NewAccount `json:"account,omitempty"`
	// Signature is the requester's, as sent; nil without one.
	Signature *access.RequestSignature `json:"signature,omitempty"`
	// Round counts the plans of the request, from 0.
	Round int `json:"round,omitempty"`
	// Policy is the hash of the policy that the plan before this one followed, which this
	// one follows too; the worker's, if empty.
	Policy string `json:"policy,omitempty"`
	// Decisions are people's on earlier plans, for the receipt of a request that is refused
	// now.
	Decisions []access.Decision `json:"decisions,omitempty"`
	// DryRun asks for the plan alone: the ledger learns nothing.
	DryRun bool `json:"dryRun,omitempty"`
}

// PlanResult is the plan; with a refusal in it, also the receipt.
type PlanResult struct {
	Plan    access.Plan     `json:"plan"`
	Receipt *access.Receipt `json:"receipt,omitempty"`
	// Signature is the requester's, if it was asked for and holds.
	Signature *access.RequestSignature `json:"signature,omitempty"`
	// Notify says that people are to be told of what happens.
	Notify bool `json:"notify,omitempty"`
	// Indexed says that the server knows our search attributes.
	Indexed bool `json:"indexed,omitempty"`
}

// ApplyInput asks for a change and, if it is the last one, for the receipt.
type ApplyInput struct {
	Request RequestInfo   `json:"request"`
	Writer  Writer        `json:"writer"`
	Change  ChangeRequest `json:"change"`
	// Try counts from 0: an answer is final, and asking anew needs another one.
	Try int `json:"try,omitempty"`
	// Extension is who moves the end, where the change is that; the ledger learns it.
	Extension *access.Extension `json:"extension,omitempty"`
	// Close asks for the receipt when the change is proven.
	Close *CloseInput `json:"close,omitempty"`
}

// ApplyResult is the proof of a change.
type ApplyResult struct {
	ChangeAnswer

	Receipt *access.Receipt `json:"receipt,omitempty"`
}

// CloseInput is what a receipt is made of, besides the last proof.
type CloseInput struct {
	Request RequestInfo    `json:"request"`
	Plan    access.Plan    `json:"plan"`
	State   string         `json:"state"`
	Message string         `json:"message,omitempty"`
	Proofs  []access.Proof `json:"proofs,omitempty"`
	// Decisions are people's.
	Decisions  []access.Decision  `json:"decisions,omitempty"`
	Extensions []access.Extension `json:"extensions,omitempty"`
	// Signature is the requester's, if it was verified.
	Signature *access.RequestSignature `json:"signature,omitempty"`
}

// CloseResult is the evidence of a finished request.
type CloseResult struct {
	Receipt access.Receipt `json:"receipt"`
}
