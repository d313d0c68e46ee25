package wire

import (
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// StepDelegate is somebody to whom a person of the open step has handed their decisions.
type StepDelegate struct {
	By    string    `json:"by"` // whose decisions
	To    string    `json:"to"`
	Until time.Time `json:"until"`
}

// DecisionInput is the payload of [ApproveUpdate] and [DenyUpdate].
type DecisionInput struct {
	By      string `json:"by"`
	Comment string `json:"comment,omitempty"`
	// Duration and StartAt narrow what was asked for: shorter, later.
	Duration  access.Duration `json:"duration,omitzero"`
	StartAt   time.Time       `json:"startAt,omitzero"`
	Signature string          `json:"signature,omitempty"`
	// SignedAt is when it was signed; part of what is signed.
	SignedAt time.Time `json:"signedAt,omitzero"`
	// PlanHash is of the plan that the person has seen; if it is another one by now, the
	// decision does not count.
	PlanHash string `json:"planHash,omitempty"`
}

// UnmarshalJSON refuses fields it does not know.
func (d *DecisionInput) UnmarshalJSON(data []byte) error {
	type plain DecisionInput
	return strict(data, (*plain)(d))
}

// ApprovalStatus says who has decided and who is still asked.
type ApprovalStatus struct {
	Step  int      `json:"step"` // from 0
	Steps int      `json:"steps"`
	Need  int      `json:"need"` // of the open step
	Given int      `json:"given"`
	From  []string `json:"from"` // groups
	// People may decide the open step, those escalated to among them; anyone if empty.
	People []string  `json:"people"`
	Until  time.Time `json:"until"`
	// EscalatedAt is when more people were let in.
	EscalatedAt time.Time `json:"escalatedAt,omitzero"`
	Verdict     string    `json:"verdict,omitempty"`
	// Review says that the role is, or was, in force already: it is looked at afterwards.
	Review    bool              `json:"review,omitempty"`
	Decisions []access.Decision `json:"decisions"`
	// Delegates may decide in the place of people of the open step who have not. The
	// workflow itself does not know them: the worker fills them in as it answers a query.
	Delegates []StepDelegate `json:"delegates,omitempty"`
}

// DelegationInput is the input of [Delegate]: it hands By's decisions to To, on requests
// that are open and on those to come.
type DelegationInput struct {
	By string `json:"by"`
	To string `json:"to"`
	// Until is its end, Duration how long it holds from now on; one of them. An end that is
	// past takes back what was handed to that person before.
	Until     time.Time       `json:"until,omitzero"`
	Duration  access.Duration `json:"duration,omitzero"`
	Comment   string          `json:"comment,omitempty"`
	Signature string          `json:"signature,omitempty"`
	// SignedAt is when it was signed; part of what is signed.
	SignedAt time.Time `json:"signedAt,omitzero"`
	// Console must be the one the worker serves, if given.
	Console string `json:"console,omitempty"`
}

// UnmarshalJSON refuses fields it does not know.
func (in *DelegationInput) UnmarshalJSON(data []byte) error {
	type plain DelegationInput
	return strict(data, (*plain)(in))
}

// Delegation is what is asked for at that time; its end is not worked out yet.
func (in DelegationInput) Delegation(now time.Time) access.Delegation {
	return access.Delegation{
		By: strings.TrimSpace(in.By), To: strings.TrimSpace(in.To), At: now.UTC(),
		Until: in.Until, Duration: in.Duration, Comment: in.Comment, Console: in.Console,
		Signature: in.Signature, SignedAt: in.SignedAt,
	}
}

// States of a delegation.
const (
	StateDelegating = "delegating"
	StateDelegated  = "delegated"
)

// DelegateStatus answers [StatusQuery] on a delegation.
type DelegateStatus struct {
	State      string            `json:"state"` // delegating, delegated or refused
	Delegation access.Delegation `json:"delegation"`
	Message    string            `json:"message,omitempty"`
}
