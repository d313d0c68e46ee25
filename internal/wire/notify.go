package wire

import "time"

// AnnounceInput is the input of [AnnounceActivity], which starts the delivery of an event.
type AnnounceInput struct {
	Event Event `json:"event"`
	// Except are people whom the event does not reach as delegates of [Event.People].
	Except []string `json:"except,omitempty"`
}

// DeliverInput is the input of workflow Notify, which delivers an event to each sender.
type DeliverInput struct {
	Event   Event    `json:"event"`
	Senders []string `json:"senders"` // as in "webhook"
}

// SendInput is the input of [SendActivity]: one event for one sender.
type SendInput struct {
	Event  Event  `json:"event"`
	Sender string `json:"sender"`
}

// Event is one notification. Its JSON is the body of the webhook.
type Event struct {
	// ID is the same for every attempt: receivers drop duplicates by it.
	ID      string    `json:"id"`
	Type    string    `json:"type"` // one of the types below
	At      time.Time `json:"at"`
	Console string    `json:"console"`
	Request string    `json:"request,omitempty"` // workflow id
	State   string    `json:"state,omitempty"`
	// Text is the event in one sentence.
	Text string `json:"text"`
	// People are the approvers, or whom the event concerns. They receive the e-mail, in
	// addition to NOTIFY_TO.
	People []string `json:"people,omitempty"`
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
	EventTokenExpires  = "tokenAboutToExpire"
)
