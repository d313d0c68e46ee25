package receipt

import (
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
)

// checkExtensions checks that each later end was approved, and follows from the one before it.
func (c *checker) checkExtensions() {
	start := c.start()
	end := c.approvedEnd(start)
	for i, x := range c.Extensions {
		name := fmt.Sprintf("extension %d", i+1)
		if why := c.wrongExtension(x, end, i == 0); why != "" {
			c.fail(name, "%s", why)
		} else {
			result, detail := c.judgeExtension(i, x)
			c.note(name, result, "until %s: %s", stamp(x.EndsAt), detail)
		}
		end = x.EndsAt
	}
}

// wrongExtension says what is wrong with the times of an extension, and with what was asked for;
// "" for nothing. end is the end before it, which is not exact before the first: the workflow
// counts it from when the access was read.
func (c *checker) wrongExtension(x access.Extension, end time.Time, first bool) string {
	from := x.EndsAt.Add(-duration(x.Duration))
	slack := time.Duration(0)
	if first {
		slack = c.applied() + clockSlack
	}
	if x.Duration <= 0 || from.Before(end.Add(-clockSlack)) || from.After(end.Add(slack)) {
		return fmt.Sprintf("it ends at %s, which is not %s after the end before it, %s",
			stamp(x.EndsAt), x.Duration, stamp(end))
	}
	a := x.Asked
	if a == nil {
		return ""
	}
	total := a.EndsAt.Sub(c.counted()).Round(time.Second)
	switch {
	case a.Request != c.Request || a.Run != c.Run || a.PlanHash != c.Plan.Hash:
		return "what was approved is about another grant"
	case !a.EndsAt.Equal(x.EndsAt) || a.Duration != x.Duration || a.By != x.By || !a.From.Equal(from):
		return "it is not what was approved"
	case a.Approval.Hash != c.Plan.Approval.Hash:
		return "its approval follows another policy than the plan"
	case a.Approval.MaxDuration > 0 && total > duration(a.Approval.MaxDuration):
		return fmt.Sprintf("the grant would last %s in all, and the policy allows %s",
			access.Duration(total), a.Approval.MaxDuration)
	}
	return ""
}

// applied is how long it took from the first write to the last read.
func (c *checker) applied() time.Duration {
	p := c.gave()
	if p == nil || len(p.Reads) == 0 {
		return 0
	}
	return max(p.Reads[len(p.Reads)-1].At.Sub(began(*p)), 0)
}

// counted is when a policy begins to count how long a grant lasts in all.
func (c *checker) counted() time.Time {
	if at := c.Plan.Terms.StartAt; at.After(c.StartedAt) {
		return at
	}
	return c.StartedAt
}

// judgeExtension says whether the people who had to have approved an extension. i is its index.
func (c *checker) judgeExtension(i int, x access.Extension) (signing.Result, string) {
	if x.Asked == nil {
		return signing.Unchecked, fmt.Sprintf("moved by %s, and nobody was asked, as in versions up to 0.4.0: "+
			"ask the approvers of the grant whether they agree", x.By)
	}
	s := approval.ForExtension(c.Plan, *x.Asked, x.Asked.At)
	s.MaySign, s.Request.Key = c.signed.MaySign, c.signed.RequesterKey
	r := approval.Replay(s, c.signed.Extensions[i])
	last, decided := r.State.LastDecision()
	switch {
	case r.State.Verdict != approval.Approved:
		why := r.NotCountedText()
		if why != "" {
			why = ": " + why
		}
		return signing.Failed, "its approval is not complete" + why
	case decided && last.At.After(x.At.Add(clockSlack)):
		return signing.Failed, "the end was moved before its last approval"
	case c.means.Policy != nil || !decided:
		return c.decideExtension(x, r.State.Approvers())
	}
	return signing.OK, "approved by " + strings.Join(r.State.Approvers(), ", ")
}

// decideExtension has the policy decide who must approve an extension, and compares that with who
// was asked.
func (c *checker) decideExtension(x access.Extension, approvers []string) (signing.Result, string) {
	p, why := c.policy()
	if p == nil {
		return signing.Unchecked, "whether its approval is what the policy asks for: " + why
	}
	in, complete := c.input(x.Asked.At)
	if !complete {
		return signing.Unchecked, noFacts
	}
	total := access.Duration(x.EndsAt.Sub(c.counted()).Round(time.Second))
	now, err := p.DecideExtension(in, c.Plan, x.By, total, x.Asked.At)
	switch {
	case err != nil:
		return signing.Failed, "the policy cannot decide about it: " + err.Error()
	case now.Refusal != "":
		return signing.Failed, "the policy refuses it: " + now.Refusal
	}
	if why := policy.AsksMore(now.Approval, x.Asked.Approval); why != "" {
		return signing.Failed, "the policy asks for more than was asked for: " + why
	}
	if why := otherPeople(now.Approval, x.Asked.Approval); why != "" {
		return signing.Failed, why
	}
	if len(approvers) == 0 {
		return signing.OK, "the policy asks nobody"
	}
	return signing.OK, "approved by " + strings.Join(approvers, ", ") + ", as the policy asks"
}
