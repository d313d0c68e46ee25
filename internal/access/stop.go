package access

import "time"

// Stop is a message by which a person ends something before its time: a request ("cancel"),
// or access that is in force ("end"). The decisions about a quarantined snapshot ("confirm",
// "discard") have the same form.
type Stop struct {
	At      time.Time `json:"at"`     // when the workflow took it
	Action  string    `json:"action"` // cancel, end, confirm or discard
	By      string    `json:"by"`
	Comment string    `json:"comment,omitempty"`
	// Signed says how it is known who sent it: [Unsigned], or the key's fingerprint.
	Signed    string `json:"signed"`
	Signature string `json:"signature,omitempty"`
	// SignedAt is the time that the signature is over.
	SignedAt time.Time `json:"signedAt,omitzero"`
}
