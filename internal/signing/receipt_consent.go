package signing

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// consent checks that what was changed was approved, as the plan's policy requires.
func (in *inspection) consent() {
	const name = "consent"
	a := in.Plan.Approval
	switch {
	case !in.changed():
		in.note(name, OK, "nothing was changed, so none was needed")
		return
	case in.Plan.Refusal != "" || a.Refusal != "":
		in.note(name, Failed, "the plan is refused, and yet something was changed")
		return
	case len(a.Steps) > 0 && a.Review != nil:
		in.note(name, Failed, "the plan has both approvals and a review: a policy asks for one of them")
	case a.Required && len(a.Steps) == 0 && a.Review == nil:
		in.note(name, Failed, "the policy requires approval, but the plan does not say whose")
	case len(a.Steps) == 0 && a.Review == nil:
		in.note(name, OK, "not required: %s", a.Policy)
	}
	replayed := in.replay()
	if a.Review != nil {
		in.review(replayed)
		return
	}
	for i := range a.Steps {
		in.enough(fmt.Sprintf("consent, step %d", i+1), i, replayed)
	}
	if no := in.denier(); no != "" {
		in.note(name, Failed, "denied by %s, and yet something was changed", no)
	}
}

// replay takes the decisions whose signatures hold through the approval machine. A receipt
// says when it was requested; when people were asked, only the decisions say.
func (in *inspection) replay() approval.Replayed {
	opened := approval.Of(in.Plan, in.StartedAt)
	opened.Deadline = time.Time{}
	if s := in.RequestSignature; s != nil {
		opened.Request.Key = s.Signed
	}
	var sound []access.Decision
	for i, d := range in.Decisions {
		key, ok := in.signed[i]
		if !ok {
			continue
		}
		d.Signed = cmp.Or(key, access.Unsigned)
		if d.Delegation != nil {
			handed := *d.Delegation
			handed.Signed = cmp.Or(in.delegated[i], access.Unsigned)
			d.Delegation = &handed
		}
		sound = append(sound, d)
	}
	return approval.Replay(opened, sound)
}

// about says that a decision is on the plan that was carried out.
func (in *inspection) about(d access.Decision) bool {
	return d.PlanHash == "" || d.PlanHash == in.Plan.Hash
}

// enough notes whether a step has the approvals that it needs.
func (in *inspection) enough(name string, number int, r approval.Replayed) {
	step := r.State.StepAt(number)
	text := fmt.Sprintf("%d of %d from %s", step.Given, step.Need, strings.Join(step.Groups, ", "))
	if who := approversOf(r.State, number); len(who) > 0 {
		text += ": " + strings.Join(who, ", ")
	}
	text += notCounted(number, r)
	result := OK
	if step.Given < step.Need {
		result = Failed
	}
	in.note(name, result, "%s", text)
}

// approversOf are those whose approval counts for a step.
func approversOf(s approval.State, number int) []string {
	var out []string
	for _, d := range s.Decisions {
		if d.Action == approval.Approve && d.Step == number {
			out = append(out, d.Who())
		}
	}
	return out
}

// notCounted says why other approvals of a step do not count; "" if all do.
func notCounted(number int, r approval.Replayed) string {
	var own approval.Replayed
	for _, n := range r.NotCounted {
		if n.Decision.Action == approval.Approve && n.Decision.Step == number {
			own.NotCounted = append(own.NotCounted, n)
		}
	}
	if why := own.NotCountedText(); why != "" {
		return "; not counted: " + why
	}
	return ""
}

// review is for what started at once: it was reviewed afterwards, or ended.
func (in *inspection) review(r approval.Replayed) {
	const name = "review"
	given := in.Proofs[len(in.Proofs)-1].Granted()
	if no := in.denier(); no != "" && given {
		in.note(name, Failed, "denied by %s, and yet the role is there", no)
		return
	}
	if step := r.State.StepAt(0); step.Given < step.Need && !given {
		in.note(name, OK, "%d of %d have reviewed it, and it was ended%s", step.Given, step.Need, notCounted(0, r))
		return
	}
	in.enough(name, 0, r)
}

// denier is who has denied what was carried out, eligible or not; "" for nobody.
func (in *inspection) denier() string {
	for _, d := range in.Decisions {
		if d.Action == approval.Deny && in.about(d) {
			return d.By
		}
	}
	return ""
}
