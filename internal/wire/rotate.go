package wire

import (
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// RotateTokenInput is the input of workflow RotateToken, which replaces the API token of a service user by a new one.
type RotateTokenInput struct {
	// Principal is the service user. The token of a user cannot be rotated.
	Principal access.PrincipalSelector `json:"principal"`
	// TokenExpiresAt is when the new token expires; TokenLife is the same as a time from the start of the request.
	// Exactly one must be given, at least a minute ahead.
	TokenExpiresAt *time.Time       `json:"tokenExpiresAt,omitempty"`
	TokenLife      *access.Duration `json:"tokenLife,omitempty"`
	// Recipient is the public key of age to which the worker encrypts the token: the result has the ciphertext. Such
	// a request must be signed. "" has the worker store the token (SERVICE_USER_TOKEN_DIR or
	// SERVICE_USER_TOKEN_COMMAND).
	Recipient string `json:"recipient,omitempty"`
	// Own replaces the service user whose token the worker itself uses by another one with the same roles, and writes
	// the new token to the worker's token file.
	Own       bool   `json:"own,omitempty"`
	Requester string `json:"requester"` // as claimed
	Reason    string `json:"reason,omitempty"`
	Console   string `json:"console,omitempty"`
	DryRun    bool   `json:"dryRun,omitempty"`

	Signed
}

// UnmarshalJSON fails on unknown fields.
func (in *RotateTokenInput) UnmarshalJSON(data []byte) error {
	type plain RotateTokenInput
	return strict(data, (*plain)(in))
}

// Validate returns all faults of the input, joined; nil if there is none. now is the start of the request.
func (in RotateTokenInput) Validate(now time.Time) error {
	faults := []error{
		in.Principal.Validate(), validExpiry(in.TokenExpiresAt, in.TokenLife, now), requesterGiven(in.Requester),
		in.Rotation(now).Validate(),
	}
	if in.Principal.Kind == access.User {
		faults = append(faults, errors.New("principal.kind is user: only the token of a serviceUser can be rotated"))
	}
	return errors.Join(faults...)
}

// Limits implements [Limited].
func (in RotateTokenInput) Limits() error {
	return errors.Join(in.Principal.Limits(), access.Length("recipient", in.Recipient, access.MaxIDBytes),
		in.common(in.Requester, in.Reason, in.Console))
}

// Rotation is the token to make; now is the start of the request.
func (in RotateTokenInput) Rotation(now time.Time) access.TokenRotation {
	return access.TokenRotation{
		ExpiresAt: tokenExpiry(in.TokenExpiresAt, in.TokenLife, now), Recipient: in.Recipient,
		Own: in.Own,
	}
}

// Spec is what the requester signs. TokenLife is signed as it is, because the expiry is known only once the request
// has started.
func (in RotateTokenInput) Spec() access.RequestSpec {
	out := access.RequestSpec{
		Op: access.OpRotate, Console: in.Console, Principal: in.Principal,
		Rotation: new(in.Rotation(time.Time{})),
		Terms:    access.Terms{Requester: in.Requester, Reason: in.Reason},
	}
	if in.TokenLife != nil {
		out.Rotation.ExpiresAt, out.TokenLife = time.Time{}, *in.TokenLife
	}
	return out
}

// validExpiry checks when a new token ends.
func validExpiry(expires *time.Time, life *access.Duration, now time.Time) error {
	switch {
	case (expires == nil) == (life == nil):
		return errors.New(`give one of tokenExpiresAt, when the token ends, and tokenLife, as in "720h"`)
	case life != nil && *life < access.Duration(time.Minute):
		return fmt.Errorf("tokenLife is %s: set at least one minute", *life)
	case expires != nil && expires.Before(now.Add(time.Minute)):
		return fmt.Errorf("tokenExpiresAt is %s: set a time at least one minute ahead", at(*expires))
	}
	return nil
}

// tokenExpiry is the expiry of a token in whole seconds, as consoles keep it.
func tokenExpiry(expires *time.Time, life *access.Duration, now time.Time) time.Time {
	switch {
	case expires != nil:
		return expires.UTC().Truncate(time.Second)
	case life != nil:
		return now.Add(time.Duration(*life)).UTC().Truncate(time.Second)
	}
	return time.Time{}
}
