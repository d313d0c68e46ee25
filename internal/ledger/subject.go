package ledger

import "sentinelone-provisioner/internal/access"

// Subject is the principal that an entry is about.
type Subject struct {
	Kind access.Kind `json:"kind"`
	ID   string      `json:"id"`
}

// String is the subject as the store finds entries by it: "user/401" or "serviceUser/501",
// or "" for none, such as an account that has no id yet. A kind that no principal has is none:
// whoever sends a request chooses it, and other subjects stand in the same column.
func (s Subject) String() string {
	if s.ID == "" || s.Kind != access.User && s.Kind != access.ServiceUser {
		return ""
	}
	return string(s.Kind) + "/" + s.ID
}

// FreezeSubject is what freezes are about: no principal, but the console's giving of access.
const FreezeSubject = "console/freeze"

// SubjectOf is the principal that a body is about, as [Subject.String] writes it, or
// [FreezeSubject]; "" where it is about none, or where a version up to 0.4.0 wrote it without.
func SubjectOf(b Body) string {
	switch b := b.(type) {
	case Request:
		return subjectOf(b.Plan.Principal)
	case Receipt:
		return subjectOf(b.Receipt.Plan.Principal)
	case Unauthorized:
		return subjectOf(b.Principal)
	case Drift:
		return subjectOf(b.Principal)
	case Overdue:
		return subjectOf(b.Principal)
	case Freeze:
		return FreezeSubject
	case Write:
		return b.Principal.text()
	case Answer:
		return b.Principal.text()
	case Delegation:
		return DelegatorSubject(b.Delegation.By)
	case Proof:
		if b.Principal == nil && b.Proof.Made != nil {
			return subjectOf(*b.Proof.Made)
		}
		return b.Principal.text()
	}
	return ""
}

// DelegatorSubject is how the store finds the delegations of a person, whatever the spelling.
func DelegatorSubject(by string) string { return "delegator/" + access.Fold(by) }

func subjectOf(p access.PrincipalRef) string { return Subject{Kind: p.Kind, ID: p.ID}.String() }

func (s *Subject) text() string {
	if s == nil {
		return ""
	}
	return s.String()
}
