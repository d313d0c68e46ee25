package notify

import (
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/drift"
)

// Event is one notification. Its JSON is the body of the webhook. The activities build it
// from the ledger. Names, reasons and comments in it are other people's words, flattened
// to one line and bounded; [Event.Text] is the worker's sentence about them, without
// reasons and comments.
type Event struct {
	// ID is the same for every attempt: receivers drop duplicates by it. It holds no "." and
	// no words of other people.
	ID      string    `json:"id"`
	Type    string    `json:"type"` // one of the types in package wire
	At      time.Time `json:"at"`   // of the entry that the event is about
	Console string    `json:"console"`
	Request string    `json:"request,omitempty"` // workflow id
	Run     string    `json:"run,omitempty"`     // original run id
	State   string    `json:"state,omitempty"`
	// Text is the event in a sentence or two; see [Text].
	Text string `json:"text"`
	// People are the approvers, or whom the event concerns.
	People []string `json:"people,omitempty"`

	Operation access.Op `json:"operation,omitempty"`
	Requester string    `json:"requester,omitempty"`
	// RequesterSigned is the fingerprint of the key that signed the request, or "unsigned": the
	// name is a claim then.
	RequesterSigned string               `json:"requesterSigned,omitempty"`
	Principal       *access.PrincipalRef `json:"principal,omitempty"`
	Role            *access.RoleRef      `json:"role,omitempty"`
	Scope           *access.ScopeRef     `json:"scope,omitempty"`
	Duration        access.Duration      `json:"duration,omitzero"`
	EndsAt          time.Time            `json:"endsAt,omitzero"`
	Reason          string               `json:"reason,omitempty"` // the requester's words
	Decision        *Decision            `json:"decision,omitempty"`
	Extension       *Extension           `json:"extension,omitempty"` // which the event is about
	// Pending is the approval that is pending, as in "for 1 of 2 from leads until …".
	Pending string `json:"pending,omitempty"`
	// Outcome is that of the receipt, where the request has ended.
	Outcome access.Outcome `json:"outcome,omitempty"`
	// Wait says why a change has not succeeded yet.
	Wait *Wait `json:"wait,omitempty"`
	// Drift counts the drift that the event is about, by kind.
	Drift DriftCounts `json:"drift,omitempty"`
	// Details are why a sync is quarantined, why a change was not authorized, when the API
	// token expires, and what drift was found.
	Details []string `json:"details,omitempty"`
	// LedgerHead is the newest entry of the console's ledger when the event was built; nil for
	// an empty ledger.
	LedgerHead *access.LedgerHead `json:"ledgerHead,omitempty"`

	// Mail are the addresses that receive the e-mail in addition to NOTIFY_TO.
	Mail []string `json:"-"`
}

// DriftCounts counts drift by kind.
type DriftCounts drift.Counts

// Decision is one person's decision.
type Decision struct {
	By         string `json:"by"`
	OnBehalfOf string `json:"onBehalfOf,omitempty"`
	Action     string `json:"action"`            // approve or deny
	Signed     string `json:"signed"`            // the key's fingerprint, or "unsigned"
	Comment    string `json:"comment,omitempty"` // their words
}

// Extension is a later end of a grant that somebody asks for.
type Extension struct {
	By       string          `json:"by"`
	Signed   string          `json:"signed"` // the key's fingerprint, or "unsigned"
	Duration access.Duration `json:"duration"`
	EndsAt   time.Time       `json:"endsAt"`            // the end that results
	Comment  string          `json:"comment,omitempty"` // their words
}

// Wait says why a change has not succeeded yet.
type Wait struct {
	// Release says that the change ends access.
	Release bool      `json:"release,omitempty"`
	Attempt int       `json:"attempt"`
	Since   time.Time `json:"since"`
	Error   string    `json:"error"` // of the console, or of the way to it
}
