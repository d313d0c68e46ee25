package access

import "fmt"

// UsableAt says whether a role can be granted at a scope. accountID is the account of the
// scope if that is a site. It is true for a role whose own scope the console does not
// tell: the console then decides.
func (r Role) UsableAt(s Scope, accountID string) bool {
	switch {
	case r.Predefined || r.Scope == Tenant || r.ScopeID == "" && r.Scope != GroupLevel:
		return true
	case r.Scope == AccountLevel:
		return s.Level == AccountLevel && s.ID == r.ScopeID || s.Level == SiteLevel && accountID == r.ScopeID
	case r.Scope == SiteLevel:
		return s.Level == SiteLevel && s.ID == r.ScopeID
	}
	return false
}

// Untouchable says why a principal's roles must not be changed; "" if they may be. self
// says that the principal owns the API token of this worker.
func Untouchable(p Principal, self bool) string {
	if why := Undeletable(p, self); why != "" {
		return why
	}
	if p.RolesReadOnly {
		return fmt.Sprintf("%s %s is read-only in the console: its roles are governed elsewhere "+
			"(single sign-on or a directory); change them there", p.Kind, p.ID)
	}
	return ""
}

// Undeletable says why a principal must not be deleted; "" if it may be. self is as in
// [Untouchable].
func Undeletable(p Principal, self bool) string {
	name := fmt.Sprintf("%s %s", p.Kind, p.ID)
	switch {
	case self:
		return name + " owns the API token that this worker uses: changing it could lock the worker out; " +
			"change it by hand in the console"
	case p.IsSystem:
		return name + " is a system user of the console: its roles cannot be changed; choose another user"
	}
	return ""
}

// Assignable says whether a role can be granted at that level.
func (l Level) Assignable() bool { return l == Tenant || l == AccountLevel || l == SiteLevel }
