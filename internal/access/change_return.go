package access

import "slices"

// checkReturn refuses a change that would make the release of a lease impossible: once the last
// lease has ended, the baseline must have a role, because a console accepts no empty list. It
// refuses a lease that would be the only access, unless the policy's rule for the last role says
// what is left then, and a revoke of the last role of the baseline while a lease is in force. A
// lease that is held already may be acquired again, as an extension does.
func (s *Step) checkReturn(c Change) {
	if s.Refused() || len(s.Next.Baseline.Held) > 0 {
		return
	}
	switch c.Op { //nolint:exhaustive // no other change takes from the baseline, or begins a lease
	case OpAcquire:
		if _, held := s.absorbed.Lease(c.Lease.ID); !held && !c.Rules.settlesLastRole() {
			s.Outcome = NoReturn
		}
	case OpRevoke:
		if s.absorbed.Baseline.Holds(c.Lease.Holding) && slices.ContainsFunc(s.Next.Leases, Lease.live) {
			s.Outcome = NoReturn
		}
	}
}

// settlesLastRole says whether the rule for the last role says what to do, other than to stop.
func (r Rules) settlesLastRole() bool {
	return r.LastRole == LastRoleDelete || r.LastRole == LastRoleDowngrade && r.Downgrade != nil
}

// live says whether the lease claims its role.
func (l Lease) live() bool { return !l.Lost && !l.Over }
