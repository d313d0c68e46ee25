package signing

import (
	"fmt"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// consent checks that what was changed was consented to, as the plan's policy asks.
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
	case a.Required && len(a.Steps) == 0 && a.Review == nil:
		in.note(name, Failed, "the policy asks for consent, but the plan does not say whose")
	case len(a.Steps) == 0 && a.Review == nil:
		in.note(name, OK, "not asked for: %s", a.Policy)
	}
	heard := tally{people: map[string]bool{}, keys: map[string]string{}}
	if s := in.RequestSignature; s != nil {
		heard.keys[s.Signed] = in.Plan.Terms.Requester
	}
	for i, step := range a.Steps {
		who, why := in.approvers(i, step, &heard)
		in.enough(fmt.Sprintf("consent, step %d", i+1), step, who, why)
	}
	if a.Review != nil {
		in.review(a.Review.ApprovalStep, &heard)
		return
	}
	for _, d := range in.Decisions {
		if d.Action == KindDeny && in.about(d) {
			in.note(name, Failed, "denied by %s, and yet something was changed", d.By)
		}
	}
}

// tally keeps a person, and a key, from counting twice.
type tally struct {
	people map[string]bool
	keys   map[string]string // whose
}

// about says that a decision is on the plan that was carried out.
func (in *inspection) about(d access.Decision) bool {
	return d.PlanHash == "" || d.PlanHash == in.Plan.Hash
}

// approvers are the distinct people whose approval counts for a step, and why others
// do not.
func (in *inspection) approvers(number int, step access.ApprovalStep, heard *tally) (who, why []string) {
	for i, d := range in.Decisions {
		key, sound := in.signed[i]
		if d.Action != KindApprove || d.Step != number || !in.about(d) || !sound {
			continue
		}
		by := access.Fold(d.By)
		reason := in.excluded(step, d)
		switch {
		case reason != "":
		case heard.people[by]:
			reason = "has approved already"
		case key != "" && heard.keys[key] != "":
			reason = "signs with the same key as " + heard.keys[key]
		}
		if reason != "" {
			why = append(why, d.By+" "+reason)
			continue
		}
		heard.people[by] = true
		heard.keys[key] = d.By
		who = append(who, d.By)
	}
	return who, why
}

// excluded says why a person's approval does not count for a step; "" if it does.
func (in *inspection) excluded(step access.ApprovalStep, d access.Decision) string {
	p := in.Plan
	for _, name := range []string{access.Fold(d.By), access.Fold(d.OnBehalfOf)} {
		switch {
		case name == "":
		case name == access.Fold(p.Terms.Requester):
			return "has asked for it"
		case name == access.Fold(p.Principal.Email):
			return "would get the role"
		}
	}
	if step.Anyone() {
		return ""
	}
	for _, name := range []string{d.By, d.OnBehalfOf} {
		same := func(s string) bool { return access.Fold(s) == access.Fold(name) }
		if name != "" && (slices.ContainsFunc(step.People, same) || slices.ContainsFunc(p.Approval.EscalateTo, same)) {
			return ""
		}
	}
	return "is not among those who may approve"
}

func (in *inspection) enough(name string, step access.ApprovalStep, who, why []string) {
	text := fmt.Sprintf("%d of %d from %s", len(who), step.Need, strings.Join(step.Groups, ", "))
	if len(who) > 0 {
		text += ": " + strings.Join(who, ", ")
	}
	if len(why) > 0 {
		text += "; not counted: " + strings.Join(why, ", ")
	}
	result := OK
	if len(who) < step.Need {
		result = Failed
	}
	in.note(name, result, "%s", text)
}

// review is for what started at once: it was looked at afterwards, or ended.
func (in *inspection) review(step access.ApprovalStep, heard *tally) {
	const name = "review"
	var who, why []string
	for number := range len(in.Decisions) + 1 {
		w, y := in.approvers(number, step, heard)
		who, why = append(who, w...), append(why, y...)
	}
	last := in.Proofs[len(in.Proofs)-1]
	if len(who) < step.Need && !last.Given() {
		in.note(name, OK, "%d of %d have reviewed it, and it was ended", len(who), step.Need)
		return
	}
	in.enough(name, step, who, why)
}
