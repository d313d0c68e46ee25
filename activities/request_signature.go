package activities

import (
	"errors"
	"fmt"

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
	statement := signing.OfDecision(in.Request.ID, in.Request.Run, in.Decision.PlanHash, in.Decision)
	if in.Decision.Signature == "" {
		entry.Refusal = "a signature is needed: decide with `starter approve` or `starter deny`, which sign"
		return nil
	}
	if err := statement.Timely(r.now()); err != nil {
		entry.Refusal = err.Error()
		return nil
	}
	verified, err := r.signers.Verify(statement, in.Decision.Signature, in.Decision.SignedAt)
	if _, unreadable := errors.AsType[*signing.FileError](err); unreadable {
		return fmt.Errorf("the signature on %s cannot be checked: %w", in.Request.ID, err)
	}
	if err != nil {
		entry.Refusal = "the signature does not hold: " + err.Error()
		return nil
	}
	entry.Signed = verified.Fingerprint
	return nil
}
