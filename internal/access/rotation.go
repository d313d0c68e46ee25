package access

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Values of [TokenPlace.Sink] besides those of package tokensink.
const (
	// SinkRecipient is that of a token that was encrypted to the recipient of its request.
	SinkRecipient = "recipient"
	// SinkOwnFile is that of the worker's own token, in the file that SENTINELONE_API_TOKEN_FILE names.
	SinkOwnFile = "own file"
)

// TokenRotation describes the API token that replaces the one of a service user. The new token has the same roles:
// they are the service user's.
type TokenRotation struct {
	// ExpiresAt is when the new token expires, in whole seconds.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	// Recipient is the public key to which the worker encrypts the token, as in "age1…"; "" where the worker stores
	// it (SERVICE_USER_TOKEN_DIR or SERVICE_USER_TOKEN_COMMAND).
	Recipient string `json:"recipient,omitempty"`
	// Own says that the service user owns the token that the worker itself uses. A second service user with the same
	// roles takes its place: its token goes to the worker's own token file, and the first one is deleted.
	Own bool `json:"own,omitempty"`
}

// recipientForm is an X25519 recipient of age: bech32, which has no capital letters here.
var recipientForm = regexp.MustCompile(`^age1[02-9ac-hj-np-z]{58}$`)

// Validate returns the faults that need no clock; nil if there is none.
func (t TokenRotation) Validate() error {
	if t.Recipient != "" && !recipientForm.MatchString(t.Recipient) {
		return errors.New(`recipient is no public key of age: give one that begins with "age1" and has 62 characters`)
	}
	if t.Recipient != "" && t.Own {
		return errors.New("recipient is set, and the worker's own token goes to its token file alone: leave one out")
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
	return a.Rotation.Recipient == p.Rotation.Recipient && a.Rotation.Own == p.Rotation.Own &&
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

// successorMark is what stands before the number in the name of a service user that has taken another's place.
const successorMark = " #"

// SuccessorName is the name of the service user that takes the place of another one: that of the other, without such
// an ending of its own, and one that follows from the request. It has at most 255 characters.
func SuccessorName(name, request string) string {
	if at := strings.LastIndex(name, successorMark); at > 0 && successorEnd.MatchString(name[at:]) {
		name = name[:at]
	}
	sum := sha256.Sum256([]byte(request))
	end := successorMark + hex.EncodeToString(sum[:])[:8]
	runes := []rune(name)
	if most := maxServiceUserText - len(end); len(runes) > most {
		runes = runes[:most]
	}
	return strings.TrimSpace(string(runes)) + end
}

var successorEnd = regexp.MustCompile(`^ #[0-9a-f]{8}$`)
