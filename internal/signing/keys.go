package signing

import (
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Keys is an allowed_signers file as it was when it was read: which key may sign for whom.
type Keys struct{ signers []signer }

// Keys reads the file once. A caller that compares several people reads it once for all,
// so that an edit in between does not tear the answers. The only error is a [FileError].
func (a *AllowedSigners) Keys() (Keys, error) {
	signers, err := a.signers()
	return Keys{signers}, err
}

// MaySignFor says whether the key with this fingerprint ("SHA256:...") is allowed to sign
// for a person, on any line, by any of its principals, wildcards included; at is when. It
// is what [approval.SharedKey] takes to tell people apart, so it errs towards one person:
// names match in every spelling that [access.Fold] takes for the same, and a line that
// was valid once tells whose key it is also after its valid-before, or when the key is
// revoked. Lines for other namespaces, and those before their valid-after, do not count.
func (k Keys) MaySignFor(fingerprint, person string, at time.Time) bool {
	for _, s := range k.signers {
		if s.fingerprint != fingerprint || !s.after.IsZero() && at.Truncate(time.Second).Before(s.after) {
			continue
		}
		if s.forNamespace() && listsPerson(person, s.principals) {
			return true
		}
	}
	return false
}

// forNamespace says whether a line allows its key for our signatures.
func (s signer) forNamespace() bool {
	if s.namespaces == nil {
		return true
	}
	_, ok := matchList(Namespace, *s.namespaces)
	return ok
}

// listsPerson is [matchList] for a person in whatever spelling.
func listsPerson(name, list string) bool {
	found, who := false, access.Fold(name)
	for p := range strings.SplitSeq(list, ",") {
		not, negated := strings.CutPrefix(p, "!")
		listed := match(name, not) || match(who, access.Fold(not))
		if listed && negated {
			return false
		}
		found = found || listed
	}
	return found
}
