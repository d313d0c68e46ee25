package signing

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// checkApproval checks that what was changed has the approvals that the plan's policy requires.
func (in *inspection) checkApproval() {
	const name = "approval"
	a := in.Plan.Approval
	switch {
	case !in.attempted():
		in.note(name, OK, "not needed: nothing was changed")
		return
	case in.Plan.Refusal != "" || a.Refusal != "":
		in.note(name, Failed, "the plan was refused, but something was changed")
		return
	case len(a.Steps) > 0 && a.Review != nil:
		in.note(name, Failed, "the plan has both approval steps and a review: a policy requires only one of them")
	case a.Required && len(a.Steps) == 0 && a.Review == nil:
		in.note(name, Failed, "the policy requires approval, but the plan has no approval steps")
	case len(a.Steps) == 0 && a.Review == nil:
		in.note(name, OK, "not required by policy %s", a.Policy)
	}
	replayed := in.replay()
	if a.Review != nil {
		in.checkReview(replayed)
		return
	}
	for i := range a.Steps {
		in.checkStep(fmt.Sprintf("approval, step %d", i+1), i, replayed)
	}
	if denier := in.denier(); denier != "" {
		in.note(name, Failed, "denied by %s, but something was changed", denier)
	}
}

// replay takes the decisions with valid signatures through the approval machine. A receipt has the
// time of the request; only the decisions have the time at which approvers were asked.
func (in *inspection) replay() approval.Replayed {
	opened := approval.Of(in.Plan, in.StartedAt)
	opened.Deadline = time.Time{}
	if in.allowed != nil {
		opened.MaySign = in.keys.MaySignFor
	}
	if s := in.RequestSignature; s != nil {
		opened.Request.Key = s.Signed
	}
	return approval.Replay(opened, in.valid())
}

// valid are the decisions whose signatures hold, or need not, with the keys that signed them.
func (in *inspection) valid() []access.Decision {
	var valid []access.Decision
	for i, d := range in.Decisions {
		key, ok := in.decisionKeys[i]
		if !ok {
			continue
		}
		d.Signed = cmp.Or(key, access.Unsigned)
		if d.Delegation != nil {
			delegation := *d.Delegation
			delegation.Signed = cmp.Or(in.delegationKeys[i], access.Unsigned)
			d.Delegation = &delegation
		}
		valid = append(valid, d)
	}
	return valid
}

// onThisPlan says whether a decision is about the plan that was applied.
func (in *inspection) onThisPlan(d access.Decision) bool {
	return d.PlanHash == "" || d.PlanHash == in.Plan.Hash
}

// checkStep notes whether a step has as many approvals as it needs.
func (in *inspection) checkStep(name string, number int, r approval.Replayed) {
	step := r.State.StepAt(number)
	text := fmt.Sprintf("%d of %d from %s", step.Given, step.Need, strings.Join(step.Groups, ", "))
	if approvers := approversOf(r.State, number); len(approvers) > 0 {
		text += ": " + strings.Join(approvers, ", ")
	}
	text += notCounted(number, r)
	result := OK
	if step.Given < step.Need {
		result = Failed
	}
	in.note(name, result, "%s", text)
}

// approversOf returns the people whose approvals count for a step.
func approversOf(s approval.State, number int) []string {
	var out []string
	for _, d := range s.Decisions {
		if d.Action == approval.Approve && d.Step == number {
			out = append(out, d.Who())
		}
	}
	return out
}

// notCounted explains which approvals of a step do not count; "" if all do.
func notCounted(number int, r approval.Replayed) string {
	var ofStep approval.Replayed
	for _, n := range r.NotCounted {
		if n.Decision.Action == approval.Approve && n.Decision.Step == number {
			ofStep.NotCounted = append(ofStep.NotCounted, n)
		}
	}
	if why := ofStep.NotCountedText(); why != "" {
		return "; not counted: " + why
	}
	return ""
}

// checkReview checks break-glass access, which starts without approval: it must have been reviewed
// afterwards, or ended.
func (in *inspection) checkReview(r approval.Replayed) {
	const name = "review"
	stillGranted := in.Proofs[len(in.Proofs)-1].Granted()
	if denier := in.denier(); denier != "" && stillGranted {
		in.note(name, Failed, "denied by %s, but the role is still granted", denier)
		return
	}
	if step := r.State.StepAt(0); step.Given < step.Need && !stillGranted {
		in.note(name, OK, "%d of %d reviewers approved, and the access was ended%s",
			step.Given, step.Need, notCounted(0, r))
		return
	}
	in.checkStep(name, 0, r)
}

// denier returns who denied the plan that was applied, eligible or not; "" for nobody.
func (in *inspection) denier() string {
	for _, d := range in.Decisions {
		if d.Action == approval.Deny && in.onThisPlan(d) {
			return d.By
		}
	}
	return ""
}
