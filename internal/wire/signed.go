package wire

import "time"

// Signed is the part of a request's input that shows who asks: an SSH signature over what
// the input's Spec says and the workflow id. The worker wants it where ALLOWED_SIGNERS
// is set, but for dry runs.
type Signed struct {
	Signature string `json:"signature,omitempty"`
	// SignedAt is when it was signed; part of what is signed.
	SignedAt time.Time `json:"signedAt,omitzero"`
}

// Sign puts a signature to the input.
func (s *Signed) Sign(signature string, at time.Time) { s.Signature, s.SignedAt = signature, at }
