package receipt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
)

const noFacts = "the receipt does not hold what the policy reads besides the plan, as those of versions up to 0.4.0: " +
	"compare the plan with the policy by hand"

// policy is the policy by which the plan was made; nil with the reason if it is not at hand.
func (c *checker) policy() (*policy.Policy, string) {
	hash := c.Plan.Approval.Hash
	switch {
	case hash == "":
		return nil, "the plan names no policy"
	case hash == policy.BuiltIn().Hash():
		return policy.BuiltIn(), ""
	case c.means.Policy == nil:
		return nil, fmt.Sprintf("pass the policy file with SHA-256 %s as --policy", hash)
	case c.means.Policy.Hash() != hash:
		return nil, fmt.Sprintf("the plan follows the policy with SHA-256 %s, and --policy has %s: "+
			"pass the file as it was when the request was planned", hash, c.means.Policy.Hash())
	}
	return c.means.Policy, ""
}

// input is what the policy reads, at a time.
func (c *checker) input(at time.Time) (in policy.Input, complete bool) {
	in, complete = policy.InputFromLedger(ledger.Request{Plan: c.Plan, Facts: c.Facts}, at)
	in.Duration = c.terms().Duration
	return in, complete
}

// checkPolicy has the policy decide about the request again, at the time at which the change was
// first written. A plan that asks nobody rests on the policy alone.
func (c *checker) checkPolicy() {
	p := c.first()
	if p == nil {
		return
	}
	a := c.Plan.Approval
	asksNobody := len(a.Steps) == 0
	if c.means.Policy == nil && !asksNobody {
		return
	}
	result, detail := c.judgePolicy(began(*p))
	if result == signing.Unchecked && asksNobody {
		detail = "whether the policy lets the request be carried out although nobody was asked before: " + detail
	}
	c.note("policy", result, "%s", detail)
}

func (c *checker) judgePolicy(at time.Time) (signing.Result, string) {
	p, why := c.policy()
	if p == nil {
		return signing.Unchecked, why
	}
	if startAt := c.terms().StartAt; at.Before(startAt) {
		at = startAt
	}
	in, complete := c.input(at)
	if !complete {
		return signing.Unchecked, noFacts
	}
	again, err := p.DecideAgain(in, c.Plan.Approval, at)
	if err != nil {
		return signing.Failed, "the policy cannot decide about it: " + err.Error()
	}
	if again.Verdict != policy.AgainCovered {
		return signing.Failed, again.Why
	}
	if why := otherPeople(again.Result.Approval, c.Plan.Approval); why != "" {
		return signing.Failed, why
	}
	if why := otherRules(again.Result.Rules, c.Plan); why != "" {
		return signing.Failed, why
	}
	if again.NeedsSignature() && c.signed.RequesterKey == "" {
		if c.means.Allowed != nil {
			return signing.Failed, "the policy asks nobody because of the requester's name, which nobody has signed for"
		}
		return signing.Unsigned, "the policy asks nobody because of the requester's name, which is only claimed"
	}
	if c.Plan.Before.IsBrief() && len(again.Result.Rules.Separate) > 0 {
		return signing.Unchecked, fmt.Sprintf("the receipt leaves out the %d roles that the principal had, which "+
			"separation of duties compares: verify the receipt of `starter show %s --full --output json`",
			c.Plan.Before.Len(), c.Request)
	}
	if again.NobodyAsked {
		return signing.OK, "decided again, it asks nobody"
	}
	return signing.OK, "decided again, it asks for no more than was asked for"
}

// otherPeople says that people were asked whom the policy does not have in the groups of a step;
// "" if there are none.
func otherPeople(now, recorded access.Approval) string {
	of := func(a access.Approval) []access.ApprovalStep {
		if a.Review != nil {
			return append(slices.Clone(a.Steps), a.Review.ApprovalStep)
		}
		return a.Steps
	}
	for _, r := range of(recorded) {
		i := slices.IndexFunc(of(now), func(s access.ApprovalStep) bool { return slices.Equal(s.Groups, r.Groups) })
		if i < 0 {
			continue // a step that the policy does not ask for gives nobody more
		}
		known := of(now)[i].People
		more := slices.DeleteFunc(slices.Clone(r.People), func(p string) bool { return slices.Contains(known, p) })
		if len(more) > 0 {
			return fmt.Sprintf("%s was asked for %s, and the policy does not have them there",
				strings.Join(more, ", "), strings.Join(r.Groups, ", "))
		}
	}
	if more := slices.DeleteFunc(slices.Clone(recorded.EscalateTo), func(p string) bool {
		return slices.Contains(now.EscalateTo, p)
	}); len(more) > 0 && len(now.Steps) > 0 {
		return fmt.Sprintf("it was escalated to %s, and the policy does not", strings.Join(more, ", "))
	}
	return ""
}

// otherRules says in what the plan's limits are wider than the policy's; "" if they are not. Those
// of offboardings and rotations are no matter of the policy.
func otherRules(now access.Rules, plan access.Plan) string {
	if plan.Op == access.OpDelete || plan.Op == access.OpReset || plan.Op == access.OpRotate {
		return ""
	}
	was := plan.Rules
	was.LastRole, now.LastRole = cmp.Or(was.LastRole, access.LastRoleStop), cmp.Or(now.LastRole, access.LastRoleStop)
	switch {
	case was.LastRole != now.LastRole:
		return fmt.Sprintf("the plan's rule for the last role is %q, and the policy's %q",
			string(was.LastRole), string(now.LastRole))
	case was.AllowLevelChange && !now.AllowLevelChange:
		return "the plan allows a level change, and the policy does not"
	case was.Downgrade != nil && (now.Downgrade == nil || *was.Downgrade != *now.Downgrade):
		return fmt.Sprintf("the plan leaves %s in place of a last role, and the policy does not", *was.Downgrade)
	}
	return ""
}
