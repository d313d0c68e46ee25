package access

import (
	"slices"
	"time"
)

// Approval says whose consent a request needs, and by when. It is worked out from the
// policy when the request is planned and recorded in the plan, so that a policy that
// changes later changes no running request.
type Approval struct {
	Required bool   `json:"required"`
	Policy   string `json:"policy"`               // in words
	Hash     string `json:"policyHash,omitempty"` // of the policy file
	Rule     string `json:"rule,omitempty"`       // the one that decided
	// Steps are gone through in order; each needs so many distinct people.
	Steps []ApprovalStep `json:"steps,omitempty"`
	// DecideWithin is how long there is for all steps, from the request.
	DecideWithin  Duration `json:"decideWithin,omitzero"`
	RemindEvery   Duration `json:"remindEvery,omitzero"`
	EscalateAfter Duration `json:"escalateAfter,omitzero"`
	// EscalateTo are people who may decide the open step, and all that follow, once it was
	// escalated. They come on top of those whom a step asks.
	EscalateTo []string `json:"escalateTo,omitempty"`
	// Review is for a request that starts at once and is looked at afterwards.
	Review *Review `json:"review,omitempty"`
	// ValidFor is how old the last approval may be when the change is first written; 0 for no
	// limit.
	ValidFor Duration `json:"validFor,omitzero"`
	// MaxDuration is how long the role may be held, with all extensions; 0 for no limit.
	MaxDuration Duration `json:"maxDuration,omitzero"`
	// Refusal says why the policy refuses the request; "" if it does not.
	Refusal string `json:"refusal,omitempty"`
}

// Anyone is the group that everybody is in.
const Anyone = "anyone"

// ApprovalStep needs Need distinct people of those listed.
type ApprovalStep struct {
	Need   int      `json:"need"`
	Groups []string `json:"groups"` // by name
	// People are the members who may decide, by [Fold], sorted: neither the requester nor
	// the recipient is among them. Empty for [Anyone].
	People []string `json:"people"`
}

// Anyone says that everybody may decide, but for the requester and the person who would receive
// the role.
func (s ApprovalStep) Anyone() bool { return slices.Contains(s.Groups, Anyone) }

// Review says who must look at a break-glass grant, and within what time; else it is
// ended.
type Review struct {
	ApprovalStep

	Within Duration `json:"within"`
}

// Decision is one person's decision on a request.
type Decision struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Action  string    `json:"action"` // approve or deny
	Step    int       `json:"step"`   // from 0
	Comment string    `json:"comment,omitempty"`
	// Duration and StartAt narrow the request: shorter, later.
	Duration Duration  `json:"duration,omitzero"`
	StartAt  time.Time `json:"startAt,omitzero"`
	// OnBehalfOf is who had delegated the decision to By.
	OnBehalfOf string `json:"onBehalfOf,omitempty"`
	// Delegation is by what OnBehalfOf did so.
	Delegation *Delegation `json:"delegation,omitempty"`
	// AskedAt is when people were asked about the plan; the deadline counts from then.
	AskedAt time.Time `json:"askedAt,omitzero"`
	// CameAt is when it reached the workflow, if that is not At: decisions are taken one at
	// a time, and the deadline is judged by when they came.
	CameAt time.Time `json:"cameAt,omitzero"`
	// EscalatedAt is when it was escalated to them, where they may not decide otherwise.
	EscalatedAt time.Time `json:"escalatedAt,omitzero"`
	// Signed says how it is known who decided: "unsigned", or the key's fingerprint.
	Signed    string `json:"signed"`
	Signature string `json:"signature,omitempty"`
	// SignedAt is the time that the signature is over; At is when the worker took it.
	SignedAt time.Time `json:"signedAt,omitzero"`
	// PlanHash is of the plan it is about; a plan that changes is put to people anew.
	PlanHash string `json:"planHash,omitempty"`
}
