package access

import "slices"

// endReplacedLease ends the lease that a permanent grant with the same id replaces, such as
// a break-glass lease after its review. It returns false if that lease was lost: the role
// was removed meanwhile, and the grant must not bring it back.
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
