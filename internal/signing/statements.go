package signing

import "sentinelone-provisioner/internal/access"

// OfRequest is the statement of whoever asks, before there is a run or a plan.
func OfRequest(request string, s access.RequestSignature) Statement {
	return Statement{
		Kind: KindRequest, Request: request, Asked: s.Request.Hash(), By: s.Request.Terms.Requester, At: s.SignedAt,
	}
}

// OfDecision is the statement of whoever decides on a plan.
func OfDecision(request, run, planHash string, d access.Decision) Statement {
	return Statement{
		Kind: d.Action, Request: request, Run: run, PlanHash: planHash, By: d.By, Comment: d.Comment,
		Duration: d.Duration, StartAt: d.StartAt, At: d.SignedAt,
	}
}

// OfDelegation is the statement of whoever hands decisions to another. A delegation that
// says how long is signed as it says so, whatever its end.
func OfDelegation(d access.Delegation) Statement {
	s := Statement{
		Kind: KindDelegate, Request: d.Request, Console: d.Console, By: d.By, To: d.To,
		Comment: d.Comment, Duration: d.Duration, At: d.SignedAt,
	}
	if d.Duration == 0 {
		s.Until = d.Until
	}
	return s
}
