package access

// PolicyFacts are what a policy reads of the console besides a plan, so that it can decide about
// the plan again without the console.
type PolicyFacts struct {
	RolePredefined bool `json:"rolePredefined,omitempty"`
	// Accounts are the ids of the accounts that sites of the plan belong to, by the site's id.
	Accounts map[string]string `json:"accounts,omitempty"`
	// RoleNames are the names of the roles that the policy names, by their id.
	RoleNames map[string]string `json:"roleNames,omitempty"`
}
