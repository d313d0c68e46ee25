package signing

import (
	"slices"

	"sentinelone-provisioner/internal/access"
)

// withEmptyLists is a receipt with empty lists in the places of absent ones, if its hash is over
// these: the Temporal CLI prints an empty list as null. Any other receipt stays as it is.
func withEmptyLists(r access.Receipt) access.Receipt {
	if r.Intact() && r.Plan.Intact() {
		return r
	}
	filled := r
	fillPeople(&filled.Plan.Approval)
	filled.Extensions = slices.Clone(r.Extensions)
	for i, x := range filled.Extensions {
		if x.Asked != nil {
			asked := *x.Asked
			fillPeople(&asked.Approval)
			filled.Extensions[i].Asked = &asked
		}
	}
	filled.Proofs = slices.Clone(r.Proofs)
	for i, p := range filled.Proofs {
		if p.Reads == nil {
			filled.Proofs[i].Reads = []access.Read{}
		}
	}
	if filled.Intact() {
		return filled
	}
	return r
}

// fillPeople gives each step, and the review, lists that are not nil; the approval's own lists are
// not written to.
func fillPeople(a *access.Approval) {
	a.Steps = slices.Clone(a.Steps)
	fill := func(s *access.ApprovalStep) {
		if s.Groups == nil {
			s.Groups = []string{}
		}
		if s.People == nil {
			s.People = []string{}
		}
	}
	for i := range a.Steps {
		fill(&a.Steps[i])
	}
	if a.Review != nil {
		review := *a.Review
		fill(&review.ApprovalStep)
		a.Review = &review
	}
}
