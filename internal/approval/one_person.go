package approval

import (
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
)

// MaySign says whether a key, by its fingerprint, is one with which a person may sign, or
// might at any time before at. It is how this package knows an allowed_signers file: see
// signing.Keys.MaySignFor. It must answer the same when it is asked again within one
// judgement. Names are compared by [access.Fold]. A nil MaySign stands for no such file:
// then a key belongs to the name that it has signed for, and to no other.
type MaySign func(key, person string, at time.Time) bool

// SharedKey says that an approval is not of a person of its own: one key is one person,
// whatever the names are that it may sign for, and whether it signed the decision or the
// delegation behind it. It objects if
//   - a key of the decision has signed the request or another approval, in other names;
//   - a key of the decision may also sign for the requester, for the recipient, or for
//     somebody behind another approval;
//   - the key of the request or of another approval may also sign for somebody behind the
//     decision.
//
// The keys are the fingerprints that the caller has verified ([access.Decision.Signed],
// [access.Delegation.Signed], [Request.Key]); where a name is unsigned, the other one's
// key is still compared with it. earlier are decisions on the same plan that count; those
// that deny need no second person, and neither does d if it denies. The times are those
// of the decisions ([access.Decision.At]), the later one of a pair. nil if d is a person of
// its own.
func SharedKey(d access.Decision, r Request, earlier []access.Decision, maySign MaySign) *Refusal {
	if d.Action != Approve {
		return nil
	}
	one := signatories{people: People(d), keys: keysOf(d), at: d.At}
	requester := signatories{people: folded(r.Requester), keys: signedBy(r.Key), at: d.At}
	if key, person := one.sameAs(requester, maySign); key != "" {
		return sameKey(d, key, person, r.Requester, "requested it")
	}
	asker := signatories{people: folded(r.Asker), keys: signedBy(r.AskerKey), at: d.At}
	if key, person := one.sameAs(asker, maySign); r.Asker != "" && key != "" {
		return sameKey(d, key, person, r.Asker, "asked for it")
	}
	recipient := signatories{people: folded(r.Recipient.Names()...), at: d.At}
	if key, person := one.sameAs(recipient, maySign); key != "" {
		return sameKey(d, key, person, person, "is the recipient")
	}
	for _, e := range earlier {
		if e.Action != Approve {
			continue
		}
		other := signatories{people: People(e), keys: keysOf(e), at: e.At}
		if key, person := one.sameAs(other, maySign); key != "" {
			return sameKey(d, key, person, e.Who(), "approved it")
		}
	}
	return nil
}

// signatories are the people behind a decision or a request, by [access.Fold], and the
// keys that signed it.
type signatories struct {
	people, keys []string
	at           time.Time
}

// sameAs returns a key that makes two sides one person, and for whom of the two sides it
// may sign besides; "" for the latter where both have signed with it. Sides that share a
// person are not compared: another rule is about that.
func (s signatories) sameAs(o signatories, maySign MaySign) (key, person string) {
	if slices.ContainsFunc(s.people, func(p string) bool { return slices.Contains(o.people, p) }) {
		return "", ""
	}
	for _, key := range s.keys {
		if slices.Contains(o.keys, key) {
			return key, ""
		}
	}
	at := s.at
	if o.at.After(at) {
		at = o.at
	}
	if key, person := alsoFor(s.keys, o.people, at, maySign); key != "" {
		return key, person
	}
	return alsoFor(o.keys, s.people, at, maySign)
}

// alsoFor returns a key that may sign for one of the people.
func alsoFor(keys, people []string, at time.Time, maySign MaySign) (key, person string) {
	if maySign == nil {
		return "", ""
	}
	for _, key := range keys {
		for _, person := range people {
			if maySign(key, person, at) {
				return key, person
			}
		}
	}
	return "", ""
}

func folded(names ...string) []string {
	var out []string
	for _, n := range names {
		if n = access.Fold(n); n != "" {
			out = append(out, n)
		}
	}
	return out
}

// keysOf are the fingerprints behind a decision: of who decided, and of who delegated it.
func keysOf(d access.Decision) []string {
	if d.Delegation != nil {
		return signedBy(d.Signed, d.Delegation.Signed)
	}
	return signedBy(d.Signed)
}

// signedBy leaves out what is no key.
func signedBy(keys ...string) []string {
	return slices.DeleteFunc(keys, func(k string) bool { return k == "" || k == access.Unsigned })
}
