package policy

import (
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// AgainVerdict is how a request that was decided before is decided again.
type AgainVerdict string

// The verdicts.
const (
	// AgainCovered: the policy asks for nothing more than what is recorded.
	AgainCovered AgainVerdict = "covered"
	// AgainRefused: the policy refuses the request now.
	AgainRefused AgainVerdict = "refused"
	// AgainMore: the policy asks for more than what is recorded, so the request must be planned
	// and decided anew.
	AgainMore AgainVerdict = "more"
)

// Again is how a request is decided again.
type Again struct {
	Verdict AgainVerdict `json:"verdict"`
	// Why says why it is not covered, in one sentence; "" if it is.
	Why string `json:"why,omitempty"`
	// NobodyAsked is true if neither an approval nor a review is recorded. If
	// Result.ReadsRequester is true too, it is covered only if the request was signed, where
	// signatures are checked.
	NobodyAsked bool   `json:"nobodyAsked,omitempty"`
	Result      Result `json:"result"` // what the policy decides now
}

// NeedsSignature returns whether the verdict holds for a signed request only, where
// signatures are checked: nobody was asked, and that depends on the requester's name.
func (a Again) NeedsSignature() bool { return a.NobodyAsked && a.Result.ReadsRequester }

// DecideAgain decides at a later time about a request whose approval is recorded: at the
// start of a grant, and before each first write. The policy must be the one whose hash is
// recorded, and in must be rebuilt from the ledger: see [InputFromLedger]. Separation of
// duties is left to the writer, which knows the roles that the principal holds by then. It
// returns an error if the policy is another, or the input is invalid.
func (p *Policy) DecideAgain(in Input, recorded access.Approval, at time.Time) (Again, error) {
	if recorded.Hash != p.hash {
		return Again{}, fmt.Errorf("the request was decided by policy %q, and %s has hash %s: "+
			"decide by the recorded policy", recorded.Hash, p.name, p.hash)
	}
	in.Now = at
	e, err := p.evaluate(in, true)
	if err != nil {
		return Again{}, err
	}
	out := Again{
		Verdict: AgainCovered, Result: e.result,
		NobodyAsked: !recorded.Required && len(recorded.Steps) == 0 && recorded.Review == nil,
	}
	switch why := exceeds(e.result.Approval, recorded); {
	case recorded.Refusal != "":
		out.Verdict, out.Why = AgainRefused, "the policy has refused it: "+recorded.Refusal
	case len(e.refusals) > len(e.tooLong):
		out.Verdict, out.Why = AgainRefused, fmt.Sprintf("the policy refuses it at %s: %s",
			describe.Second(at), e.result.Refusal)
	case len(e.tooLong) > 0:
		why = e.result.Refusal
		fallthrough
	case why != "":
		out.Verdict, out.Why = AgainMore, fmt.Sprintf("the policy asks for more at %s than was asked for: %s",
			describe.Second(at), why)
	}
	return out, nil
}

// AsksMore says what an approval asks for that a recorded one has not asked for; "" for nothing.
func AsksMore(now, recorded access.Approval) string { return exceeds(now, recorded) }

// exceeds says what an approval asks for that a recorded one has not asked for; "" for
// nothing.
func exceeds(now, recorded access.Approval) string {
	asked := recorded.Required || recorded.Review != nil
	switch {
	case now.Review != nil && recorded.Review == nil:
		return fmt.Sprintf("a review by %d of %s", now.Review.Need, describe.Or(now.Review.Groups))
	case now.Review != nil && (!implies(recorded.Review.ApprovalStep, now.Review.ApprovalStep) ||
		now.Review.Within < recorded.Review.Within):
		return fmt.Sprintf("a review by %d of %s within %s",
			now.Review.Need, describe.Or(now.Review.Groups), now.Review.Within)
	case now.Review != nil || !now.Required:
		return ""
	case !asked:
		return "an approval, and nobody was asked: " + now.Policy
	case recorded.Review != nil:
		return "an approval before it starts: " + now.Policy
	case now.ValidFor > 0 && (recorded.ValidFor == 0 || now.ValidFor < recorded.ValidFor):
		return fmt.Sprintf("approvals that are at most %s old", now.ValidFor)
	}
	if missing := missingStep(now.Steps, recorded.Steps); missing != nil {
		return fmt.Sprintf("%d of %s", missing.Need, describe.Or(missing.Groups))
	}
	if !isSubset(recorded.EscalateTo, now.EscalateTo) {
		return "approvers who were not added by an escalation: " + now.Policy
	}
	return ""
}

// missingStep is a step of now that no recorded step stands for, where each recorded step
// stands for one; nil if there is none. People decide once per request, so those who have
// taken different recorded steps are different.
func missingStep(now, recorded []access.ApprovalStep) *access.ApprovalStep {
	matching := bipartiteMatching{assigned: map[string]int{}}
	for i, step := range now {
		matching.candidates = append(matching.candidates, nil)
		for j, r := range recorded {
			if implies(r, step) {
				matching.candidates[i] = append(matching.candidates[i], fmt.Sprint(j))
			}
		}
		if !matching.assign(i, map[string]bool{}) {
			return &now[i]
		}
	}
	return nil
}

// implies returns whether everybody who completes the one step completes the other.
func implies(recorded, now access.ApprovalStep) bool {
	return recorded.Need >= now.Need && (now.Anyone() || isSubset(recorded.Groups, now.Groups))
}

func isSubset(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(s string) bool { return !slices.Contains(whole, s) })
}
