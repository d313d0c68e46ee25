package access

import "slices"

// endReplacedLease ends the lease that a grant for good takes the place of: a role that was given
// until somebody has looked at it. What others have taken away meanwhile is not given
// again; then nothing is done.
func (s *Step) endReplacedLease(c Change) bool {
	i := s.Next.find(c.Lease.ID)
	if i < 0 {
		return true
	}
	lost := s.Next.Leases[i].Lost
	s.Next.Leases = slices.Delete(slices.Clone(s.Next.Leases), i, i+1)
	if lost {
		s.Outcome = Superseded
	}
	return !lost
}
