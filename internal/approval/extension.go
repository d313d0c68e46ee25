package approval

import (
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// ForExtension opens the approval of an extension of a grant. Neither the requester nor the
// recipient of the grant decides on it, nor the person who asks for it. Decisions name the
// hash of the extension. The key of the requester is the caller's to add.
func ForExtension(p access.Plan, x access.ExtensionRequest, openedAt time.Time) State {
	r := RequestOf(p)
	r.PlanHash, r.Asker, r.AskerKey = x.Hash, x.By, x.Signed
	return New(r, x.Approval, openedAt)
}

// isAsker says of a person that they ask for the extension.
func (s State) isAsker(person string) bool {
	return s.Request.Asker != "" && access.Fold(person) == access.Fold(s.Request.Asker)
}

// Impossible says why the approval cannot be completed by anybody: a step names fewer people
// who may decide than it needs. It is "" if it can.
func (s State) Impossible() string {
	for i, step := range s.Steps {
		who := s.people(i)
		if !step.Anyone() && len(who)+len(s.EscalateTo) < step.Need {
			return fmt.Sprintf("step %d needs %d of %s, and only %d of them may decide: somebody else must ask",
				i+1, step.Need, strings.Join(step.Groups, ", "), len(who))
		}
	}
	return ""
}

// Ambiguous is for a decision that names no plan while a review and an extension are open.
func Ambiguous(plan, extension string) *Refusal {
	return refuse(OtherPlan, "a review and an extension are pending: name the one that you decide on as planHash, "+
		"%s for the review or %s for the extension", plan, extension)
}

// ExtensionOver is for a decision on an extension of a grant that is not in force any more.
func ExtensionOver(state string) *Refusal {
	return refuse(NothingPending, "the extension cannot be decided any more: the state of the grant is %s", state)
}
