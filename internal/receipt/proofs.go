package receipt

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

func duration(d access.Duration) time.Duration { return time.Duration(d) }

// checkProofs checks that each proof is of a change of this request, and that each write in it did
// what the plan says, and nothing else.
func (c *checker) checkProofs() {
	for _, p := range c.Proofs {
		c.checkProof("proof of "+string(p.Op), p)
	}
}

func (c *checker) checkProof(name string, p access.Proof) {
	run := ledger.Run{Request: c.Request, ID: c.Run}
	var bad, open []string
	if key := access.ChangeKey(run.String(), p.Op); p.Key != key {
		bad = append(bad, fmt.Sprintf("it is of the change %q, and this is %q", p.Key, key))
	}
	if !slices.Contains(opsOf(c.Plan), p.Op) {
		bad = append(bad, fmt.Sprintf("the plan is to %s", c.Plan.Op))
	}
	if p.Outcome == access.Applied && len(p.Writes) == 0 {
		bad = append(bad, "it says applied, and nothing was written")
	}
	refused := false
	for _, w := range p.Writes {
		if w.At.Before(c.StartedAt.Add(-clockSlack)) || w.At.After(c.FinishedAt.Add(clockSlack)) {
			bad = append(bad, fmt.Sprintf("the write of %s is not in the time of the request", stamp(w.At)))
		}
		wrong, unsure := c.unexplained(p, w, refused)
		bad, open = append(bad, wrong...), append(open, unsure...)
		refused = refused || !effective(w)
	}
	switch {
	case len(bad) > 0:
		c.fail(name, "%s", strings.Join(slices.Compact(bad), "; "))
	case len(open) > 0:
		c.unsure(name, "%s: look for other requests for the principal with `starter requests`",
			strings.Join(slices.Compact(open), "; "))
	case p.Omitted > 0:
		c.unsure(name, "%d writes are left out of the receipt: the ledger has them, see `starter ledger export`",
			p.Omitted)
	default:
		c.ok(name, "%s; each write is explained by the plan", p.Outcome)
	}
}

// opsOf are the operations that a plan leads to. A permanent grant that is cancelled midway is
// released, and one that approvers have given an end is a lease.
func opsOf(p access.Plan) []access.Op {
	switch p.Op { //nolint:exhaustive // the others lead to themselves
	case access.OpGrant:
		return []access.Op{access.OpGrant, access.OpAcquire, access.OpRelease}
	case access.OpAcquire:
		return []access.Op{access.OpAcquire, access.OpRelease}
	}
	return []access.Op{p.Op}
}

// unexplained says what a write changed besides what the plan says: bad is what nothing explains,
// open what another request may explain. refused says that the console has refused a write before
// it.
func (c *checker) unexplained(p access.Proof, w access.Write, refused bool) (bad, open []string) {
	if why := c.wrongCall(p, w); why != "" {
		bad = append(bad, why)
	}
	if why := c.unlisted(p, w); why != "" {
		open = append(open, why)
	}
	if w.Restores && !gives(p.Op) {
		return bad, append(open, c.restored(p, w)...)
	}
	for _, h := range w.Gained().Holdings() {
		switch {
		case c.mayGain(p, h):
		case c.mayReturn(p, w, h):
			open = append(open, fmt.Sprintf("it gave back %s, which another request's lease may have replaced", h))
		default:
			bad = append(bad, fmt.Sprintf("it gave %s, which the plan does not", h))
		}
	}
	for _, h := range w.Lost().Holdings() {
		switch {
		case c.mayLose(p, h):
		case c.mayReplace(p, w, h):
			open = append(open, fmt.Sprintf("it replaced %s, which another request's lease may have given", h))
		case !gives(p.Op) && refused:
			open = append(open, fmt.Sprintf("it left %s out, which the console may have deleted", h))
		default:
			bad = append(bad, fmt.Sprintf("it removed %s, which the plan does not", h))
		}
	}
	return bad, open
}

// restored says what a write changed besides what the plan says that restores what a late write of ours had replaced:
// other requests have given the roles that it gave back, and those that it removed had ended.
func (c *checker) restored(p access.Proof, w access.Write) (open []string) {
	for _, h := range w.Gained().Holdings() {
		if !c.mayGain(p, h) {
			open = append(open, fmt.Sprintf("it gave back %s, which a write that arrived late had replaced", h))
		}
	}
	for _, h := range w.Lost().Holdings() {
		if !c.mayLose(p, h) {
			open = append(open, fmt.Sprintf("it removed %s, which a write that arrived late had given", h))
		}
	}
	return open
}

// unlisted says what a write changed that the receipt leaves out, since it is long; "" where that is
// what the plan removes as a whole, or gives back so.
func (c *checker) unlisted(p access.Proof, w access.Write) string {
	const text = "it %s %d roles that the receipt leaves out: see them with `starter show %s --full`"
	all := c.planned()
	gained, lost := w.Gained(), w.Lost()
	switch {
	case gained.IsBrief() && (p.Op != access.OpRelease || !gained.Equal(all)):
		return fmt.Sprintf(text, "gave", gained.Len(), c.Request)
	case lost.IsBrief() && !c.removesAll(p) && (!gives(p.Op) || !lost.Equal(all)):
		return fmt.Sprintf(text, "removed", lost.Len(), c.Request)
	}
	return ""
}

// planned is the long list of what the plan removes; empty where it removes few roles.
func (c *checker) planned() access.Holdings {
	if c.Plan.Effect == nil {
		return access.Holdings{}
	}
	return c.Plan.Effect.LosesMany
}

// removesAll says that the change removes whatever the principal has.
func (c *checker) removesAll(p access.Proof) bool {
	return p.Op == access.OpReset || p.Op == access.OpDelete || p.Op == access.OpCreate || c.replacesOwn(p)
}

// replacesOwn says that the change is of the service user whose token the worker uses: another one gets its roles, and
// it is deleted.
func (c *checker) replacesOwn(p access.Proof) bool {
	return p.Op == access.OpRotate && c.Plan.Rotation != nil && c.Plan.Rotation.Own
}

// wrongCall says what is wrong with the call of a write; "" for nothing.
func (c *checker) wrongCall(p access.Proof, w access.Write) string {
	deletes := strings.HasPrefix(w.Call, "DELETE ")
	switch {
	case p.Op == access.OpCreate:
		return ""
	case c.replacesOwn(p):
		if w.Call != "POST /service-users" && !strings.HasPrefix(w.Call, "DELETE /service-users/") {
			return fmt.Sprintf("%q neither makes nor deletes a service user", w.Call)
		}
		return ""
	case p.Op == access.OpRotate:
		if want := "POST /service-users/" + c.Plan.Principal.ID + "/generate-api-token"; w.Call != want {
			return fmt.Sprintf("%q is not %q", w.Call, want)
		}
		return ""
	case !strings.HasSuffix(w.Call, "/"+c.Plan.Principal.ID):
		return fmt.Sprintf("%q is about another principal", w.Call)
	case deletes && p.Op != access.OpDelete && (gives(p.Op) || c.Plan.Rules.LastRole != access.LastRoleDelete):
		return "it deleted the principal, which the plan does not"
	}
	return ""
}

// lost lists what was held before and is not after.
func lost(before, after access.Holdings) []access.Holding {
	var out []access.Holding
	for _, h := range before.Normal().Held {
		x := access.Holding{Level: before.Level, RoleID: h.RoleID, ScopeID: h.ScopeID}
		if !after.Holds(x) {
			out = append(out, x)
		}
	}
	return out
}

// loses lists what the plan removes.
func (c *checker) loses() []access.Holding {
	if c.Plan.Effect != nil {
		return c.Plan.Effect.Losses()
	}
	return lost(c.Plan.Before, c.Plan.After)
}

// mayGain says that the plan gives a role, or gives it back.
func (c *checker) mayGain(p access.Proof, h access.Holding) bool {
	down := c.Plan.Rules.Downgrade
	switch {
	case c.replacesOwn(p):
		return c.Plan.Before.Holds(h)
	case gives(p.Op) || p.Op == access.OpReset || p.Op == access.OpCreate:
		return slices.Contains(c.Plan.Holdings(), h)
	case c.Plan.Rules.LastRole == access.LastRoleDowngrade && down != nil && *down == h:
		return true
	case p.Op != access.OpRelease:
		return false
	}
	if g := c.gave(); g != nil && (g.Before.Holds(h) || tookAway(*g, h)) {
		return true
	}
	return slices.Contains(c.loses(), h)
}

// tookAway says that a write of a proof removed a role.
func tookAway(p access.Proof, h access.Holding) bool {
	return slices.ContainsFunc(p.Writes, func(w access.Write) bool { return w.Lost().Holds(h) })
}

// mayReturn says that a write may give a role back that our leases had hidden.
func (c *checker) mayReturn(p access.Proof, w access.Write, h access.Holding) bool {
	switch {
	case gives(p.Op):
		return w.Before.Level != w.After.Level
	case p.Op == access.OpRevoke:
		return c.isScope(h.Scope())
	}
	return p.Op == access.OpRelease && c.gave() == nil
}

// mayLose says that the plan removes a role.
func (c *checker) mayLose(p access.Proof, h access.Holding) bool {
	switch {
	case c.removesAll(p):
		return true
	case gives(p.Op):
		return slices.Contains(c.loses(), h)
	}
	return slices.Contains(c.Plan.Holdings(), h) || c.Plan.Effect != nil && slices.Contains(c.Plan.Effect.Losses(), h)
}

// mayReplace says that a write may have taken the place of a role that a lease of another request
// gave: the plan's effect leaves those out.
func (c *checker) mayReplace(p access.Proof, w access.Write, h access.Holding) bool {
	if !gives(p.Op) {
		return false
	}
	if w.Before.Level != w.After.Level {
		return c.Plan.Rules.AllowLevelChange
	}
	return c.isScope(h.Scope())
}

// isScope says whether the request names a scope.
func (c *checker) isScope(s access.Scope) bool {
	return slices.ContainsFunc(c.Plan.Holdings(), func(h access.Holding) bool { return h.Scope() == s })
}
