// Package resources puts what a console holds into ConductorOne's words: resources, entitlements and grants. The
// same object always gives the same bytes.
package resources

// Ids of the resource types. ConductorOne keeps history by them: the first five are the stock connector's.
const (
	Account        = "account"
	Site           = "site"
	Role           = "role"
	User           = "user"
	ServiceUser    = "service_user"
	Tenant         = "tenant"
	RoleAssignment = "role_assignment"
)

// TenantID is the id of the one tenant resource, and stands for the scope in ids of assignments at tenant level.
const TenantID = "tenant"

// Slugs of entitlements.
const (
	// Assigned is the slug of a role assignment. ConductorOne makes up ids with it for roles at scopes that no sync
	// has seen, so that it is fixed.
	Assigned = "assigned"
	// Member is the slug of accounts and sites.
	Member = "member"
)

// AssignmentID is the id of a role at a scope, which ConductorOne makes up as well when somebody requests one that
// no sync has seen. At tenant level, scopeID is [TenantID].
func AssignmentID(roleID, scopeID string) string { return roleID + "-" + scopeID }
