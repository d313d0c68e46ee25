package describe

import (
	"cmp"
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// Plan is the effect that a plan is for, with ids: "grant user ana@example.com (7) role SOC
// (2) at site Acme / Berlin (9), for 4h".
func Plan(p access.Plan) string {
	n := NewNames(nil, &p)
	who, role := Principal(p.Principal), "role "+n.Role(p.Role.ID)
	at := n.scopes(p)
	switch p.Op {
	case access.OpGrant:
		return fmt.Sprintf("grant %s %s at %s, permanent", who, role, at)
	case access.OpAcquire:
		return fmt.Sprintf("grant %s %s at %s, %s", who, role, at, Term(p.Terms.Duration))
	case access.OpRevoke:
		return fmt.Sprintf("revoke %s at %s from %s", role, at, who)
	case access.OpReset:
		return fmt.Sprintf("reduce %s to %s at %s, and no other role", who, role, at)
	case access.OpDelete:
		return "delete " + who
	case access.OpCreate:
		return fmt.Sprintf("create %s with %s at %s", who, role, at)
	case access.OpRotate:
		if p.Rotation != nil && p.Rotation.Own {
			return "replace " + who + ", whose token the worker uses, by a new service user with the same roles"
		}
		return "make a new API token for " + who + toRecipient(p)
	case access.OpRelease:
	}
	return fmt.Sprintf("%s: %s, %s at %s", name(string(p.Op)), who, role, at)
}

// toRecipient says who can read a new token besides those who read the worker's own place for tokens: an approver must
// see the whole key.
func toRecipient(p access.Plan) string {
	if p.Rotation == nil || p.Rotation.Recipient == "" {
		return ", which the worker stores"
	}
	return ", readable by the holder of the key " + name(p.Rotation.Recipient) + " alone"
}

// ShortPlan is [Plan] without ids and level, for one line of a list.
func ShortPlan(p access.Plan) string {
	who, role := shortPrincipal(p.Principal), shortRole(p.Role)
	at := name(cmp.Or(p.Scope.Name, p.Scope.ID, "the tenant")) + more(p)
	switch p.Op {
	case access.OpGrant:
		return fmt.Sprintf("grant %s %s at %s, permanent", who, role, at)
	case access.OpAcquire:
		return fmt.Sprintf("grant %s %s for %s at %s", who, role, Duration(p.Terms.Duration), at)
	case access.OpRevoke:
		return fmt.Sprintf("revoke %s at %s from %s", role, at, who)
	case access.OpCreate, access.OpReset, access.OpDelete, access.OpRelease, access.OpRotate:
	}
	return Plan(p)
}

// scopes lists every scope of a plan: an approver must see them all.
func (n Names) scopes(p access.Plan) string {
	var out []string
	for _, s := range p.AllScopes() {
		out = append(out, n.Scope(access.Scope{Level: s.Level, ID: s.ID}))
	}
	return strings.Join(out, ", ")
}

// more says how many scopes there are besides the first; "" for none.
func more(p access.Plan) string {
	if n := len(p.AllScopes()) - 1; n > 0 {
		return " and " + Plural(n, "more scope")
	}
	return ""
}

// Fact is one named thing to know about a request, in one line or more.
type Fact struct {
	Name  string
	Lines []string
}

// Details are the consequences of a plan and the approval that it needs: start, holdings before
// and after, losses, notes, break-glass, approval and refusal, as far as there are any.
func Details(n Names, p access.Plan) []Fact {
	var out []Fact
	add := func(called string, lines ...string) {
		if len(lines) > 0 && lines[0] != "" {
			out = append(out, Fact{called, lines})
		}
	}
	if !p.Terms.StartAt.IsZero() {
		add("start", Second(p.Terms.StartAt))
	}
	add("before", n.Holdings(p.Before)...)
	add("after", n.Holdings(p.After)...)
	add("loses", n.Lost(p)...)
	add("note", p.Notes...)
	if p.Terms.BreakGlass {
		add("break-glass", "requested: access starts at once and is reviewed afterwards")
	}
	if p.Refusal == "" || p.Approval.Refusal != p.Refusal {
		add("approval", p.Approval.Policy) // else it repeats the refusal
	}
	add("refusal", p.Refusal)
	return out
}

// Lost lists the roles that a plan removes beside the one it is about, as
// [Names.Holdings] does; nil for none.
func (n Names) Lost(p access.Plan) []string {
	if p.Effect != nil {
		return n.lostByEffect(p)
	}
	if p.Before.IsBrief() || p.After.IsBrief() {
		return nil // the plan of an account, or of an earlier version
	}
	lost := access.Holdings{Level: p.Before.Level}
	for _, held := range p.Before.Held {
		h := access.Holding{Level: p.Before.Level, RoleID: held.RoleID, ScopeID: held.ScopeID}
		if !p.After.Holds(h) && (h != p.Holding() || p.Op != access.OpRevoke) {
			lost.Held = append(lost.Held, held)
		}
	}
	if len(lost.Held) == 0 {
		return nil
	}
	return n.Holdings(lost)
}

// lostByEffect lists what approvers sign: the roles that the principal has without our leases.
func (n Names) lostByEffect(p access.Plan) []string {
	if p.Effect.LosesMany.Len() > 0 {
		return n.Holdings(p.Effect.LosesMany)
	}
	var lost access.Holdings
	for _, h := range p.Effect.Loses {
		if h != p.Holding() || p.Op != access.OpRevoke {
			lost.Level = h.Level
			lost.Held = append(lost.Held, access.HeldRole{RoleID: h.RoleID, ScopeID: h.ScopeID})
		}
	}
	if len(lost.Held) == 0 {
		return nil
	}
	return n.Holdings(lost)
}
