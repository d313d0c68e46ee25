package wire

import (
	"sentinelone-provisioner/internal/access"
)

// Refused says that nothing was done because a rule forbids it.
func (a ChangeAnswer) Refused() bool { return a.Proof.Outcome.Refused() }

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
	// GrantProof proves the grant that a release ends, for a writer that no longer knows its lease.
	GrantProof *access.Proof `json:"grantProof,omitempty"`
}

// WriteInput is one change for the console.
type WriteInput struct {
	Writer    WriterStart           `json:"writer"`
	Change    ChangeRequest         `json:"change"`
	Ownership access.OwnershipState `json:"ownership"`
	// Preempted are changes that a release interrupted: what they sent may have reached the
	// console, and then belongs to them.
	Preempted []ChangeRequest `json:"preempted,omitempty"`
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

// PrincipalInput says whose writer it is, and what is known from the run before.
type PrincipalInput struct {
	WriterStart

	Ownership access.OwnershipState `json:"ownership"`
	Holders   []LeaseHolder         `json:"holders,omitempty"`
}

// LeaseHolder is the request that holds a lease.
type LeaseHolder struct {
	Lease   string       `json:"lease"`
	Request string       `json:"request"` // workflow id
	Answer  ChangeAnswer `json:"answer"`  // to its acquisition
	// Rules are the request's, for the end of a lease that it does not come for.
	Rules access.Rules `json:"rules,omitzero"`
}

// PrincipalStatus answers [StatusQuery] on a Principal.
type PrincipalStatus struct {
	WriterStart

	Busy      bool                  `json:"busy"`
	Waiting   int                   `json:"waiting"` // changes behind the one under way
	Ownership access.OwnershipState `json:"ownership"`
	Holders   []LeaseHolder         `json:"holders"`
}
