package access

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// SinkRecipient is [TokenPlace.Sink] of a token that was encrypted to the recipient of its request.
const SinkRecipient = "recipient"

// TokenRotation describes the API token that replaces the one of a service user. The new token has the same roles:
// they are the service user's.
type TokenRotation struct {
	// ExpiresAt is when the new token expires, in whole seconds.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	// Recipient is the public key to which the worker encrypts the token, as in "age1…"; "" where the worker stores
	// it (SERVICE_USER_TOKEN_DIR or SERVICE_USER_TOKEN_COMMAND).
	Recipient string `json:"recipient,omitempty"`
}

// recipientForm is an X25519 recipient of age: bech32, which has no capital letters here.
var recipientForm = regexp.MustCompile(`^age1[02-9ac-hj-np-z]{58}$`)

// Validate returns the faults that need no clock; nil if there is none.
func (t TokenRotation) Validate() error {
	if t.Recipient != "" && !recipientForm.MatchString(t.Recipient) {
		return errors.New(`recipient is no public key of age: give one that begins with "age1" and has 62 characters`)
	}
	return nil
}

// Over says why the token must not be made at that time; "" if it may be.
func (t TokenRotation) Over(now time.Time) string {
	if t.ExpiresAt.After(now) {
		return ""
	}
	return fmt.Sprintf("its new token was to end at %s: request the rotation again, with a later end",
		t.ExpiresAt.UTC().Format(time.RFC3339))
}

// matchesRotation says whether the plan makes the requested token. If the request gives a token's life, the expiry in
// the plan is not compared.
func (a RequestSpec) matchesRotation(p Plan) bool {
	if a.Rotation == nil || p.Rotation == nil {
		return a.Rotation == nil && p.Rotation == nil
	}
	return a.Rotation.Recipient == p.Rotation.Recipient &&
		(a.TokenLife != 0 || a.Rotation.ExpiresAt.Equal(p.Rotation.ExpiresAt))
}

// Exceeds says whether the roles held now are more than those of another list. Of long lists that were left out, only
// the same one counts as no more.
func (r Holdings) Exceeds(known Holdings) bool {
	if r.IsBrief() || known.IsBrief() {
		return !r.Equal(known)
	}
	return len(lost(r, known)) > 0
}
