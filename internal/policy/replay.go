package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
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

// end is how the answer, with what people said, would have ended.
func end(a Answer, past Past) (end, why string) {
	if a.Refusal != "" || !a.Approval.Required {
		return map[bool]string{true: endRefused, false: endGiven}[a.Refusal != ""], a.Approval.Policy
	}
	decisions := slices.Clone(past.Decisions)
	slices.SortStableFunc(decisions, func(x, y access.Decision) int { return x.At.Compare(y.At) })
	steps, step := a.Approval.Steps, 0
	var said []string // by whom the current step is approved
	var counted []access.Decision
	for _, d := range decisions {
		if step == len(steps) {
			break
		}
		left := steps[step:]
		if d.Action == "approve" {
			left = left[:1]
		}
		d, ok := speaks(a.Approval, left, d, past.At)
		if !ok || slices.ContainsFunc(d.People(), func(p string) bool { return hasDecided(counted, p) }) {
			continue
		}
		counted = append(counted, d)
		if d.Action != "approve" {
			return endDenied, fmt.Sprintf("%s denied it; %s", Fold(cmp.Or(d.OnBehalfOf, d.By)), a.Approval.Policy)
		}
		if said = append(said, Fold(cmp.Or(d.OnBehalfOf, d.By))); len(said) == steps[step].Need {
			step, said = step+1, nil
		}
	}
	if step == len(steps) {
		return endGiven, a.Approval.Policy
	}
	missing := fmt.Sprintf("step %d has %d of %d approvals from %s", step+1, len(said), steps[step].Need,
		list(steps[step].Groups))
	if len(said) > 0 {
		missing += " (" + strings.Join(said, ", ") + ")"
	}
	return endUndecided, missing + "; " + a.Approval.Policy
}

func hasDecided(decisions []access.Decision, person string) bool {
	_, has := access.HasDecided(decisions, person)
	return has
}

// speaks says whether a decision counts at one of the steps, and for whom: whoever may
// decide does so for themselves, though it was for somebody else then.
func speaks(
	a access.Approval, steps []access.ApprovalStep, d access.Decision, asked time.Time,
) (access.Decision, bool) {
	may := func(who string) bool {
		return who != "" && slices.ContainsFunc(steps, func(s access.ApprovalStep) bool {
			return s.Anyone() || slices.Contains(s.People, Fold(who)) || a.MayByEscalation(who, asked, d.At)
		})
	}
	if may(d.By) {
		d.OnBehalfOf = ""
		return d, true
	}
	return d, may(d.OnBehalfOf)
}
