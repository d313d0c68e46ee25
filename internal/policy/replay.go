package policy

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/describe"
)

// PastRequest is an earlier request, from the ledger.
type PastRequest struct {
	Request string // workflow id
	At      time.Time
	Plan    access.Plan
	// State is the receipt's; "" if there is none yet.
	State string
	// Decisions are those on the plan.
	Decisions []access.Decision
}

// Input makes the input of the request; see [InputFromPlan] for what the caller adds.
func (p PastRequest) Input() Input {
	in := InputFromPlan(p.Plan, p.At)
	in.BreakGlass = in.BreakGlass || p.Plan.Approval.Review != nil
	return in
}

// ReplayResult is how a past request would have ended under another policy.
type ReplayResult struct {
	Request string    `json:"request"`
	At      time.Time `json:"at"`
	Was     string    `json:"was"`     // the receipt's state, or "open"
	WouldBe string    `json:"wouldBe"` // a state, "undecided" or "open"; equal to Was unless Differs
	Differs bool      `json:"differs"`
	Why     string    `json:"why"`
	// Unclear is true if the two cannot be compared: no policy decided the request, or this
	// policy cannot evaluate it.
	Unclear bool `json:"unclear,omitempty"`
}

// Ends of a request.
const (
	endRefused     = "refused"
	endDenied      = "denied"
	endUndecided   = "undecided"
	endApplied     = "granted" // or one of the next four
	endRevoked     = "revoked"
	endProvisioned = "provisioned"
	endOffboarded  = "offboarded"
	endRotated     = "rotated"
	endOpen        = "open"
	endCancelled   = "cancelled"
)

// Replay evaluates a past request again and returns whether it would have ended
// differently with the same decisions. A request that only the console refused is Unclear.
func (p *Policy) Replay(in Input, past PastRequest) ReplayResult {
	out := ReplayResult{Request: past.Request, At: past.At, Was: cmp.Or(past.State, endOpen)}
	was, decided := past.end()
	result, err := p.Evaluate(in)
	switch {
	case !decided:
		out.WouldBe, out.Unclear, out.Why = out.Was, true, "no policy decided about it"
		return out
	case err != nil:
		out.WouldBe, out.Unclear, out.Why = out.Was, true, err.Error()
		return out
	}
	would, why := endUnder(result, past)
	if out.Differs = differs(was, would, past.Plan.Approval.Required); !out.Differs {
		would = out.Was
	} else if would == endApplied {
		would = appliedAs(in)
	}
	out.WouldBe, out.Why = would, why
	return out
}

// appliedAs is the state of a request of that kind once it is applied.
func appliedAs(in Input) string {
	switch kind := in.kind(); {
	case kind == opRevoke:
		return endRevoked
	case kind == opOffboard:
		return endOffboarded
	case kind == opRotateToken:
		return endRotated
	case in.newAccount():
		return endProvisioned
	}
	return endApplied
}

// end is how the request ended, and whether a policy had a part in that.
func (p PastRequest) end() (end string, decided bool) {
	switch p.State {
	case "":
		return endOpen, true
	case endRefused:
		return endRefused, p.Plan.Approval.Refusal != ""
	case endDenied, endCancelled:
		return p.State, true
	case "timedOut":
		return endUndecided, true
	case endApplied, endProvisioned, endOffboarded, endRevoked, endRotated, "expired", "ended":
		return endApplied, true
	}
	return p.State, false
}

// differs compares two ends. A request that is open or cancelled does not show how people
// would have decided; only whether it needs approval can differ.
func differs(was, would string, asked bool) bool {
	if was != endOpen && was != endCancelled {
		return was != would
	}
	switch would {
	case endRefused:
		return true
	case endApplied:
		return asked
	case endUndecided:
		return !asked
	}
	return false
}

// endUnder is how the request would have ended with this result and the same decisions.
func endUnder(result Result, past PastRequest) (end, why string) {
	if result.Refusal != "" || !result.Approval.Required {
		return map[bool]string{true: endRefused, false: endApplied}[result.Refusal != ""], result.Approval.Policy
	}
	opened := approval.New(approval.RequestOf(past.Plan), result.Approval, past.askedAt())
	s := approval.WhatIf(opened, past.Decisions).State
	switch last, _ := s.LastDecision(); s.Verdict {
	case approval.Approved:
		return endApplied, result.Approval.Policy
	case approval.Denied:
		return endDenied, fmt.Sprintf("%s denied it; %s", decider(last), result.Approval.Policy)
	default:
	}
	var given []string // by whom the open step is approved
	for _, d := range s.Decisions {
		if d.Step == s.Step {
			given = append(given, decider(d))
		}
	}
	step, _ := s.OpenStep()
	missing := fmt.Sprintf("step %d has %d of %d approvals from %s", step.Number+1, step.Given, step.Need,
		describe.Or(step.Groups))
	if len(given) > 0 {
		missing += " (" + strings.Join(given, ", ") + ")"
	}
	return endUndecided, missing + "; " + result.Approval.Policy
}

// askedAt is when approvers were last notified, from the decisions; without decisions, when
// the request was planned.
func (p PastRequest) askedAt() time.Time {
	at := p.At
	for _, d := range p.Decisions {
		if d.AskedAt.After(at) {
			at = d.AskedAt
		}
	}
	return at
}

// decider is the person for whom the decision counts: the delegator, if there is one.
func decider(d access.Decision) string { return access.Fold(cmp.Or(d.OnBehalfOf, d.By)) }
