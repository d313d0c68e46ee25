package access

import (
	"fmt"
	"slices"
	"strings"
)

// Op is what a change does to a principal.
type Op string

// The operations.
const (
	OpGrant   Op = "grant"   // give a role for good
	OpAcquire Op = "acquire" // give a role until it is released
	OpRelease Op = "release" // end what was acquired
	OpRevoke  Op = "revoke"  // take a role away for good
	OpReset   Op = "reset"   // leave one role, and nothing else
	OpDelete  Op = "delete"  // delete the principal
	OpCreate  Op = "create"  // make the principal, with one role
)

// Outcome is what a change came to.
type Outcome string

// The outcomes.
const (
	Applied       Outcome = "applied"       // written and read back
	AlreadyHeld   Outcome = "alreadyHeld"   // the console showed it before anything was written
	Released      Outcome = "released"      // the role is gone from the scope
	StillHeld     Outcome = "stillHeld"     // another lease, or what was there before, holds the same role
	Superseded    Outcome = "superseded"    // someone else changed the scope meanwhile; that stands
	NotApplied    Outcome = "notApplied"    // nothing was given, so nothing had to be undone
	Removed       Outcome = "removed"       // taken away and read back
	AlreadyAbsent Outcome = "alreadyAbsent" // the console did not show it
	Deleted       Outcome = "deleted"       // the principal itself is gone
	Created       Outcome = "created"       // the principal was made, with its role
	LastRoleStays Outcome = "lastRole"      // nothing was done: it would leave the principal without a role
	PlanChanged   Outcome = "changed"       // nothing was done: the principal is not as it was when people consented
	RolesConflict Outcome = "conflicts"     // nothing was done: nobody may hold the role beside another one
	LevelDiffers  Outcome = "levelChange"   // nothing was done: it would move the principal to another level
)

// LastRoleRule says what happens when a change would leave a principal without a
// role, which a console has no list for.
type LastRoleRule string

// The rules.
const (
	LastRoleStop      LastRoleRule = "stop"
	LastRoleDowngrade LastRoleRule = "downgrade"
	LastRoleDelete    LastRoleRule = "delete"
)

// Rules say how far a change may go.
type Rules struct {
	// AllowLevelChange lets a grant move the principal to another level, which costs
	// it every role of the one it leaves.
	AllowLevelChange bool `json:"allowLevelChange,omitempty"`
	// LastRole is stop if empty.
	LastRole LastRoleRule `json:"lastRole,omitempty"`
	// Downgrade is the role that LastRoleDowngrade leaves.
	Downgrade *Holding `json:"downgrade,omitempty"`
	// Separate are the roles that nobody may hold beside the one that is given.
	Separate []Separation `json:"separate,omitempty"`
}

// Change is one thing to do to a principal.
type Change struct {
	Op    Op    `json:"op"`
	Lease Lease `json:"lease"` // of grant, revoke and reset the holding alone counts
	Rules Rules `json:"rules"`
}

// Step is what a change means for what a principal holds now. Before and After are
// whole lists, as they are read and written.
type Step struct {
	Before  Holdings `json:"before"`
	After   Holdings `json:"after"`
	Outcome Outcome  `json:"outcome"`
	// Delete says that the principal itself is deleted; After is empty then.
	Delete bool `json:"delete,omitempty"`
	// LevelChange says that After is at another level than Before.
	LevelChange bool `json:"levelChange,omitempty"`
	// Loses lists what is held before and not after, other than what was asked for.
	Loses []HeldRole `json:"loses,omitempty"`
	// LastRole says that the rule for the last role decided.
	LastRole LastRoleRule `json:"lastRole,omitempty"`
	// Conflicts are the rules of [Rules.Separate] that forbid it.
	Conflicts []Separation `json:"conflicts,omitempty"`
	// Drift says what someone has changed by hand since our last look.
	Drift []string `json:"drift,omitempty"`
	// Next is what is known once the step is done.
	Next OwnershipState `json:"next"`
}

// Refused says that the step does nothing because a rule forbids it.
func (s Step) Refused() bool { return s.Outcome.Refused() }

// Refused says that nothing was done because a rule forbids it.
func (o Outcome) Refused() bool { return o == LastRoleStays || o == LevelDiffers || o == RolesConflict }

// Writes says whether the console has to be changed.
func (s Step) Writes() bool { return s.Delete || !s.Before.Equal(s.After) }

// Landed says whether the console shows what the step would have made of it: the
// scopes that it changes, since others may have changed the rest.
func (s Step) Landed(actual Holdings) bool {
	if len(s.After.Held) > 0 && actual.Level != s.After.Level {
		return false
	}
	for _, at := range scopes(s.Before, s.After) {
		if want := s.After.at(at); !slices.Equal(s.Before.at(at), want) && !slices.Equal(actual.at(at), want) {
			return false
		}
	}
	return true
}

// Apply works out a change from what the console shows. It never plans an empty
// list and never a mixture of levels.
func (t OwnershipState) Apply(c Change, actual Holdings) Step {
	next, drift := t.Absorb(actual)
	s := Step{Before: actual.Normal(), After: actual.Normal(), Drift: drift, Next: next}
	switch c.Op {
	case OpGrant:
		s.grant(c)
	case OpAcquire:
		s.acquire(c)
	case OpRelease:
		s.release(c)
	case OpRevoke:
		s.revoke(c)
	case OpReset:
		s.reset(c)
	case OpDelete:
		s.deletePrincipal()
	case OpCreate: // is no change of what somebody holds
	}
	s.checkSeparation(c)
	if s.Refused() {
		s.After, s.Next = s.Before, next
		return s
	}
	s.finish(c)
	return s
}

// finish fills in what follows from before and after.
func (s *Step) finish(c Change) {
	s.LevelChange = len(s.After.Held) > 0 && len(s.Before.Held) > 0 && s.Before.Level != s.After.Level
	for _, h := range s.Before.Held {
		lost := Holding{Level: s.Before.Level, RoleID: h.RoleID, ScopeID: h.ScopeID}
		if !s.After.Holds(lost) && (lost != c.Lease.Holding || c.Op == OpReset) {
			s.Loses = append(s.Loses, h)
		}
	}
	s.Next.Proven = s.After
}

// refuseLevelChange says whether giving the holding would change the level, which some rule
// must allow.
func (s *Step) refuseLevelChange(c Change) bool {
	if len(s.Before.Held) == 0 || s.Before.Level == c.Lease.Level || c.Rules.AllowLevelChange {
		return false
	}
	s.Outcome = LevelDiffers
	return true
}

func (s *Step) grantOutcome(c Change) Outcome {
	if s.Before.Holds(c.Lease.Holding) {
		return AlreadyHeld
	}
	return Applied
}

// grant makes the role part of the baseline. Leases with other roles at that scope,
// or at another level, are lost to it.
func (s *Step) grant(c Change) {
	if s.refuseLevelChange(c) || !s.endReplacedLease(c) {
		return
	}
	s.Outcome = s.grantOutcome(c)
	s.Next.Baseline = s.Next.Baseline.with(c.Lease.Scope(), c.Lease.entry())
	s.loseLeases(func(l Lease) bool {
		return l.Level != c.Lease.Level || l.Scope() == c.Lease.Scope() && l.RoleID != c.Lease.RoleID
	})
	s.After = s.Next.Desired()
}

func (s *Step) acquire(c Change) {
	if s.refuseLevelChange(c) {
		return
	}
	s.Outcome = s.grantOutcome(c)
	s.Next.Leases = slices.Clone(s.Next.Leases)
	if i := s.Next.find(c.Lease.ID); i >= 0 { // said twice
		s.Next.Leases = slices.Delete(s.Next.Leases, i, i+1)
	}
	s.Next.Leases = append(s.Next.Leases, c.Lease)
	s.After = s.Next.Desired()
}

func (s *Step) release(c Change) {
	i := s.Next.find(c.Lease.ID)
	if i < 0 {
		s.Outcome = NotApplied
		return
	}
	lease := s.Next.Leases[i]
	s.Next.Leases = slices.Delete(slices.Clone(s.Next.Leases), i, i+1)
	if lease.Lost {
		s.Outcome = Superseded
		return
	}
	s.Outcome = Released
	s.After = s.Next.Desired()
	if s.applyLastRoleRule(c) {
		return
	}
	if s.After.Holds(lease.Holding) {
		s.Outcome = StillHeld
	}
}

// revoke takes the role from the baseline and from every lease that claims it.
func (s *Step) revoke(c Change) {
	s.Next.Baseline = s.Next.Baseline.without(c.Lease.Holding)
	s.loseLeases(func(l Lease) bool { return l.Holding == c.Lease.Holding })
	if !s.Before.Holds(c.Lease.Holding) {
		s.Outcome = AlreadyAbsent
		return
	}
	s.Outcome = Removed
	s.After = s.Next.Desired()
	s.applyLastRoleRule(c)
}

// reset leaves the one role, whatever the principal holds and whoever leases it.
func (s *Step) reset(c Change) {
	s.After = Holdings{Level: c.Lease.Level, Held: []HeldRole{c.Lease.entry()}}
	s.Next.Baseline = s.After
	s.loseLeases(func(Lease) bool { return true })
	s.Outcome = Applied
	if s.Before.Equal(s.After) {
		s.Outcome = AlreadyHeld
	}
}

// deletePrincipal deletes the principal, and with it whatever anybody leases.
func (s *Step) deletePrincipal() {
	s.Delete, s.Outcome = true, Deleted
	s.After = Holdings{Level: s.Before.Level, Held: []HeldRole{}}
	s.Next.Baseline = s.After
	s.loseLeases(func(Lease) bool { return true })
}

func (s *Step) loseLeases(when func(Lease) bool) {
	s.Next.Leases = slices.Clone(s.Next.Leases)
	for i, l := range s.Next.Leases {
		s.Next.Leases[i].Lost = l.Lost || when(l)
	}
}

// applyLastRoleRule applies the rule for the last role, and says whether it decided.
func (s *Step) applyLastRoleRule(c Change) bool {
	if len(s.After.Held) > 0 || len(s.Before.Held) == 0 {
		return false
	}
	s.LastRole = c.Rules.LastRole
	switch {
	case c.Rules.LastRole == LastRoleDelete:
		s.Delete, s.Outcome = true, Deleted
	case c.Rules.LastRole == LastRoleDowngrade && c.Rules.Downgrade != nil:
		d := *c.Rules.Downgrade
		s.After = Holdings{Level: d.Level, Held: []HeldRole{d.entry()}}
		s.Next.Baseline = s.After
	default:
		s.LastRole, s.Outcome = LastRoleStop, LastRoleStays
	}
	return true
}

// Describe lists what a person must know of a step before it is taken, beside
// before and after.
func (s Step) Describe() []string {
	var out []string
	if s.LevelChange {
		out = append(out, fmt.Sprintf("moves the principal from %s to %s level", s.Before.Level, s.After.Level))
	}
	if len(s.Loses) > 0 {
		lost := make([]string, len(s.Loses))
		for i, h := range s.Loses {
			lost[i] = "role " + h.RoleID + " at " + Scope{Level: s.Before.Level, ID: h.ScopeID}.String()
		}
		out = append(out, "takes away "+strings.Join(lost, ", "))
	}
	if s.Delete {
		out = append(out, "deletes the principal")
	}
	if s.LastRole == LastRoleDowngrade {
		out = append(out, "leaves the role that the last one is downgraded to")
	}
	return out
}
