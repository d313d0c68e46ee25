package requestclient

import (
	"context"
	"errors"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/signing"
)

// SignerOptions select the key of a [Signer].
type SignerOptions struct {
	signing.KeyOptions

	// Required says that there must be a key. It is implied if a path is named.
	Required bool
	Now      func() time.Time
}

// Signer signs statements of one person with one key, or leaves them unsigned without one.
type Signer struct {
	key      *signing.Key // nil: nothing is signed
	noKey    string
	required bool
	now      func() time.Time
}

// OpenSigner opens the key that o selects. Without a path, and unless a key is required,
// there may be none: the worker knows whether it demands signatures. If one is required and
// none can be chosen, it fails with a [*signing.NoKeyError]. The caller closes the signer.
func OpenSigner(ctx context.Context, o SignerOptions) (Signer, error) {
	out := Signer{required: o.Required || o.Path != "", now: o.Now}
	key, err := signing.OpenKey(ctx, o.KeyOptions)
	none, isNone := errors.AsType[*signing.NoKeyError](err)
	switch {
	case isNone && o.Path == "" && !out.required:
		out.noKey = none.Why
		return out, nil
	case err != nil:
		return Signer{}, err
	}
	out.key = key
	return out, nil
}

// Unsigned returns a signer that signs nothing.
func Unsigned(now func() time.Time) Signer { return Signer{now: now} }

// HasKey says that statements are signed.
func (s Signer) HasKey() bool { return s.key != nil }

// NoKey says why statements stay unsigned, for people; "" if there is a key.
func (s Signer) NoKey() string { return s.noKey }

// Close closes the connection to the agent, if there is one.
func (s Signer) Close() {
	if s.key != nil {
		_ = s.key.Close()
	}
}

// Sign returns the statement with the current time, in whole seconds, and its signature;
// "" without a key.
func (s Signer) Sign(ctx context.Context, st signing.Statement) (signing.Statement, string, error) {
	st.At = s.now().UTC().Truncate(time.Second)
	if s.key == nil {
		return st, "", nil
	}
	signature, err := signing.Sign(ctx, s.key, st)
	return st, signature, err
}

// ErrNoConsole says that a request without a console cannot be signed.
var ErrNoConsole = errors.New("a signed request names its console, and none is configured")

// SignRequest signs the input of a request with that workflow id. If signing fails though
// no key is required, the input stays unsigned and skipped says why.
func (s Signer) SignRequest(ctx context.Context, id string, in Input) (skipped, err error) {
	if s.key == nil {
		return nil, nil
	}
	signed, signature, err := s.signSpec(ctx, id, in.Spec())
	switch {
	case err != nil && s.required:
		return nil, err
	case err != nil:
		return err, nil
	}
	in.Sign(signature, signed.At)
	return nil, nil
}

func (s Signer) signSpec(ctx context.Context, id string, spec access.RequestSpec) (signing.Statement, string, error) {
	if spec.Console == "" {
		return signing.Statement{}, "", ErrNoConsole
	}
	return s.Sign(ctx, signing.OfRequest(id, access.RequestSignature{Request: spec}))
}
