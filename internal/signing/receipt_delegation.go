package signing

import (
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// checkDelegation checks the delegation behind a decision that was made in another person's place.
// If it does not hold, the decision does not count. i is the decision's index.
func (in *inspection) checkDelegation(i int, d access.Decision) error {
	if d.OnBehalfOf == "" {
		return nil
	}
	const name = "delegation"
	who := fmt.Sprintf("from %s to %s", d.OnBehalfOf, d.By)
	delegation := d.Delegation
	if delegation == nil {
		in.rejectDelegation(i, who, "the receipt does not hold the delegation")
		return nil
	}
	if why := approval.Unfit(*delegation, d, in.Plan.Console); why != "" {
		in.rejectDelegation(i, who, why)
		return nil
	}
	if delegation.Signature == "" && delegation.Signed == access.Unsigned {
		if in.allowed != nil {
			in.rejectDelegation(i, who, "not signed, so the name is only claimed")
			return nil
		}
		in.noteUnsigned(name, Unsigned, who)
		return nil
	}
	v, result, err := in.verify(OfDelegation(*delegation), delegation.Signature, delegation.Signed, delegation.At)
	if result == Failed {
		delete(in.decisionKeys, i)
	} else {
		in.delegationKeys[i] = v.Fingerprint
	}
	in.noteSignature(name, who, v, result, err)
	return onlyFileError(err)
}

// rejectDelegation notes why a delegation does not hold. Its decision does not count then.
func (in *inspection) rejectDelegation(i int, who, why string) {
	delete(in.decisionKeys, i)
	in.note("delegation", Failed, "%s: %s", who, why)
}

// VerifyDelegation returns the key that signed a delegation, as of the time at which it was
// recorded; see [AllowedSigners.Verify] for the errors.
func (a *AllowedSigners) VerifyDelegation(d access.Delegation) (Verified, error) {
	if d.Signature == "" {
		return Verified{}, errors.New("a signature is required: delegate with `starter delegate`, which signs")
	}
	return a.Verify(OfDelegation(d), d.Signature, d.At)
}
