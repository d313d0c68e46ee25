package notify

import (
	"fmt"
	"strings"
	"time"
)

// Event is something that people are told. Its JSON is the body of a webhook.
type Event struct {
	// ID is the same however often the event is sent: receivers drop repeats by it.
	ID      string    `json:"id"`
	Type    string    `json:"type"` // see the types below
	At      time.Time `json:"at"`
	Console string    `json:"console"`
	Request string    `json:"request,omitempty"` // workflow id
	State   string    `json:"state,omitempty"`
	// Text says it in a sentence.
	Text string `json:"text"`
	// People are asked or concerned; they get the e-mail, beside those of NOTIFY_TO.
	People []string `json:"people,omitempty"`
}

// Types of events, on the wire.
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

// Subject is the event in a line.
func (e Event) Subject() string {
	if e.Request == "" {
		return fmt.Sprintf("[%s] %s", e.Console, words(e.Type))
	}
	return fmt.Sprintf("[%s] %s: %s", e.Console, e.Request, words(e.Type))
}

// words is "about to expire" for "aboutToExpire".
func words(typ string) string {
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
