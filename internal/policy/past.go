package policy

import (
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

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
