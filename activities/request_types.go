package activities

import (
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// RequestInfo says which request an activity works for.
type RequestInfo struct {
	ID        string    `json:"id"`  // workflow id, such as grant/INC-42
	Run       string    `json:"run"` // original run id: an id may be used again
	StartedAt time.Time `json:"startedAt"`
}

// runOf is the request's run, as keys of the ledger name it.
func runOf(r RequestInfo) ledger.Run { return ledger.Run{Request: r.ID, ID: r.Run} }

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

// Writer says where the one writer of a principal is reached. The names come from
// package workflows, which spells them.
type Writer struct {
	WorkflowID   string `json:"workflowId"`
	WorkflowType string `json:"workflowType"`
	Update       string `json:"update"`
	TaskQueue    string `json:"taskQueue"`
	// Start is the input of a writer that is not running.
	Start WriterStart `json:"start"`
}

// WriterStart says whose writer it is.
type WriterStart struct {
	Console string      `json:"console"`
	Kind    access.Kind `json:"kind"`
	ID      string      `json:"id"`
}

// ChangeRequest asks the one writer of a principal for a change.
type ChangeRequest struct {
	// Key makes repeating the change do nothing.
	Key     string        `json:"key"`
	Request string        `json:"request"` // workflow id it is for
	Change  access.Change `json:"change"`
	// Expect is what people saw when they consented; if the principal holds something
	// else now, nothing is done.
	Expect *access.Holdings `json:"expect,omitempty"`
	// Given is the proof of what is to be released, for a writer that has lost it.
	Given *access.Proof `json:"given,omitempty"`
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

// WriteInput is one change for the console.
type WriteInput struct {
	Writer    WriterStart           `json:"writer"`
	Change    ChangeRequest         `json:"change"`
	Ownership access.OwnershipState `json:"ownership"`
	// Stopped are changes that were stopped in the middle: what they have sent may be on
	// the console, and is theirs.
	Stopped []ChangeRequest `json:"stopped,omitempty"`
}

// WriteResult is what became of it.
type WriteResult struct {
	Proof access.Proof          `json:"proof"`
	Next  access.OwnershipState `json:"next"`
	// Message says why nothing was done, where the outcome is a refusal.
	Message string `json:"message,omitempty"`
	// From is what was known before, by digest.
	From string `json:"from"`
	// Recalled says that the change was carried out before, by a writer that knew
	// other things than this one: Next is not the newest then.
	Recalled bool `json:"recalled,omitempty"`
}

// ConfirmInput asks to look once more.
type ConfirmInput struct {
	Writer    WriterStart           `json:"writer"`
	Request   string                `json:"request"`
	Ownership access.OwnershipState `json:"ownership"`
}

// ConfirmResult is what was seen. Nothing is learned from it: a console that is slow to
// show writes may show something old here.
type ConfirmResult struct {
	Read  access.Read `json:"read"`
	Drift []string    `json:"drift,omitempty"` // by hand, unless what was read is old
}

// ChangeAnswer is what the one writer of a principal says to a change.
type ChangeAnswer struct {
	Proof   access.Proof `json:"proof"`
	Message string       `json:"message,omitempty"` // of a refusal
}
