package access

import "slices"

// Op is what a change does to a principal.
type Op string

// The operations.
const (
	OpGrant   Op = "grant"   // grant a role permanently
	OpAcquire Op = "acquire" // begin a lease on a role
	OpRelease Op = "release" // end a lease
	OpRevoke  Op = "revoke"  // remove a role permanently
	OpReset   Op = "reset"   // replace all roles by one
	OpDelete  Op = "delete"  // delete the principal
	OpCreate  Op = "create"  // create the principal, with one role
	// OpRotate replaces the API token of a service user by a new one. No role changes.
	OpRotate Op = "rotateToken"
)

// Known says that it is one of the operations.
func (o Op) Known() bool {
	switch o {
	case OpGrant, OpAcquire, OpRelease, OpRevoke, OpReset, OpDelete, OpCreate, OpRotate:
		return true
	}
	return false
}

// Outcome is how a change ended.
type Outcome string

// The outcomes.
const (
	Applied       Outcome = "applied"       // written and read back
	AlreadyHeld   Outcome = "alreadyHeld"   // the principal already had the role
	Released      Outcome = "released"      // the role is gone from the scope
	StillHeld     Outcome = "stillHeld"     // the lease ended; another lease or the baseline keeps the role
	Superseded    Outcome = "superseded"    // the scope was changed otherwise meanwhile; that change stands
	NotApplied    Outcome = "notApplied"    // the lease never began, so there was nothing to undo
	Removed       Outcome = "removed"       // the role was removed, and read back as absent
	AlreadyAbsent Outcome = "alreadyAbsent" // the principal did not have the role
	Deleted       Outcome = "deleted"       // the principal was deleted
	Created       Outcome = "created"       // the principal was created, with its role
	Rotated       Outcome = "rotated"       // the service user has a new API token; the old one is void
	LastRoleStays Outcome = "lastRole"      // refused: the principal would have no role left
	PlanChanged   Outcome = "changed"       // not done: the principal changed after the approval
	NotBaseline   Outcome = "notBaseline"   // refused: a reset would give a role that needs approval
	NoReturn      Outcome = "noReturn"      // refused: no role would be left when leases end
	RolesConflict Outcome = "conflicts"     // refused: separation of duties
	LevelDiffers  Outcome = "levelChange"   // refused: the principal would move to another level
	Unauthorized  Outcome = "unauthorized"  // refused: the ledger does not show the authority for it
)

// ClaimsAbsence says that the outcome claims that something is gone: a role from its scope, or the
// principal itself. A second read confirms it.
func (o Outcome) ClaimsAbsence() bool {
	return o == Released || o == Removed || o == AlreadyAbsent || o == Deleted
}

// LastRoleRule says what to do when a change would remove the last role of a principal: a
// console accepts no empty list.
type LastRoleRule string

// The rules for the last role.
const (
	LastRoleStop      LastRoleRule = "stop"      // refuse the change
	LastRoleDowngrade LastRoleRule = "downgrade" // leave one other role
	LastRoleDelete    LastRoleRule = "delete"    // delete the principal
)

// Rules are the limits that the policy and the requester set on a change.
type Rules struct {
	// AllowLevelChange lets a grant move the principal to another level. The principal
	// loses all roles at its current level.
	AllowLevelChange bool `json:"allowLevelChange,omitempty"`
	// LastRole applies when no role would be left; empty means [LastRoleStop].
	LastRole LastRoleRule `json:"lastRole,omitempty"`
	// Downgrade is the role that [LastRoleDowngrade] leaves.
	Downgrade *Holding `json:"downgrade,omitempty"`
	// BaselineApproved lets a reset leave a role that is not in the baseline: the policy gives it
	// to the principal without approval.
	BaselineApproved bool `json:"baselineApproved,omitempty"`
	// Separate lists the roles that one principal may not hold together with the granted one.
	Separate []Separation `json:"separate,omitempty"`
}

// Change is one operation on the roles of a principal.
type Change struct {
	Op    Op    `json:"op"`
	Lease Lease `json:"lease"` // grant, revoke and reset use its holding, and grant its id to replace a lease
	// Also lists a lease for each further scope of a request that names several, of the same
	// level and role. They begin and end with Lease, in one write.
	Also  []Lease `json:"also,omitempty"`
	Rules Rules   `json:"rules"`
}

// Step is a change worked out for the current access of a principal. Before and After are
// complete lists, as the console is read and written.
type Step struct {
	Before  Holdings `json:"before"`
	After   Holdings `json:"after"`
	Outcome Outcome  `json:"outcome"`
	// Delete is set if the step deletes the principal; After is then empty.
	Delete bool `json:"delete,omitempty"`
	// LevelChange is set if After is at another level than Before.
	LevelChange bool `json:"levelChange,omitempty"`
	// Loses lists the roles in Before that After lacks, without the one that the request
	// names.
	Loses []HeldRole `json:"loses,omitempty"`
	// LastRole is the rule that was applied because no role would be left; else empty.
	LastRole LastRoleRule `json:"lastRole,omitempty"`
	// Conflicts are the rules of [Rules.Separate] that forbid the step.
	Conflicts []Separation `json:"conflicts,omitempty"`
	// Drift has one sentence for each hand edit since the last read.
	Drift []string `json:"drift,omitempty"`
	// Scopes has the outcome at each scope, if the change names several; Outcome sums them up.
	Scopes []ScopeOutcome `json:"scopes,omitempty"`
	// Next is the state after the step is applied.
	Next OwnershipState `json:"next"`

	absorbed *OwnershipState // the state before the step; nil after decoding
}

// Refused says whether a rule forbids the step. It then changes nothing.
func (s Step) Refused() bool { return s.Outcome.Refused() }

// Refused says whether a rule forbade the change, so that nothing was done.
func (o Outcome) Refused() bool {
	return o == LastRoleStays || o == LevelDiffers || o == RolesConflict || o == Unauthorized ||
		o == NotBaseline || o == NoReturn
}

// Writes says whether the step changes the console.
func (s Step) Writes() bool { return s.Delete || !s.Before.Equal(s.After) }

// Landed says whether the console shows the result of the step. It compares only the
// scopes that the step changes: other scopes may have changed since.
func (s Step) Landed(actual Holdings) bool {
	if s.Before.IsBrief() || s.After.IsBrief() {
		return actual.Equal(s.After)
	}
	if len(s.After.Held) > 0 && actual.Level != s.After.Level {
		return false
	}
	before, after, shown := s.Before.byScope(), s.After.byScope(), actual.byScope()
	for _, at := range scopes(s.Before, s.After) {
		if want := after[at]; !slices.Equal(before[at], want) && !slices.Equal(shown[at], want) {
			return false
		}
	}
	return true
}

// Apply works out a change on the access that the console shows. It changes nothing
// itself. After is never an empty list, except where the principal is deleted, and never
// mixes levels.
func (t OwnershipState) Apply(c Change, actual Holdings) Step {
	if len(c.Also) > 0 {
		return t.applyEach(c, actual)
	}
	next, drift := t.Absorb(actual)
	s := Step{Before: actual.Normal(), After: actual.Normal(), Drift: drift, Next: next, absorbed: &next}
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
	case OpCreate: // there is no access yet to change
	case OpRotate: // no role changes
		s.Outcome = Rotated
	}
	s.checkSeparation(c)
	s.checkReturn(c)
	if s.Refused() {
		s.After, s.Next = s.Before, next
		return s
	}
	s.finish(c)
	return s
}

// finish fills in the fields that follow from Before and After.
func (s *Step) finish(c Change) {
	s.LevelChange = len(s.After.Held) > 0 && len(s.Before.Held) > 0 && s.Before.Level != s.After.Level
	left, named := s.After.roles(), c.Holdings()
	for _, h := range s.Before.Held {
		lost := Holding{Level: s.Before.Level, RoleID: h.RoleID, ScopeID: h.ScopeID}
		if !left[lost] && (!slices.Contains(named, lost) || c.Op == OpReset) {
			s.Loses = append(s.Loses, h)
		}
	}
	s.Next.Proven = s.After
}

// refuseLevelChange refuses a grant that would change the level without permission, and
// says whether it did.
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

// grant makes the role part of the baseline. It ends the claims of leases with other roles
// at that scope, and of all leases at another level.
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
	if i := s.Next.find(c.Lease.ID); i >= 0 { // acquired again
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

// revoke removes the role from the baseline and from every lease that claims it.
func (s *Step) revoke(c Change) {
	s.Next.Baseline = s.Next.Baseline.without(c.Lease.Holding)
	s.loseLeases(func(l Lease) bool { return l.Holding == c.Lease.Holding })
	s.Outcome = Removed
	if !s.Before.Holds(c.Lease.Holding) {
		s.Outcome = AlreadyAbsent
	}
	s.After = s.Next.Desired() // also of a role that is not shown: its lease may have hidden others
	s.applyLastRoleRule(c)
}

// reset replaces all roles, leased ones too, by one. That must be a role of the baseline: one
// that only a lease holds would become permanent without approval.
func (s *Step) reset(c Change) {
	if !s.Next.Baseline.Holds(c.Lease.Holding) && !c.Rules.BaselineApproved {
		s.Outcome = NotBaseline
		return
	}
	s.After = Holdings{Level: c.Lease.Level, Held: []HeldRole{c.Lease.entry()}}
	s.Next.Baseline = s.After
	s.loseLeases(func(Lease) bool { return true })
	s.Outcome = Applied
	if s.Before.Equal(s.After) {
		s.Outcome = AlreadyHeld
	}
}

// deletePrincipal deletes the principal. Every lease is lost.
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

// applyLastRoleRule applies the rule for the last role if none would be left, and says
// whether it did.
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

// ChangeKey names one change of a lease: what is done twice under it is done once. The
// lease's id holds the request and its run.
func ChangeKey(lease string, op Op) string { return lease + "/" + string(op) }
