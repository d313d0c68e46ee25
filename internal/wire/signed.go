package wire

import "time"

// Signed is the part of an input or of a message that proves who sends it: an SSH signature.
// Of a request it is over the input's Spec and the workflow id, of a message over the
// statement that package signing builds. With ALLOWED_SIGNERS, the worker requires it, except
// for dry runs.
type Signed struct {
	Signature string `json:"signature,omitempty"`
	// SignedAt is when it was signed; part of what is signed.
	SignedAt time.Time `json:"signedAt,omitzero"`
}

// Sign adds a signature, made at that time, to the input.
func (s *Signed) Sign(signature string, at time.Time) { s.Signature, s.SignedAt = signature, at }
