package policy

import (
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// InputFromLedger makes the input of a request as it is on record, to decide about it at a
// time without the console. complete is false if the record lacks what conditions may read,
// as entries of versions up to 0.4.0 do: then the request must be planned again.
func InputFromLedger(r ledger.Request, at time.Time) (in Input, complete bool) {
	in = InputFromPlan(r.Plan, at)
	if r.Facts == nil {
		return in, false
	}
	in.Role.Predefined, in.RoleNames = r.Facts.RolePredefined, r.Facts.RoleNames
	in.SetAccounts(r.Facts.Accounts)
	return in, true
}

// NamedRoles are those of the roles that the policy names, by id: in separationOfDuties, and
// as the role that a last one is replaced by.
func (p *Policy) NamedRoles(names map[string]string) map[string]string {
	out := map[string]string{}
	for id, name := range names {
		if slices.ContainsFunc(p.separate, func(s separation) bool { return s.index(id, name) >= 0 }) ||
			slices.ContainsFunc(p.rules, func(r *rule) bool { return r.downgradesTo(id) }) ||
			slices.ContainsFunc(p.drift, func(d driftRule) bool { return d.downgradesTo(id) }) {
			out[id] = name
		}
	}
	return out
}

// PastFromLedger reads an earlier request from its entry and its receipt, which is nil
// while the request is open. The receipt's plan wins, since a request may be planned again.
func PastFromLedger(request ledger.Entry, receipt *ledger.Entry) (PastRequest, error) {
	out := PastRequest{Request: request.Request, At: request.At.In(time.UTC)}
	opened, err := ledger.DecodeAs[ledger.Request](request)
	if err != nil {
		return out, err
	}
	out.Plan = opened.Plan
	if receipt == nil {
		return out, nil
	}
	closed, err := ledger.DecodeAs[ledger.Receipt](*receipt)
	if err != nil {
		return out, err
	}
	if closed.Receipt.Plan.Hash != "" {
		out.Plan = closed.Receipt.Plan
	}
	out.State, out.Decisions = closed.Receipt.State, decisionsOn(out.Plan, closed.Receipt.Decisions)
	return out, nil
}

// decisionsOn are the decisions on that plan, and those that do not name a plan.
func decisionsOn(plan access.Plan, all []access.Decision) []access.Decision {
	return slices.DeleteFunc(slices.Clone(all), func(d access.Decision) bool {
		return d.PlanHash != "" && d.PlanHash != plan.Hash
	})
}

func (r *rule) downgradesTo(id string) bool { return r.downgrade != nil && r.downgrade.RoleID == id }
