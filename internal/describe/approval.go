package describe

import (
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// Approval is what a policy requires of a request: "1 approval from leads, then 1 from
// owners, within 72h (rule "admins")". Groups and rules come from the policy file, which the
// operator writes; a refusal may quote names from the console.
func Approval(a access.Approval) string {
	rule := ""
	if a.Rule != "" {
		rule = fmt.Sprintf(" (rule %q)", a.Rule)
	}
	switch {
	case a.Refusal != "":
		return "refused: " + Text(a.Refusal)
	case a.Review != nil:
		verb := "review it"
		if a.Review.Need == 1 {
			verb = "reviews it"
		}
		return fmt.Sprintf("starts at once and is ended unless %s %s within %s%s",
			step(a.Review.ApprovalStep), verb, a.Review.Within, rule)
	case !a.Required && a.Rule == "":
		return "no approval required: no rule of the policy matches"
	case !a.Required:
		return "no approval required" + rule
	}
	text := approvals(a.Steps)
	if a.DecideWithin > 0 {
		text += fmt.Sprintf(", within %s", a.DecideWithin)
	}
	if a.ValidFor > 0 {
		text += fmt.Sprintf(", applied within %s of the last one", a.ValidFor)
	}
	return text + rule
}

// approvals is "1 approval from leads, then 2 from owners".
func approvals(steps []access.ApprovalStep) string {
	out := make([]string, len(steps))
	for i, s := range steps {
		count := fmt.Sprint(s.Need)
		if i == 0 {
			count = Plural(s.Need, "approval")
		}
		out[i] = count + " from " + Or(s.Groups)
	}
	return strings.Join(out, ", then ")
}

func step(s access.ApprovalStep) string { return fmt.Sprintf("%d of %s", s.Need, Or(s.Groups)) }

// Or lists alternatives: "a", "a or b", "a, b or c"; "" for none.
func Or(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " or " + names[n-1]
	}
	return strings.Join(names, "")
}
