package policy

import (
	"slices"

	"sentinelone-provisioner/internal/access"
)

// shortfall says why nobody can satisfy the steps of a rule.
type shortfall struct {
	step      int // index of the step that alone has too few people, or allSteps
	available int // how many people there are for it
}

// allSteps is the step of a [shortfall] where each step alone has enough people, but not
// all of them together.
const allSteps = -1

// satisfiable returns whether there are enough people for all steps, given that each
// person decides once per request; if not, where people are missing.
func satisfiable(steps []access.ApprovalStep) (shortfall, bool) {
	matching := bipartiteMatching{assigned: map[string]int{}}
	for i, s := range steps {
		if s.Anyone() { // there are always more people
			continue
		}
		if len(s.People) < s.Need {
			return shortfall{step: i, available: len(s.People)}, false
		}
		for range s.Need {
			matching.candidates = append(matching.candidates, s.People)
		}
	}
	matched := matching.maximum()
	return shortfall{step: allSteps, available: matched}, matched == len(matching.candidates)
}

// bipartiteMatching assigns a person of its own to each approval, by augmenting paths.
type bipartiteMatching struct {
	candidates [][]string     // by approval: who may give it
	assigned   map[string]int // by person: the approval
}

// maximum returns how many approvals can have a person at the same time.
func (m *bipartiteMatching) maximum() int {
	for approval := range m.candidates {
		m.assign(approval, map[string]bool{})
	}
	return len(m.assigned)
}

// assign finds a person for one approval, moving others where that frees one.
func (m *bipartiteMatching) assign(approval int, tried map[string]bool) bool {
	for _, person := range m.candidates[approval] {
		if tried[person] {
			continue
		}
		tried[person] = true
		other, taken := m.assigned[person]
		if !taken || m.assign(other, tried) {
			m.assigned[person] = approval
			return true
		}
	}
	return false
}

// withoutPeople is a copy of the step that shares nothing with s and lacks these people.
func withoutPeople(s access.ApprovalStep, people ...string) access.ApprovalStep {
	s.Groups = slices.Clone(s.Groups)
	s.People = slices.DeleteFunc(append([]string{}, s.People...), func(person string) bool {
		return slices.Contains(people, person)
	})
	return s
}

// totalNeed is how many approvals the steps need together.
func totalNeed(steps []access.ApprovalStep) int {
	n := 0
	for _, s := range steps {
		n += s.Need
	}
	return n
}
