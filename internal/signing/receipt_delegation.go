package signing

import (
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// delegation checks that whoever decided for somebody else had that from them. A
// decision of which that cannot be said does not count.
func (in *inspection) delegation(i int, d access.Decision) error {
	if d.OnBehalfOf == "" {
		return nil
	}
	const name = "delegation"
	who := fmt.Sprintf("from %s to %s", d.OnBehalfOf, d.By)
	handed := d.Delegation
	if handed == nil {
		return in.doubt(i, "the receipt does not hold the delegation", who)
	}
	if why := approval.Unfit(*handed, d, in.Plan.Console); why != "" {
		return in.doubt(i, why, who)
	}
	if handed.Signature == "" && handed.Signed == access.Unsigned {
		if in.allowed != nil {
			return in.doubt(i, "as claimed: it is not signed", who)
		}
		in.note(name, Unsigned, "%s, as claimed: it is not signed", who)
		return nil
	}
	v, result, err := in.verify(OfDelegation(*handed), handed.Signature, handed.Signed, handed.At)
	if result == Failed {
		delete(in.signed, i)
	} else {
		in.delegated[i] = v.Fingerprint
	}
	in.tell(name, who, v, result, err)
	return unusable(err)
}

// doubt notes that a delegation does not hold, and the decision with it.
func (in *inspection) doubt(i int, why, who string) error {
	delete(in.signed, i)
	in.note("delegation", Failed, "%s: %s", who, why)
	return nil
}

// HoldsDelegation says by which key a delegation was signed, when it was taken. A
// [FileError] means that it cannot be told.
func (a *AllowedSigners) HoldsDelegation(d access.Delegation) (Verified, error) {
	if d.Signature == "" {
		return Verified{}, errors.New("a signature is needed: delegate with `starter delegate`, which signs")
	}
	return a.Verify(OfDelegation(d), d.Signature, d.At)
}
