package wire

import (
	"strings"
)

// AnnounceInput is the input of [AnnounceActivity], which starts the deliveries of an event.
type AnnounceInput struct {
	Event Event `json:"event"`
}

// DeliverInput is the input of workflow Notify, which delivers an event to each sender.
type DeliverInput struct {
	Event   Event    `json:"event"`
	Senders []string `json:"senders"` // as in "webhook", or "e-mail/…" for one recipient
}

// SendInput is the input of [SendActivity]: one event for one sender.
type SendInput struct {
	Event  Event  `json:"event"`
	Sender string `json:"sender"`
}

// Event names what has happened, and nothing else. Everybody in the namespace can send one,
// so the activities take neither text nor people from it: they find both in the ledger, and
// refuse an event that the ledger does not show.
//
// Events of version 0.4.0 had more fields, which are not read any more.
type Event struct {
	Type    string `json:"type"`              // one of the types below
	Request string `json:"request,omitempty"` // workflow id
	Run     string `json:"run,omitempty"`     // original run id of the request
	// Entry is the number of the ledger entry that the event is about; 0 for the latest that
	// fits.
	Entry int64 `json:"entry,omitempty"`
	// Number tells events of one type apart that are about the same entry, such as reminders.
	// The activities compute it.
	Number int64 `json:"number,omitempty"`
	// Step is the operation that waits for the console, as in "acquire".
	Step string `json:"step,omitempty"`
	// Snapshot is the id of the snapshot that is quarantined.
	Snapshot string `json:"snapshot,omitempty"`
	// ID is read from events of version 0.4.0 alone, to find their run: "grant/INC-42#run/3".
	ID string `json:"id,omitempty"`
}

// OriginalRun is the run of the event, also of one that version 0.4.0 announced; "" if it
// names none.
func (e Event) OriginalRun() string {
	if e.Run != "" {
		return e.Run
	}
	rest, found := strings.CutPrefix(e.ID, e.Request+"#")
	if !found || e.Request == "" {
		return ""
	}
	run, _, _ := strings.Cut(rest, "/")
	return run
}

// Types of events. They are on the wire: names never change.
const (
	EventRequested     = "requested"
	EventReminder      = "reminder"
	EventEscalated     = "escalated"
	EventDecided       = "decided"
	EventApplied       = "applied"
	EventAboutToExpire = "aboutToExpire"
	EventReleased      = "released"
	EventWaiting       = "waitingForSentinelOne"
	EventQuarantined   = "quarantinedSync"
	// EventTokenExpires is about an API token: Step is the id of the service user whose token it is, "" for the
	// worker's own; Number how many days before its end people are warned, and Entry the end in seconds since 1970.
	EventTokenExpires = "tokenAboutToExpire"
	// EventUnauthorized is about a change that was not written for lack of authority, also one
	// that no request is about.
	EventUnauthorized = "unauthorized"
	// EventDrift is about assignments that nothing in the ledger explains, and claims that the console does not show:
	// those that one explanation has found first, by its number.
	EventDrift = "drift"
	// EventOverdue is about access that the system itself has released, since its request had not done so in time.
	EventOverdue = "overdue"
)
