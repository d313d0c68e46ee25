package access

// AdoptLease adds a lease that an earlier writer gave and whose state is lost. before is
// the access of the principal without our leases when the lease was acquired: the baseline of
// the state in its proof.
//
// The lost lease's role counts as baseline if the console was read since: AdoptLease gives it
// back to the lease; before the first read, that read does so. It returns the state unchanged
// if the lease is known, or if hand edits since leave no role for it to claim.
func (t OwnershipState) AdoptLease(l Lease, before Holdings) OwnershipState {
	if t.find(l.ID) >= 0 {
		return t
	}
	if !t.Known {
		t.Baseline = before.Normal()
	} else if t.Baseline.Holds(l.Holding) {
		t.Baseline = t.Baseline.giveBack(l, before)
	} else {
		return t // the scope was edited by hand since
	}
	t.Leases = append([]Lease{l}, t.Leases...)
	return t
}

// giveBack is the baseline without a role that is a lease's, and with what that replaced. Where
// other roles are at the level to which the lease has moved the principal, those of the old
// level cannot come back beside them. Where nothing would be left, everything comes back.
func (r Holdings) giveBack(l Lease, before Holdings) Holdings {
	left := r.without(l.Holding)
	if r.Level == before.Level {
		left = r.with(l.Scope(), before.at(l.Scope())...)
	}
	if len(left.Held) == 0 {
		return before.Normal()
	}
	return left
}

// WithoutLists is the state of a principal whose baseline cannot be had any more: its live leases
// alone. The next read makes everything baseline that they do not claim, and what they replaced
// does not come back.
func (t OwnershipState) WithoutLists() OwnershipState {
	var out OwnershipState
	for _, l := range t.Leases {
		if l.live() {
			out.Leases = append([]Lease{l}, out.Leases...) // as firstRead takes them
		}
	}
	return out
}

// firstRead makes everything that the console shows baseline, apart from the leases that were
// adopted before. One whose role is not shown is lost.
func (t OwnershipState) firstRead(actual Holdings) OwnershipState {
	adopted, before := t.Leases, t.Baseline
	t.Baseline, t.Proven, t.Leases, t.Known = actual, actual, nil, true
	for _, l := range adopted {
		if t = t.AdoptLease(l, before); t.find(l.ID) < 0 {
			l.Lost = true
			t.Leases = append([]Lease{l}, t.Leases...)
		}
	}
	return t
}
