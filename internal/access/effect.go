package access

import (
	"cmp"
	"fmt"
	"slices"
)

// Effect is what a request does to the access of its recipient, whatever else the recipient
// holds: what approvers see and sign. It is worked out on the baseline, without our leases:
// other grants to the same principal, and leases that begin or end, change the list that is
// written, but not the effect. All lists are sorted by level, scope and role.
type Effect struct {
	// Gains lists the requested roles, also those that the principal holds already, and the
	// role that [LastRoleDowngrade] leaves.
	Gains []Holding `json:"gains,omitempty"`
	// Loses lists the roles that the baseline loses while the change lasts, and the role that
	// is revoked.
	Loses []Holding `json:"loses,omitempty"`
	// LosesMany has those roles in the place of Loses, where they are more than [MaxListed].
	LosesMany Holdings `json:"losesMany,omitzero"`
	// Replaced lists those of Loses that are at a scope of Gains: another role takes their place.
	Replaced []Holding `json:"replaced,omitempty"`
	// LevelChange is set if the principal moves to another level.
	LevelChange *LevelChange `json:"levelChange,omitempty"`
	// LastRole is the rule that applies because no role would be left; else "".
	LastRole LastRoleRule `json:"lastRole,omitempty"`
	// Downgrade is the role that [LastRoleDowngrade] leaves.
	Downgrade *Holding `json:"downgrade,omitempty"`
	// Deletes is set if the principal is deleted.
	Deletes bool `json:"deletes,omitempty"`
}

// LevelChange is a move of a principal from one level to another.
type LevelChange struct {
	From Level `json:"from"`
	To   Level `json:"to"`
}

// EffectOf is the effect of a step that [OwnershipState.Apply] has worked out for the change.
// A step that was read back from the ledger no longer knows the leases: all of its Before then
// counts as baseline.
func EffectOf(s Step, c Change) Effect {
	base := s.Before
	if s.absorbed != nil {
		base = s.absorbed.Baseline.Normal()
	}
	var e Effect
	switch c.Op {
	case OpGrant, OpAcquire:
		e.Gains = c.Holdings()
		e.Loses = lost(base, baseWith(base, c))
	case OpReset:
		e.Gains = c.Holdings()
		e.Loses = lost(base, Holdings{Level: c.Lease.Level, Held: []HeldRole{c.Lease.entry()}})
	case OpRevoke:
		e.Loses = c.Holdings()
	case OpDelete:
		e.Loses, e.Deletes = lost(base, Holdings{}), true
	case OpCreate:
		e.Gains = c.Holdings()
	case OpRotate: // no role changes
	case OpRelease:
		e.Gains, e.Loses = lost(s.After, s.Before), lost(s.Before, s.After)
	}
	e.applyLastRole(s, c)
	e.LevelChange = levelChangeOf(e, base, s.Before)
	e.sort()
	if len(e.Loses) > MaxListed && c.Op != OpRelease { // all of them are of one list
		e.LosesMany = holdingsOf(e.Loses)
		e.Loses = nil
	}
	return e
}

// Losses lists the roles of Loses, or of LosesMany. Those of a brief list are not among them.
func (e Effect) Losses() []Holding {
	if len(e.LosesMany.Held) == 0 {
		return e.Loses
	}
	return e.LosesMany.Holdings()
}

// Holdings lists the roles held, one by one.
func (r Holdings) Holdings() []Holding {
	out := make([]Holding, len(r.Held))
	for i, h := range r.Held {
		out[i] = Holding{Level: r.Level, RoleID: h.RoleID, ScopeID: h.ScopeID}
	}
	return out
}

// holdingsOf are roles of one level as one list.
func holdingsOf(all []Holding) Holdings {
	out := Holdings{Level: all[0].Level}
	for _, h := range all {
		out.Held = append(out.Held, h.entry())
	}
	return out.Normal()
}

// baseWith is the baseline with the roles that a grant gives.
func baseWith(base Holdings, c Change) Holdings {
	for _, h := range c.Holdings() {
		base = base.with(h.Scope(), h.entry())
	}
	return base
}

// applyLastRole adds what the rule for the last role does, if the step applies it.
func (e *Effect) applyLastRole(s Step, c Change) {
	if s.LastRole == "" || s.Refused() {
		return
	}
	e.LastRole = s.LastRole
	e.Deletes = e.Deletes || s.Delete
	if s.LastRole == LastRoleDowngrade && c.Rules.Downgrade != nil {
		e.Downgrade = new(*c.Rules.Downgrade)
		e.Gains = append(e.Gains, *e.Downgrade)
	}
}

// levelChangeOf compares the level of what is gained with the baseline's, and with the level at
// which the console shows the principal: a lease of ours may have moved it.
func levelChangeOf(e Effect, base, shown Holdings) *LevelChange {
	if len(e.Gains) == 0 {
		return nil
	}
	to := e.Gains[len(e.Gains)-1].Level
	for _, from := range []Holdings{base, shown} {
		if len(from.Held) > 0 && from.Level != to {
			return &LevelChange{From: from.Level, To: to}
		}
	}
	return nil
}

func (e *Effect) sort() {
	for _, list := range [][]Holding{e.Gains, e.Loses} {
		slices.SortFunc(list, compareHoldings)
	}
	e.Gains, e.Loses = slices.Compact(e.Gains), slices.Compact(e.Loses)
	gained := map[Scope]bool{}
	for _, g := range e.Gains {
		gained[g.Scope()] = true
	}
	for _, h := range e.Loses {
		if gained[h.Scope()] {
			e.Replaced = append(e.Replaced, h)
		}
	}
}

func compareHoldings(a, b Holding) int {
	return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.ScopeID, b.ScopeID), cmp.Compare(a.RoleID, b.RoleID))
}

// lost lists what was held before and is not after.
func lost(before, after Holdings) []Holding {
	var out []Holding
	left := after.roles()
	for _, h := range before.Holdings() {
		if !left[h] {
			out = append(out, h)
		}
	}
	return out
}

// Exceeds says what the effect that a request has now does beyond the approved one e, one
// sentence each: more is lost, another role is replaced, another level, another outcome for the
// last role, or a deletion. It is nil if the approval covers it; doing less is covered. Of many
// sentences it has the first [MaxListed], and how many more there are.
func (e Effect) Exceeds(now Effect) []string {
	var out []string
	note := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	approved := map[Holding]bool{}
	for _, h := range e.Losses() {
		approved[h] = true
	}
	same := e.LosesMany.IsBrief() && e.LosesMany.Equal(now.LosesMany)
	for _, h := range now.Losses() {
		switch {
		case same || approved[h]:
		case slices.Contains(now.Replaced, h):
			note("it would replace %s", h)
		default:
			note("it would also remove %s", h)
		}
	}
	if now.LevelChange != nil && (e.LevelChange == nil || *e.LevelChange != *now.LevelChange) {
		note("it would move the principal from %s to %s level", now.LevelChange.From, now.LevelChange.To)
	}
	for _, h := range now.Gains {
		if !slices.Contains(e.Gains, h) {
			note("it would give %s", h)
		}
	}
	if now.LastRole != "" && now.LastRole != e.LastRole {
		note("it would remove the last role, and the policy's rule for that is %s", now.LastRole)
	}
	if now.Deletes && !e.Deletes {
		note("it would delete the principal")
	}
	if more := len(out) - MaxListed; more > 0 {
		out = append(out[:MaxListed], fmt.Sprintf("and %d more", more))
	}
	return out
}
