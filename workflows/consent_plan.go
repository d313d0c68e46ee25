package workflows

// otherPlan says that a person has decided on another plan than the one that waits: it
// was made anew while they looked. Who does not say which plan they saw, as the temporal
// CLI's users, decides on the one that waits.
func (c *consent) otherPlan(in DecisionInput) string {
	if in.PlanHash == "" || in.PlanHash == c.planHash() {
		return ""
	}
	return "the plan has changed since it was shown: look at it again, and decide on that"
}
