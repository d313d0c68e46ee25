package access

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Lease is the claim of one grant on a role at a scope, until it is released.
type Lease struct {
	Holding

	ID string `json:"id"` // of the grant
	// End is when the grant releases it. If it is zero, the lease ends For after it was
	// acquired.
	End time.Time `json:"end,omitzero"`
	For Duration  `json:"for,omitzero"`
	// Lost is set when the lease no longer claims its role: someone edited its scope by
	// hand, or a revoke or a permanent grant replaced it.
	Lost bool `json:"lost,omitempty"`
	// Over is set when the lease's time is over while another role stands at its scope: when
	// that ends, its role does not come back.
	Over bool `json:"over,omitempty"`
}

// OwnershipState says whose the roles of one principal are, between two changes: the
// baseline's or a lease's. It is a value: every exported method returns a new one.
//
// [OwnershipState.Desired] implements the rules. Without leases the principal holds its
// baseline. Each live lease, oldest first, replaces the roles at its scope; a lease at
// another level replaces all roles. Of two leases at one scope, the later one applies
// until it ends; then the earlier one applies again if it is still live, else the
// baseline. A role that several leases claim stays until the last of them ends.
type OwnershipState struct {
	// Baseline is the access that the principal has without leases.
	Baseline Holdings `json:"baseline"`
	// Leases are sorted by their start, oldest first. Lost leases stay until their release.
	Leases []Lease `json:"leases,omitempty"`
	// Proven is the access that the console showed when it was last read or written; Known
	// is false before the first read.
	Proven Holdings `json:"proven"`
	Known  bool     `json:"known,omitempty"`
	// Prior is the access before our last write, WrittenAt the time of that write.
	Prior     Holdings  `json:"prior"`
	WrittenAt time.Time `json:"writtenAt,omitzero"`
}

// Desired is the access that the console should show: the baseline with the live leases
// applied to it.
func (t OwnershipState) Desired() Holdings {
	out := t.Baseline.Normal()
	for _, l := range t.Leases {
		if l.live() {
			out = out.with(l.Scope(), l.entry())
		}
	}
	return out
}

// WithOver is the state with the leases of those ids marked as over.
func (t OwnershipState) WithOver(ids ...string) OwnershipState {
	t.Leases = slices.Clone(t.Leases)
	for i, l := range t.Leases {
		t.Leases[i].Over = l.Over || slices.Contains(ids, l.ID)
	}
	return t
}

// LeasesOnly is the state without all that is known besides the leases.
func (t OwnershipState) LeasesOnly() OwnershipState { return OwnershipState{Leases: t.Leases} }

// Lease finds a lease, live or lost, by the id of its grant.
func (t OwnershipState) Lease(id string) (Lease, bool) {
	i := t.find(id)
	if i < 0 {
		return Lease{}, false
	}
	return t.Leases[i], true
}

func (t OwnershipState) find(id string) int {
	return slices.IndexFunc(t.Leases, func(l Lease) bool { return l.ID == id })
}

// Digest is the SHA-256, in hex, of the state's JSON: equal states have equal digests.
func (t OwnershipState) Digest() string { return digest(t) }

// Restore is the step that makes the console show what it should, and changes nothing else: where it shows something
// else, that was no hand edit. After may be empty.
func (t OwnershipState) Restore(actual Holdings) Step {
	s := Step{Before: actual.Normal(), After: t.Desired(), Outcome: Applied, Next: t}
	s.finish(Change{})
	return s
}

// IsStaleRead says whether the console shows the access of before our last write, and the
// write is younger than within. A console that is slow to show a write looks the same as a
// hand edit that undoes it; an older write is taken for shown.
func (t OwnershipState) IsStaleRead(actual Holdings, now time.Time, within time.Duration) bool {
	return t.Known && !t.WrittenAt.IsZero() && now.Sub(t.WrittenAt) < within &&
		actual.Equal(t.Prior) && !actual.Equal(t.Proven)
}

// Absorb updates the state from a read of the console, and returns one sentence for each
// hand edit (drift), of at most [MaxListed] scopes. A difference from the proven access is a hand edit and stands: it
// becomes part of the baseline, and the leases at its scope are lost. Afterwards Desired
// equals actual. The first read makes everything baseline that no adopted lease claims.
func (t OwnershipState) Absorb(actual Holdings) (OwnershipState, []string) {
	actual = actual.Normal()
	if !t.Known {
		return t.firstRead(actual), nil
	}
	if actual.Equal(t.Proven) {
		return t, nil
	}
	t.Leases = slices.Clone(t.Leases)
	var drift []string
	if actual.Level != t.Proven.Level && len(actual.Held) > 0 && len(t.Proven.Held) > 0 {
		drift = append(drift, fmt.Sprintf(
			"someone moved the principal from %s to %s level", t.Proven.Level, actual.Level))
		return t.disown(actual), drift
	}
	was, is := t.Proven.byScope(), actual.byScope()
	var edited []Scope
	for _, s := range scopes(t.Proven, actual) {
		if slices.Equal(was[s], is[s]) {
			continue
		}
		edited = append(edited, s)
		if len(edited) <= MaxListed {
			drift = append(drift, fmt.Sprintf("at %s someone changed %s to %s", s, roleIDs(was[s]), roleIDs(is[s])))
		}
	}
	if more := len(edited) - MaxListed; more > 0 {
		drift = append(drift, fmt.Sprintf("someone changed the roles at %d more scopes", more))
	}
	t.disownScopes(edited, is)
	t.Proven = actual
	if !t.Desired().Equal(actual) {
		t.explain(actual)
	}
	return t, drift
}

// explain accounts for a mixture that no rule explains, such as roles added by hand beside a
// lease that hides others. Leases whose role is shown keep their claim, since their end must
// remove it; hidden leases lose theirs. What no lease claims is baseline.
func (t *OwnershipState) explain(actual Holdings) {
	claimed := map[Scope]bool{}
	for i, l := range t.Leases {
		t.Leases[i].Lost = l.Lost || !actual.Holds(l.Holding)
		if !t.Leases[i].Lost {
			claimed[l.Scope()] = true
		}
	}
	base := Holdings{Level: actual.Level}
	for _, h := range actual.Held {
		if !claimed[Scope{Level: actual.Level, ID: h.ScopeID}] {
			base.Held = append(base.Held, h)
		}
	}
	switch {
	case t.Baseline.Level == actual.Level: // what kept leases replace comes back after them
		for _, h := range t.Baseline.Held {
			if claimed[Scope{Level: actual.Level, ID: h.ScopeID}] {
				base.Held = append(base.Held, h)
			}
		}
	case len(base.Held) == 0: // only leases are shown: the baseline of another level comes back after them
		return
	}
	t.Baseline = base.Normal()
}

// disownScopes makes the entries at scopes that were edited by hand part of the baseline, and
// ends the claims of leases on those scopes. All of them are at one level.
func (t *OwnershipState) disownScopes(edited []Scope, is map[Scope][]HeldRole) {
	if len(edited) == 0 {
		return
	}
	ours := map[Scope]bool{}
	found := Holdings{Level: edited[0].Level}
	for _, s := range edited {
		ours[s] = true
		found.Held = append(found.Held, is[s]...)
	}
	if t.Baseline.Level == found.Level {
		for _, h := range t.Baseline.Held {
			if !ours[Scope{Level: found.Level, ID: h.ScopeID}] {
				found.Held = append(found.Held, h)
			}
		}
		t.Baseline = found.Normal()
	} else if len(found.Held) > 0 {
		// A principal has one level: the old baseline cannot come back beside these roles.
		t.Baseline = found.Normal()
	}
	for i := range t.Leases {
		if ours[t.Leases[i].Scope()] {
			t.Leases[i].Lost = true
		}
	}
}

// disown makes everything that the console shows baseline, and ends the claim of every
// lease.
func (t OwnershipState) disown(actual Holdings) OwnershipState {
	t.Leases = slices.Clone(t.Leases)
	for i := range t.Leases {
		t.Leases[i].Lost = true
	}
	t.Baseline, t.Proven = actual, actual
	return t
}

func roleIDs(held []HeldRole) string {
	if len(held) == 0 {
		return "nothing"
	}
	ids := make([]string, len(held))
	for i, h := range held {
		ids[i] = "role " + h.RoleID
	}
	return strings.Join(ids, " and ")
}
