package wire

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// StateRefused is the state of a request that cannot be carried out.
const StateRefused = "refused"

// States of a request. Those from granted on are how it ends.
const (
	StatePlanning         = "planning"
	StateAwaitingApproval = "awaitingApproval"
	StateScheduled        = "scheduled" // waits for startAt
	StateApplying         = "applying"
	StateActive           = "active" // a timed grant that is in force
	StateReleasing        = "releasing"

	StateGranted   = "granted"
	StateExpired   = "expired"
	StateEnded     = "ended"
	StateCancelled = "cancelled"
	StateDenied    = "denied"
	StateTimedOut  = "timedOut"
	StatePlanned   = "planned" // a dry run
	StateRevoked   = "revoked"

	StateProvisioned = "provisioned"
	StateOffboarded  = "offboarded"
)

// RequestResult is what a request came to. GrantResult and RevokeResult are this.
type RequestResult struct {
	State   string         `json:"state"`
	Outcome access.Outcome `json:"outcome,omitempty"`
	Message string         `json:"message,omitempty"`
	// Plan is the result of a dry run, which has no receipt.
	Plan    *access.Plan    `json:"plan,omitempty"`
	Receipt *access.Receipt `json:"receipt,omitempty"`
}

// RequestStatus answers [StatusQuery] on a grant or revoke.
type RequestStatus struct {
	State     string    `json:"state"`
	Request   string    `json:"request"` // workflow id
	Run       string    `json:"run"`     // of the workflow; part of what decisions are signed over
	Requester string    `json:"requester"`
	StartedAt time.Time `json:"startedAt"`
	// StartsAt is when a scheduled grant is applied, EndsAt when a timed one is released.
	StartsAt *time.Time `json:"startsAt,omitempty"`
	EndsAt   *time.Time `json:"endsAt,omitempty"`
	// Waiting says what it waits for, in a sentence; "" while it moves.
	Waiting string         `json:"waiting,omitempty"`
	Plan    *access.Plan   `json:"plan,omitempty"`
	Proofs  []access.Proof `json:"proofs"`
	// Consent says who has decided and who is still asked, where the plan needs it.
	Approval *ApprovalStatus `json:"approval,omitempty"`
	Result   *RequestResult  `json:"result,omitempty"`
}

// StateAwaitingReview is the state of a grant that started at once and has ended before it
// was reviewed: the role is taken back, and the review is still open.
const StateAwaitingReview = "awaitingReview"
