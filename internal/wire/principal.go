package wire

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// Writer says how to reach a principal's writer: its workflow, the update that takes changes,
// and the task queue.
type Writer struct {
	WorkflowID   string `json:"workflowId"`
	WorkflowType string `json:"workflowType"`
	Update       string `json:"update"`
	TaskQueue    string `json:"taskQueue"`
	// Start identifies the principal, for starting a writer that is not running.
	Start WriterStart `json:"start"`
}

// WriterStart identifies the principal of a writer.
type WriterStart struct {
	Console string      `json:"console"`
	Kind    access.Kind `json:"kind"`
	ID      string      `json:"id"`
}

// ChangeRequest is the payload of [ChangeUpdate]: one change for a principal's writer.
type ChangeRequest struct {
	// Key identifies the change: sending it again changes nothing more.
	Key     string        `json:"key"`
	Request string        `json:"request"` // workflow id it is for
	Change  access.Change `json:"change"`
	// Effect is the approved effect. If the change would do more now, nothing is written and the
	// outcome is [access.PlanChanged]; nil skips the comparison.
	Effect *access.Effect `json:"effect,omitempty"`
	// Expect is what the principal held in an approved plan without an effect. If it holds
	// something else now, nothing is written, as with Effect; nil skips the comparison.
	Expect *access.Holdings `json:"expect,omitempty"`
	// GrantProof sums up the proof of the grant that a release ends; nil if the request knows of
	// none: see [access.Proof.Summary].
	GrantProof *access.Proof `json:"grantProof,omitempty"`
	// Waiter is the activity that waits for the answer; nil for one that polls.
	Waiter *Waiter `json:"waiter,omitempty"`
}

// Waiter is an activity that waits for the answer of a principal's writer and holds no slot of a worker meanwhile.
type Waiter struct {
	WorkflowID string `json:"workflowId"`
	RunID      string `json:"runId"`
	ActivityID string `json:"activityId"`
}

// An activity that sends a change waits for the answer to a change that takes AnswerSoon at most. After a change that
// took WakeAfter or longer, the writer wakes it. The two overlap, since the writer's clock starts a little earlier.
const (
	AnswerSoon = 2 * time.Second
	WakeAfter  = AnswerSoon - 500*time.Millisecond
)

// WriteInput is the input of [WriteActivity]: one change for the console.
type WriteInput struct {
	Writer WriterStart   `json:"writer"`
	Change ChangeRequest `json:"change"`
	// Preempted are changes that a release interrupted. Their writes may have reached the
	// console; such a write counts as theirs.
	Preempted []ChangeRequest `json:"preempted,omitempty"`
}

// RequestID is the workflow id of the request for which the change is made.
func (in WriteInput) RequestID() string { return in.Change.Request }

// WriteResult is the proof of a change, and what the writer knows after it.
type WriteResult struct {
	Proof access.Proof `json:"proof"`
	// Next has the leases of the principal. Of versions up to 0.5.0 it has all that was known.
	Next access.OwnershipState `json:"next"`
	// Message says why nothing was written, if the outcome is a refusal; else "".
	Message string `json:"message,omitempty"`
	// EndsAt is when access that was acquired ends, counted from its first write; zero for never.
	EndsAt time.Time `json:"endsAt,omitzero"`
	// From is the digest of the ownership that the change was worked out on.
	From string `json:"from"`
	// Recalled says that an earlier attempt carried out the change from another ownership than
	// the input's: Next may then be older than what the writer knows.
	Recalled bool `json:"recalled,omitempty"`
}

// ConfirmInput is the input of [ConfirmActivity], which reads the principal once more after a
// change that ends access.
type ConfirmInput struct {
	Writer  WriterStart `json:"writer"`
	Request string      `json:"request"`
	Key     string      `json:"key,omitempty"` // of the change that is confirmed
	// Absent are the roles that the change has removed; nil from versions up to 0.5.0.
	Absent []access.Holding `json:"absent"`
	// Whole says that the change has removed the principal, not only a role.
	Whole bool `json:"whole,omitempty"`
}

// RequestID is the workflow id of the request whose change is confirmed.
func (in ConfirmInput) RequestID() string { return in.Request }

// ConfirmResult is that read. The writer does not update its ownership from it, because a
// console that shows writes late may return an old state.
type ConfirmResult struct {
	Read  access.Read `json:"read"`
	Drift []string    `json:"drift,omitempty"` // changes made by hand, unless the read is old
	// Judged says that Shown and Ours are set. Versions up to 0.5.0 did not.
	Judged bool `json:"judged,omitempty"`
	// Shown says that the console shows again what the change has removed, and Ours that a later
	// change of ours explains that.
	Shown bool `json:"shown,omitempty"`
	Ours  bool `json:"ours,omitempty"`
}

// ChangeAnswer is the writer's answer to a [ChangeRequest].
type ChangeAnswer struct {
	Proof   access.Proof `json:"proof"`
	Message string       `json:"message,omitempty"` // of a refusal
	// EndsAt is when access that was acquired ends, counted from its first write; zero for never.
	EndsAt time.Time `json:"endsAt,omitzero"`
}

// Refused reports whether nothing was written because a rule forbids the change.
func (a ChangeAnswer) Refused() bool { return a.Proof.Outcome.Refused() }

// PrincipalInput is the input of workflow Principal: whose writer it is, and what its previous
// run knew.
type PrincipalInput struct {
	WriterStart

	// Ownership has the leases. From versions up to 0.5.0 it has all that was known.
	Ownership access.OwnershipState `json:"ownership"`
	Holders   []LeaseHolder         `json:"holders,omitempty"`
}

// LeaseHolder is the request that holds a lease.
type LeaseHolder struct {
	Lease   string       `json:"lease"`
	Request string       `json:"request"` // workflow id
	Answer  ChangeAnswer `json:"answer"`  // to its acquisition, summed up
	// Rules are the request's. The writer needs them if it ends the lease without the request.
	Rules access.Rules `json:"rules,omitzero"`
}

// PrincipalStatus answers [StatusQuery] on a Principal.
type PrincipalStatus struct {
	WriterStart

	Busy    bool           `json:"busy"`
	Waiting int            `json:"waiting"` // changes behind the one under way
	Leases  []access.Lease `json:"leases"`
	Holders []LeaseHolder  `json:"holders"`
}
