package notify

import (
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/wire"
)

// maxText is how many characters of an event's text go into a mail or a chat message. It
// may quote comments of people.
const maxText = 4000

// Subject returns the event in one line: "[console] request: type".
func subject(e wire.Event) string {
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
