package wire

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// States of a request. The second group has the states in which a request ends.
const (
	StatePlanning         = "planning"
	StateAwaitingApproval = "awaitingApproval"
	StateScheduled        = "scheduled" // waits for startAt
	StateApplying         = "applying"
	StateActive           = "active" // a time-bound grant that is in force
	StateReleasing        = "releasing"
	// StateAwaitingReview is the state of a break-glass grant that has ended before its review:
	// the role is removed, and the review is pending.
	StateAwaitingReview = "awaitingReview"

	StateGranted   = "granted"
	StateExpired   = "expired"
	StateEnded     = "ended"
	StateCancelled = "cancelled"
	StateDenied    = "denied"
	StateTimedOut  = "timedOut"
	StatePlanned   = "planned" // a dry run
	StateRefused   = "refused" // the request cannot be carried out
	StateRevoked   = "revoked"

	StateProvisioned = "provisioned"
	StateOffboarded  = "offboarded"
	StateRotated     = "rotated" // the service user has a new API token
)

// RequestResult is the result of the workflow of a request, of every kind.
type RequestResult struct {
	State   string         `json:"state"`
	Outcome access.Outcome `json:"outcome,omitempty"`
	Message string         `json:"message,omitempty"`
	// Plan is the result of a dry run; nil for other requests.
	Plan *access.Plan `json:"plan,omitempty"`
	// Receipt is nil for a dry run.
	Receipt *access.Receipt `json:"receipt,omitempty"`
}

// RequestStatus answers [StatusQuery] on a request of any kind.
type RequestStatus struct {
	State     string    `json:"state"`
	Request   string    `json:"request"` // workflow id
	Run       string    `json:"run"`     // run id of the workflow; decisions sign it too
	Requester string    `json:"requester"`
	StartedAt time.Time `json:"startedAt"`
	// StartsAt is when a scheduled grant is applied, EndsAt when a time-bound grant is released;
	// nil if not.
	StartsAt *time.Time `json:"startsAt,omitempty"`
	EndsAt   *time.Time `json:"endsAt,omitempty"`
	// Waiting says in a sentence what the request waits for; "" if for nothing.
	Waiting string         `json:"waiting,omitempty"`
	Plan    *access.Plan   `json:"plan,omitempty"` // nil until it is made
	Proofs  []access.Proof `json:"proofs"`
	// Approval is the state of the approval or review; nil if the plan needs none.
	Approval *ApprovalStatus `json:"approval,omitempty"`
	// Extension is the extension that waits for its approval; nil if none does.
	Extension *ExtensionStatus `json:"extension,omitempty"`
	Result    *RequestResult   `json:"result,omitempty"` // nil until the request has ended
}

// Forged says why a status is not what the request of that workflow id may say of itself; "" if it may. Whoever reaches
// the namespace can answer a query, and people sign the hash of what they are shown.
func (s RequestStatus) Forged(id string) string {
	x := s.Extension
	switch {
	case s.Request != id:
		return "it is that of " + s.Request
	case s.Plan != nil && !s.Plan.Intact():
		return "its plan is not the one that its hash is of"
	case s.Plan != nil && s.Requester != s.Plan.Terms.Requester:
		return "it names another requester than its plan"
	case x != nil && (s.Plan == nil || x.Asked.Hash != x.Asked.Seal().Hash || x.Asked.Request != id ||
		x.Asked.Run != s.Run || x.Asked.PlanHash != s.Plan.Hash):
		return "its extension is not the one that its hash is of"
	}
	return ""
}

// ExtensionStatus is an extension that waits for its approval. Decisions name its hash as
// planHash.
type ExtensionStatus struct {
	Asked    access.ExtensionRequest `json:"asked"`
	Approval ApprovalStatus          `json:"approval"`
}
