package signing

import "sentinelone-provisioner/internal/access"

// OfRequest returns the statement that a requester signs, before there is a run or a plan.
// request is the workflow id.
func OfRequest(request string, s access.RequestSignature) Statement {
	return Statement{
		Kind: KindRequest, Request: request, RequestHash: s.Request.Hash(),
		By: s.Request.Terms.Requester, At: s.SignedAt,
	}
}

// OfDecision returns the statement that an approver signs to approve or deny a plan. request is
// the workflow id, planHash that of [access.Plan.Seal].
func OfDecision(request, run, planHash string, d access.Decision) Statement {
	return Statement{
		Kind: d.Action, Request: request, Run: run, PlanHash: planHash, By: d.By, Comment: d.Comment,
		Duration: d.Duration, StartAt: d.StartAt, At: d.SignedAt,
	}
}

// OfStop returns the statement of a person who cancels a request or ends access, or who confirms
// or discards a quarantined sync. request is the workflow id, run the original run id.
func OfStop(request, run string, s access.Stop) Statement {
	return Statement{Kind: s.Action, Request: request, Run: run, By: s.By, Comment: s.Comment, At: s.SignedAt}
}

// OfFreeze returns the statement of a person who stops all giving of access on a console, or who
// has it go on. request is the workflow id.
func OfFreeze(request string, f access.Freeze) Statement {
	return Statement{
		Kind: f.Action(), Request: request, Console: f.Console, By: f.By, Comment: f.Reason, At: f.SignedAt,
	}
}

// OfExtension returns the statement of a person who asks for a later end of a grant. It names the
// plan of the grant and the end that results, so that it moves no other end.
func OfExtension(x access.ExtensionRequest) Statement {
	return Statement{
		Kind: KindExtend, Request: x.Request, Run: x.Run, PlanHash: x.PlanHash, By: x.By, Comment: x.Comment,
		Duration: x.Duration, Until: x.EndsAt, At: x.SignedAt,
	}
}

// OfDelegation returns the statement that a delegator signs. A delegation that was given a duration
// is signed with the duration, since its end is computed later, when it starts.
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
