package wire

import (
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// StepDelegate is a delegate of a person of the open step.
type StepDelegate struct {
	By    string    `json:"by"` // delegator
	To    string    `json:"to"` // delegate
	Until time.Time `json:"until"`
}

// DecisionInput is the payload of [ApproveUpdate] and [DenyUpdate].
type DecisionInput struct {
	By      string `json:"by"`
	Comment string `json:"comment,omitempty"`
	// Duration and StartAt narrow the request: a shorter duration, a later start. Zero keeps
	// what was requested.
	Duration  access.Duration `json:"duration,omitzero"`
	StartAt   time.Time       `json:"startAt,omitzero"`
	Signature string          `json:"signature,omitempty"`
	// SignedAt is when it was signed; part of what is signed.
	SignedAt time.Time `json:"signedAt,omitzero"`
	// PlanHash is the hash of the plan that the person has seen. If the request has another
	// plan by now, the decision does not count.
	PlanHash string `json:"planHash,omitempty"`
}

// UnmarshalJSON fails on unknown fields.
func (d *DecisionInput) UnmarshalJSON(data []byte) error {
	type plain DecisionInput
	return strict(data, (*plain)(d))
}

// ApprovalStatus is the state of an approval: who has decided, and who may decide the open
// step.
type ApprovalStatus struct {
	Step  int      `json:"step"` // from 0
	Steps int      `json:"steps"`
	Need  int      `json:"need"`  // of the open step
	Given int      `json:"given"` // approvals of the open step so far
	From  []string `json:"from"`  // groups
	// People may decide the open step, including those it was escalated to; empty: anyone.
	People []string  `json:"people"`
	Until  time.Time `json:"until"` // the deadline of the open step
	// EscalatedAt is when the escalation made more people eligible; zero before.
	EscalatedAt time.Time `json:"escalatedAt,omitzero"`
	Verdict     string    `json:"verdict,omitempty"`
	// Review says that this is the review of a break-glass grant: the role is, or was, in
	// force already.
	Review    bool              `json:"review,omitempty"`
	Decisions []access.Decision `json:"decisions"`
	// Delegates may decide in the place of people of the open step who have not decided. The
	// workflow does not know them: the worker adds them when it answers a query.
	Delegates []StepDelegate `json:"delegates,omitempty"`
}

// DelegationInput is the input of workflow Delegate ([DelegateType]): To may decide in By's
// place, on pending requests and on later ones.
type DelegationInput struct {
	By string `json:"by"`
	To string `json:"to"`
	// Until is the end of the delegation, or Duration how long it lasts from now on. An end in
	// the past ends By's earlier delegation to To.
	Until     time.Time       `json:"until,omitzero"`
	Duration  access.Duration `json:"duration,omitzero"`
	Comment   string          `json:"comment,omitempty"`
	Signature string          `json:"signature,omitempty"`
	// SignedAt is when it was signed; part of what is signed.
	SignedAt time.Time `json:"signedAt,omitzero"`
	// Console, if given, must be the one that the worker serves: its host and port, if any.
	Console string `json:"console,omitempty"`
}

// UnmarshalJSON fails on unknown fields.
func (in *DelegationInput) UnmarshalJSON(data []byte) error {
	type plain DelegationInput
	return strict(data, (*plain)(in))
}

// Delegation is the delegation that the input requests, made at now. Its end is not worked
// out yet from Duration.
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
