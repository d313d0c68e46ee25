package access_test

import (
	"maps"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// roleMap is a principal's roles as the oracle holds them: one role id per scope, all
// scopes of one level.
type roleMap map[access.Scope]string

func roleMapOf(h access.Holdings) roleMap {
	out := roleMap{}
	for _, x := range h.Held {
		out[access.Scope{Level: h.Level, ID: x.ScopeID}] = x.RoleID
	}
	return out
}

// level is that of every scope; "" without roles.
func (m roleMap) level() access.Level {
	for s := range m {
		return s.Level
	}
	return ""
}

// put is the map with one role more. A role of another level replaces all others.
func (m roleMap) put(s access.Scope, role string) roleMap {
	if m.level() != s.Level {
		return roleMap{s: role}
	}
	out := maps.Clone(m)
	out[s] = role
	return out
}

func (m roleMap) holds(h access.Holding) bool { return m[h.Scope()] == h.RoleID }

// oracle repeats the rules of [access.OwnershipState] naively: maps instead of sorted
// lists, and the desired roles read from the newest lease back instead of forward.
type oracle struct {
	known    bool
	baseline roleMap
	shown    roleMap // by the console, when it was last read or written
	leases   []access.Lease
}

// desired reads back from the newest live lease: its level is the level, the newest
// lease of a scope wins, and everything before a lease of another level is hidden.
func (o oracle) desired() roleMap {
	out := roleMap{}
	level := o.baseline.level()
	live := slices.DeleteFunc(slices.Clone(o.leases), func(l access.Lease) bool { return l.Lost })
	if len(live) > 0 {
		level = live[len(live)-1].Level
	}
	for _, l := range slices.Backward(live) {
		if l.Level != level {
			return out
		}
		if _, taken := out[l.Scope()]; !taken {
			out[l.Scope()] = l.RoleID
		}
	}
	for s, role := range o.baseline {
		if _, taken := out[s]; !taken && s.Level == level {
			out[s] = role
		}
	}
	return out
}

// loses marks the leases that the condition names.
func (o *oracle) loses(when func(access.Lease) bool) {
	for i, l := range o.leases {
		o.leases[i].Lost = l.Lost || when(l)
	}
}

// absorb reads the console, and says whether it was edited by hand.
func (o *oracle) absorb(actual roleMap) (edited bool) {
	if !o.known {
		adopted, before := o.leases, o.baseline
		o.known, o.baseline, o.shown, o.leases = true, actual, actual, nil
		for _, l := range adopted { // at most one, see modelRun.apply
			if o.adopt(l, before); len(o.leases) == 0 {
				l.Lost = true
				o.leases = []access.Lease{l}
			}
		}
		return false
	}
	if maps.Equal(actual, o.shown) {
		return false
	}
	old := o.shown
	o.shown = actual
	if len(old) == 0 || len(actual) == 0 || old.level() == actual.level() {
		o.disownEdited(old, actual)
		if !maps.Equal(o.desired(), actual) {
			o.explain(actual)
		}
		return true
	}
	o.baseline = actual
	o.loses(func(access.Lease) bool { return true })
	return true
}

// disownEdited makes the edited scopes part of the baseline. A baseline of another level
// gives way as soon as an edit added a role.
func (o *oracle) disownEdited(old, actual roleMap) {
	both := maps.Clone(old)
	maps.Copy(both, actual)
	for s := range both {
		if old[s] == actual[s] {
			continue
		}
		o.loses(func(l access.Lease) bool { return l.Scope() == s })
		if role, held := actual[s]; held {
			o.baseline = o.baseline.put(s, role)
		} else {
			o.baseline = maps.Clone(o.baseline)
			delete(o.baseline, s)
		}
	}
}

// explain keeps the leases that are shown, with what they replace at their scopes. What no
// lease claims is baseline, unless leases are all that is shown.
func (o *oracle) explain(actual roleMap) {
	o.loses(func(l access.Lease) bool { return !actual.holds(l.Holding) })
	unclaimed, replaced := maps.Clone(actual), roleMap{}
	for _, l := range o.leases {
		if !l.Lost {
			delete(unclaimed, l.Scope())
			if role, held := o.baseline[l.Scope()]; held {
				replaced[l.Scope()] = role
			}
		}
	}
	if o.baseline.level() != actual.level() && len(unclaimed) == 0 {
		return
	}
	o.baseline = unclaimed
	maps.Copy(o.baseline, replaced)
}

// adopt takes over a lease that a lost writer gave, when the baseline was before.
func (o *oracle) adopt(l access.Lease, before roleMap) {
	if _, known := o.find(l.ID); known || o.known && !o.baseline.holds(l.Holding) {
		return
	}
	o.leases = slices.Insert(o.leases, 0, l)
	if !o.known {
		o.baseline = before
		return
	}
	level := o.baseline.level()
	o.baseline = maps.Clone(o.baseline)
	delete(o.baseline, l.Scope())
	if role, held := before[l.Scope()]; held && before.level() == level {
		o.baseline[l.Scope()] = role
	}
	if len(o.baseline) == 0 {
		o.baseline = before
	}
}

// apply does one change, and says how it ends and what the console shows afterwards. The
// rule for the last role is stop.
func (o *oracle) apply(c access.Change, actual roleMap) (outcome access.Outcome, edited bool) {
	edited = o.absorb(actual)
	before := *o
	before.leases = slices.Clone(o.leases)
	switch c.Op {
	case access.OpGrant, access.OpAcquire:
		outcome = o.give(c, actual)
	case access.OpRelease:
		outcome = o.release(c.Lease.ID)
	case access.OpRevoke:
		outcome = o.revoke(c.Lease.Holding, actual)
	default: // reset
		outcome = access.Applied
		if !o.baseline.holds(c.Lease.Holding) && !c.Rules.BaselineApproved {
			return access.NotBaseline, edited
		}
		o.baseline = roleMap{c.Lease.Scope(): c.Lease.RoleID}
		if maps.Equal(actual, o.baseline) {
			outcome = access.AlreadyHeld
		}
		o.loses(func(access.Lease) bool { return true })
	}
	o.shown = o.desired()
	_, again := before.find(c.Lease.ID)
	switch {
	case len(o.shown) == 0:
		outcome = access.LastRoleStays
	case len(o.baseline) > 0 || outcome.Refused():
	case c.Op == access.OpAcquire && !again, c.Op == access.OpRevoke && len(before.baseline) > 0:
		outcome = access.NoReturn
	}
	if outcome.Refused() {
		*o = before
	}
	return outcome, edited
}

func (o oracle) find(id string) (access.Lease, bool) {
	i := slices.IndexFunc(o.leases, func(l access.Lease) bool { return l.ID == id })
	if i < 0 {
		return access.Lease{}, false
	}
	return o.leases[i], true
}

func (o *oracle) give(c access.Change, actual roleMap) access.Outcome {
	if len(actual) > 0 && actual.level() != c.Lease.Level && !c.Rules.AllowLevelChange {
		return access.LevelDiffers
	}
	i := slices.IndexFunc(o.leases, func(l access.Lease) bool { return l.ID == c.Lease.ID })
	lost := i >= 0 && o.leases[i].Lost
	if i >= 0 {
		o.leases = slices.Delete(slices.Clone(o.leases), i, i+1)
	}
	switch {
	case c.Op == access.OpAcquire:
		o.leases = append(o.leases, c.Lease)
	case lost:
		return access.Superseded
	default:
		o.baseline = o.baseline.put(c.Lease.Scope(), c.Lease.RoleID)
		o.loses(func(l access.Lease) bool {
			return l.Level != c.Lease.Level || l.ScopeID == c.Lease.ScopeID && l.RoleID != c.Lease.RoleID
		})
	}
	if actual.holds(c.Lease.Holding) {
		return access.AlreadyHeld
	}
	return access.Applied
}

func (o *oracle) release(id string) access.Outcome {
	i := slices.IndexFunc(o.leases, func(l access.Lease) bool { return l.ID == id })
	if i < 0 {
		return access.NotApplied
	}
	l := o.leases[i]
	o.leases = slices.Delete(slices.Clone(o.leases), i, i+1)
	switch {
	case l.Lost:
		return access.Superseded
	case o.desired().holds(l.Holding):
		return access.StillHeld
	}
	return access.Released
}

func (o *oracle) revoke(h access.Holding, actual roleMap) access.Outcome {
	if o.baseline.holds(h) {
		o.baseline = maps.Clone(o.baseline)
		delete(o.baseline, h.Scope())
	}
	o.loses(func(l access.Lease) bool { return l.Holding == h })
	if actual.holds(h) {
		return access.Removed
	}
	return access.AlreadyAbsent
}
