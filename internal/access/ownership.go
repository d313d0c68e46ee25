package access

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Lease is a claim of one grant on a role at a scope until it is released.
type Lease struct {
	Holding

	ID string `json:"id"` // of the grant
	// End is when the grant means to release it. Where it is zero, that is so long after
	// the acquisition as For says.
	End time.Time `json:"end,omitzero"`
	For Duration  `json:"for,omitzero"`
	// Lost leases hold nothing any more: someone changed their scope by hand, or a
	// permanent grant took it over.
	Lost bool `json:"lost,omitempty"`
}

// OwnershipState is what is known of one principal between two changes: whose its roles
// are. It is a value; every method returns a new one.
//
// The rules, which [OwnershipState.Desired] spells out: without leases the principal holds
// its baseline. Each live lease, oldest first, replaces what its scope holds; one at
// another level replaces everything. So of two leases at one scope the later one
// holds while it lives, and when it ends the earlier one is back if it still lives,
// else the baseline. Roles that several leases claim stay until the last one ends.
type OwnershipState struct {
	// Baseline is what the principal would hold without leases.
	Baseline Holdings `json:"baseline"`
	// Leases are in the order in which they began.
	Leases []Lease `json:"leases,omitempty"`
	// Proven is what the console was last proven to show; Known says that it was.
	Proven Holdings `json:"proven"`
	Known  bool     `json:"known,omitempty"`
	// Prior is what it showed before our last write, and WrittenAt when that was.
	Prior     Holdings  `json:"prior"`
	WrittenAt time.Time `json:"writtenAt,omitzero"`
}

// Desired is what the console should show.
func (t OwnershipState) Desired() Holdings {
	out := t.Baseline.Normal()
	for _, l := range t.Leases {
		if !l.Lost {
			out = out.with(l.Scope(), l.entry())
		}
	}
	return out
}

// Lease finds a lease.
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

// Digest is the same for the same knowledge.
func (t OwnershipState) Digest() string { return digest(t) }

// IsStaleRead says whether the console shows what it showed before our last write,
// which was less than so long ago: one that is slow to show writes does that too.
func (t OwnershipState) IsStaleRead(actual Holdings, now time.Time, within time.Duration) bool {
	return t.Known && !t.WrittenAt.IsZero() && now.Sub(t.WrittenAt) < within &&
		actual.Equal(t.Prior) && !actual.Equal(t.Proven)
}

// Absorb takes in what the console shows now. What differs from what it was last
// proven to show was changed by hand and stands: it becomes part of the baseline, and
// the leases at that scope are lost. It returns a sentence for each such change.
// Afterwards Desired is what the console shows.
func (t OwnershipState) Absorb(actual Holdings) (OwnershipState, []string) {
	actual = actual.Normal()
	if !t.Known {
		t.Baseline, t.Leases = actual, nil
		t.Proven, t.Known = actual, true
		return t, nil
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
	for _, s := range scopes(t.Proven, actual) {
		was, is := t.Proven.at(s), actual.at(s)
		if slices.Equal(was, is) {
			continue
		}
		drift = append(drift, fmt.Sprintf("at %s someone changed %s to %s", s, roleIDs(was), roleIDs(is)))
		t.disownScope(s, is)
	}
	t.Proven = actual
	if !t.Desired().Equal(actual) { // a mixture that no rule explains: then nothing is ours
		return t.disown(actual), drift
	}
	return t, drift
}

// disownScope gives a scope up to whoever changed it.
func (t *OwnershipState) disownScope(s Scope, is []HeldRole) {
	if t.Baseline.Level == s.Level {
		t.Baseline = t.Baseline.with(s, is...)
	} else if len(is) > 0 {
		// Roles of the baseline's level cannot come back beside these.
		t.Baseline = Holdings{Level: s.Level, Held: is}.Normal()
	}
	for i := range t.Leases {
		if t.Leases[i].Scope() == s {
			t.Leases[i].Lost = true
		}
	}
}

// disown takes what the console shows as nobody's.
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

// AdoptLease takes over a lease that some earlier knowledge of this principal held:
// before is what the principal held when it was acquired. What has been read since
// may count its role as the principal's own; it is the lease's.
func (t OwnershipState) AdoptLease(l Lease, before Holdings) OwnershipState {
	if t.find(l.ID) >= 0 {
		return t
	}
	switch {
	case !t.Known:
		t = OwnershipState{Known: true, Baseline: before.Normal()}
		t.Leases = []Lease{l}
		t.Proven = t.Desired()
		return t
	case !t.Baseline.Holds(l.Holding):
		return t // someone else has changed that scope since
	case t.Baseline.Level == before.Level:
		t.Baseline = t.Baseline.with(l.Scope(), before.at(l.Scope())...)
	case len(t.Baseline.Held) == 1:
		t.Baseline = before.Normal()
	default:
		return t // others have given it roles at the new level, which cannot stand beside those of before
	}
	t.Leases = append([]Lease{l}, t.Leases...)
	return t
}
