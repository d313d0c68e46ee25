package access

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Freeze is a message by which a person stops all giving of access on a console (a freeze),
// or has it go on again (an unfreeze).
type Freeze struct {
	Frozen  bool   `json:"frozen"` // false: an unfreeze
	By      string `json:"by"`
	Reason  string `json:"reason,omitempty"` // a freeze has one
	Console string `json:"console"`
	// Signed says how it is known who sent it: [Unsigned], or the key's fingerprint.
	Signed    string `json:"signed"`
	Signature string `json:"signature,omitempty"`
	// SignedAt is the time that the signature is over.
	SignedAt time.Time `json:"signedAt,omitzero"`
}

// Action names the message: freeze or unfreeze.
func (f Freeze) Action() string {
	if f.Frozen {
		return "freeze"
	}
	return "unfreeze"
}

// Validate says what is wrong with the message, all of it.
func (f Freeze) Validate() error {
	faults := []error{person("by", f.By)}
	if f.Frozen && strings.TrimSpace(f.Reason) == "" {
		faults = append(faults, errors.New(`"reason" is missing: say why giving access must stop, as in INC-42`))
	}
	return errors.Join(faults...)
}

// GivingFrozen begins the text of a change that waits since giving access is frozen.
const GivingFrozen = "giving access is frozen"

// FreezeState says whether giving access is frozen on a console.
type FreezeState struct {
	Frozen bool `json:"frozen"`
	// Since, By, Signed and Reason are those of the first freeze that nobody has ended; zero
	// if there is none.
	Since  time.Time `json:"since,omitzero"`
	By     string    `json:"by,omitempty"`
	Signed string    `json:"signed,omitempty"`
	Reason string    `json:"reason,omitempty"`
	// Unfreezing are the people whose unfreezes count since the last freeze, oldest first.
	Unfreezing []string `json:"unfreezing,omitempty"`
	// Pending says which approvals an unfreeze still needs, as in "for 1 of 1 from anyone"; ""
	// if nobody has asked for one.
	Pending string `json:"pending,omitempty"`
	// Doubts say why unfreezes on record do not count, a sentence each.
	Doubts []string `json:"doubts,omitempty"`
}

// String says since when and by whom giving is frozen, and what an unfreeze needs; "" if it
// is not frozen. It holds names that other people wrote.
func (s FreezeState) String() string {
	if !s.Frozen {
		return ""
	}
	text := fmt.Sprintf("since %s by %s", s.Since.UTC().Format(time.RFC3339), s.By)
	if len(s.Unfreezing) > 0 {
		text += fmt.Sprintf("; %s would end it, which is pending %s", strings.Join(s.Unfreezing, " and "), s.Pending)
	}
	if len(s.Doubts) > 0 {
		text += "; " + strings.Join(s.Doubts, "; ")
	}
	return text
}
