package activities

import (
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/signing"
)

// CheckingSignatures says whose signatures decisions must carry; without it they are
// taken as claimed.
func (r *Request) CheckingSignatures(signers *signing.AllowedSigners) *Request {
	r.signers = signers
	return r
}

// checkSignature holds a decision that would count against its signature. It is an
// error only where that cannot be told.
func (r *Request) checkSignature(in DecideInput, entry *decisionEntry) error {
	if r.signers == nil || entry.Refusal != "" {
		return nil
	}
	fingerprint, err := r.signedBy(in)
	if _, unreadable := errors.AsType[*signing.FileError](err); unreadable {
		return fmt.Errorf("the signature on %s cannot be checked: %w", in.Request.ID, err)
	}
	entry.Signed = fingerprint
	if err != nil {
		entry.Signed, entry.Refusal = access.Unsigned, err.Error()
	}
	return nil
}

// signedBy is the fingerprint of the key that signed a decision, or why it does not
// count.
func (r *Request) signedBy(in DecideInput) (string, error) {
	if in.Decision.Signature == "" {
		return "", errors.New("a signature is needed: decide with `starter approve` or `starter deny`, which sign")
	}
	statement := signing.OfDecision(in.Request.ID, in.Request.Run, in.Decision.PlanHash, in.Decision)
	if err := statement.Timely(r.now()); err != nil {
		return "", err
	}
	verified, err := r.signers.Verify(statement, in.Decision.Signature, in.Decision.SignedAt)
	if err != nil {
		return "", fmt.Errorf("the signature does not hold: %w", err)
	}
	return verified.Fingerprint, nil
}
