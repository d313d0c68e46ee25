package notify

import (
	"fmt"
	"strings"
	"time"
)

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
	Requested     = "requested"
	Reminder      = "reminder"
	Escalated     = "escalated"
	Decided       = "decided"
	Applied       = "applied"
	AboutToExpire = "aboutToExpire"
	Released      = "released"
	Waiting       = "waitingForSentinelOne"
	Quarantined   = "quarantinedSync"
	TokenExpires  = "tokenAboutToExpire"
)

// maxText is how many characters of an event's text go into a mail or a chat message. It
// may quote comments of people.
const maxText = 4000

// Subject returns the event in one line: "[console] request: type".
func (e Event) Subject() string {
	if e.Request == "" {
		return fmt.Sprintf("[%s] %s", e.Console, typeInWords(e.Type))
	}
	return fmt.Sprintf("[%s] %s: %s", e.Console, e.Request, typeInWords(e.Type))
}

// typeInWords turns "aboutToExpire" into "about to expire".
func typeInWords(typ string) string {
	var b strings.Builder
	for i, r := range typ {
		if i > 0 && 'A' <= r && r <= 'Z' {
			b.WriteByte(' ')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return strings.ReplaceAll(b.String(), "sentinel one", "SentinelOne")
}
