package policy

import (
	"slices"

	"sentinelone-provisioner/internal/access"
)

// enough says whether the people of all steps suffice, when each of them decides once.
// If not, it says which step alone has too few people, or -1 for all together, and how
// many there are.
func enough(steps []access.ApprovalStep) (step, most int, ok bool) {
	for i, s := range steps {
		if !s.Anyone() && len(s.People) < s.Need {
			return i, len(s.People), false
		}
	}
	seats := seating{taken: map[string]int{}}
	for _, s := range steps {
		for range s.Need {
			if s.Anyone() { // somebody is always left
				break
			}
			seats.people = append(seats.people, s.People)
		}
	}
	ok = true
	for i := range seats.people {
		ok = seats.find(i, map[string]bool{}) && ok
	}
	return -1, len(seats.taken), ok
}

// seating gives each approval that is needed a person of its own: a bipartite
// matching by augmenting paths.
type seating struct {
	people [][]string     // by seat, who may take it
	taken  map[string]int // by person, the seat
}

func (s *seating) find(seat int, tried map[string]bool) bool {
	for _, person := range s.people[seat] {
		if tried[person] {
			continue
		}
		tried[person] = true
		other, taken := s.taken[person]
		if !taken || s.find(other, tried) {
			s.taken[person] = seat
			return true
		}
	}
	return false
}

// without is the step with some people taken out; it shares nothing with s.
func without(s access.ApprovalStep, people ...string) access.ApprovalStep {
	s.Groups = slices.Clone(s.Groups)
	s.People = slices.DeleteFunc(append([]string{}, s.People...), func(p string) bool {
		return slices.Contains(people, p)
	})
	return s
}
