package signing

import (
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// CheckEntry says why a signature of a person in an entry of the ledger is not what the entry says
// of it: the key that it names has not signed what stands there. Whether that key may sign for
// the person is another question: see [AllowedSigners.Verify]. An entry of a kind that holds no
// signature, or that this version cannot decode, passes.
func CheckEntry(e ledger.Entry) error {
	body, err := ledger.Decode(e)
	if err != nil {
		return nil //nolint:nilerr // its readers say so
	}
	run := ledger.RunOf(e).ID
	switch b := body.(type) {
	case ledger.Request:
		if s := b.Verified(); s != nil {
			return checkSigned(OfRequest(e.Request, *s), s.Signature, s.Signed)
		}
	case ledger.Decision:
		d := b.Decision
		if err := checkSigned(OfDecision(e.Request, run, d.PlanHash, d), d.Signature, d.Signed); err != nil {
			return err
		}
		if d.Delegation != nil {
			return checkSigned(OfDelegation(*d.Delegation), d.Delegation.Signature, d.Delegation.Signed)
		}
	case ledger.Delegation:
		return checkSigned(OfDelegation(b.Delegation), b.Delegation.Signature, b.Delegation.Signed)
	case ledger.Stop:
		return checkSigned(OfStop(e.Request, run, b.Stop), b.Signature, b.Signed)
	case ledger.Freeze:
		return checkSigned(OfFreeze(e.Request, b.Freeze), b.Signature, b.Signed)
	case ledger.ExtensionRequest:
		return checkSigned(OfExtension(b.Extension), b.Extension.Signature, b.Extension.Signed)
	}
	return nil
}

// checkSigned checks the signature of a statement that is recorded as made with a key.
func checkSigned(s Statement, signature, recorded string) error {
	if recorded == "" || recorded == access.Unsigned {
		return nil
	}
	key, err := signedBy(s, signature)
	switch {
	case err != nil:
		return fmt.Errorf("it is recorded as signed by %q: %w", s.By, err)
	case fingerprint(key) != recorded:
		return fmt.Errorf("it is recorded as signed by %q with key %s, and the signature is by key %s",
			s.By, recorded, fingerprint(key))
	}
	return nil
}
