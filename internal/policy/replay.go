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

// Past is a request as it went, by the ledger.
type Past struct {
	Request string // workflow id
	At      time.Time
	Plan    access.Plan
	// State is the receipt's; "" while there is none.
	State string
	// Decisions are what people said to it.
	Decisions []access.Decision
}

// Question is what was asked. What a plan does not hold is the caller's to add.
func (p Past) Question() Question {
	q := About(p.Plan, p.At)
	q.BreakGlass = q.BreakGlass || p.Plan.Approval.Review != nil
	return q
}

// Replayed is what a policy would have made of a past request.
type Replayed struct {
	Request string    `json:"request"`
	At      time.Time `json:"at"`
	Was     string    `json:"was"`     // the receipt's state, or open
	WouldBe string    `json:"wouldBe"` // one of the ends below; what it was, where nothing differs
	Differs bool      `json:"differs"`
	Why     string    `json:"why"`
	// Unclear says that it cannot be told: the request was not decided by a policy, or
	// this one cannot answer.
	Unclear bool `json:"unclear,omitempty"`
}

// How a request would have ended.
const (
	endRefused   = "refused"
	endDenied    = "denied"
	endUndecided = "undecided"
	endGiven     = "granted" // or revoked
	endMade      = "provisioned"
	endOpen      = "open"
	endCancelled = "cancelled"
)

// Replay answers a past request anew and says whether it would have ended otherwise,
// had everybody who decided said the same. What the console alone refused stays so.
func (p *Policy) Replay(q Question, past Past) Replayed {
	out := Replayed{Request: past.Request, At: past.At, Was: cmp.Or(past.State, endOpen)}
	was, decided := past.end()
	answer, err := p.Decide(q)
	switch {
	case !decided:
		out.WouldBe, out.Unclear, out.Why = out.Was, true, "no policy decided it"
		return out
	case err != nil:
		out.WouldBe, out.Unclear, out.Why = out.Was, true, err.Error()
		return out
	}
	would, why := end(answer, past)
	if out.Differs = differs(was, would, past.Plan.Approval.Required); !out.Differs {
		would = out.Was
	} else if would == endGiven && q.op() == opRevoke {
		would = "revoked"
	} else if would == endGiven && q.NewAccount {
		would = endMade
	}
	out.WouldBe, out.Why = would, why
	return out
}

// end is how the request ended, and whether a policy had any part in that.
func (p Past) end() (end string, decided bool) {
	switch p.State {
	case "":
		return endOpen, true
	case endRefused:
		return endRefused, p.Plan.Approval.Refusal != ""
	case endDenied, endCancelled:
		return p.State, true
	case "timedOut":
		return endUndecided, true
	case endGiven, endMade, "expired", "ended", "revoked":
		return endGiven, true
	}
	return p.State, false
}

// differs compares two ends. A request that is open, or was called off, says nothing of
// how people would have decided; only whether they were asked can differ.
func differs(was, would string, asked bool) bool {
	if was != endOpen && was != endCancelled {
		return was != would
	}
	switch would {
	case endRefused:
		return true
	case endGiven:
		return asked
	case endUndecided:
		return !asked
	}
	return false
}

// end is how the answer, with what people decided, would have ended.
func end(a Answer, past Past) (end, why string) {
	if a.Refusal != "" || !a.Approval.Required {
		return map[bool]string{true: endRefused, false: endGiven}[a.Refusal != ""], a.Approval.Policy
	}
	opened := approval.New(approval.RequestOf(past.Plan), a.Approval, past.askedAt())
	s := approval.WhatIf(opened, past.Decisions).State
	switch last, _ := s.LastDecision(); s.Verdict {
	case approval.Approved:
		return endGiven, a.Approval.Policy
	case approval.Denied:
		return endDenied, fmt.Sprintf("%s denied it; %s", inPlaceOf(last), a.Approval.Policy)
	}
	var given []string // by whom the open step is approved
	for _, d := range s.Decisions {
		if d.Step == s.Step {
			given = append(given, inPlaceOf(d))
		}
	}
	step, _ := s.OpenStep()
	missing := fmt.Sprintf("step %d has %d of %d approvals from %s", step.Number+1, step.Given, step.Need,
		describe.Or(step.Groups))
	if len(given) > 0 {
		missing += " (" + strings.Join(given, ", ") + ")"
	}
	return endUndecided, missing + "; " + a.Approval.Policy
}

// askedAt is when people were asked for the last time, by what the decisions say; else
// when the request was planned.
func (p Past) askedAt() time.Time {
	at := p.At
	for _, d := range p.Decisions {
		if d.AskedAt.After(at) {
			at = d.AskedAt
		}
	}
	return at
}

// inPlaceOf is whose decision it is.
func inPlaceOf(d access.Decision) string { return access.Fold(cmp.Or(d.OnBehalfOf, d.By)) }
