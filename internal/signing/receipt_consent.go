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
	if no := in.denier(); no != "" {
		in.note(name, Failed, "denied by %s, and yet something was changed", no)
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
		reason := in.excluded(step, d)
		switch {
		case reason != "":
		case slices.ContainsFunc(d.People(), func(p string) bool { return heard.people[p] }):
			reason = "has approved already"
		default:
			reason = heard.sameKey(keysOf(key, d))
		}
		if reason != "" {
			why = append(why, d.Who()+" "+reason)
			continue
		}
		for _, p := range d.People() {
			heard.people[p] = true
		}
		for _, k := range keysOf(key, d) {
			heard.keys[k] = d.Who()
		}
		who = append(who, d.Who())
	}
	return who, why
}

// keysOf are the keys behind a decision: of who decided, and of whoever had delegated it.
func keysOf(key string, d access.Decision) []string {
	keys := []string{key}
	if d.Delegation != nil && d.Delegation.Signature != "" {
		keys = append(keys, d.Delegation.Signed)
	}
	return slices.DeleteFunc(keys, func(k string) bool { return k == "" })
}

// sameKey says that one of the keys has counted already; "" if none has.
func (t *tally) sameKey(keys []string) string {
	for _, k := range keys {
		if t.keys[k] != "" {
			return "signs with the same key as " + t.keys[k]
		}
	}
	return ""
}

// excluded says why a person's approval does not count for a step; "" if it does.
func (in *inspection) excluded(step access.ApprovalStep, d access.Decision) string {
	p := in.Plan
	for _, name := range d.People() {
		switch name {
		case access.Fold(p.Terms.Requester):
			return "has asked for it"
		case access.Fold(p.Principal.Email):
			return "would get the role"
		}
	}
	if step.Anyone() {
		return ""
	}
	reason := "is not among those who may approve"
	for _, name := range d.People() {
		switch {
		case slices.ContainsFunc(step.People, func(s string) bool { return access.Fold(s) == name }),
			in.escalatedTo(name, d):
			return ""
		case slices.ContainsFunc(p.Approval.EscalateTo, func(s string) bool { return access.Fold(s) == name }):
			reason = "has approved before it was escalated"
		}
	}
	return reason
}

// escalatedTo says whether the request had been escalated to a person when the decision
// was taken. Of a decision that does not say when that was, it is the earliest moment at
// which it could have been.
func (in *inspection) escalatedTo(person string, d access.Decision) bool {
	a := in.Plan.Approval
	from, ever := a.EscalatedFrom(in.StartedAt)
	if ever && !d.EscalatedAt.IsZero() && d.EscalatedAt.Before(from) {
		return false
	}
	return a.MayByEscalation(person, in.StartedAt, d.At) && !d.At.Before(d.EscalatedAt)
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
	given := in.Proofs[len(in.Proofs)-1].Granted()
	if no := in.denier(); no != "" && given {
		in.note(name, Failed, "denied by %s, and yet the role is there", no)
		return
	}
	if len(who) < step.Need && !given {
		text := fmt.Sprintf("%d of %d have reviewed it, and it was ended", len(who), step.Need)
		if len(why) > 0 {
			text += "; not counted: " + strings.Join(why, ", ")
		}
		in.note(name, OK, "%s", text)
		return
	}
	in.enough(name, step, who, why)
}

// denier is who has denied what was carried out; "" for nobody.
func (in *inspection) denier() string {
	for _, d := range in.Decisions {
		if d.Action == KindDeny && in.about(d) {
			return d.By
		}
	}
	return ""
}
