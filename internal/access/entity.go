package access

import (
	"strings"
	"time"
)

// Kind is the kind of a principal: a person or a machine.
type Kind string

// The kinds of principal. Their ids do not mix: a service user's id means
// nothing under /users, and the other way round.
const (
	User        Kind = "user"
	ServiceUser Kind = "serviceUser"
)

// Level is a level of a console's tree of scopes.
type Level string

// The levels of scope. Group exists for custom roles only: roles cannot be assigned at a
// group.
const (
	Tenant       Level = "tenant"
	AccountLevel Level = "account"
	SiteLevel    Level = "site"
	GroupLevel   Level = "group"
)

// ParseLevel ignores case and surrounding spaces: the console writes "Site" for a role and
// "site" for a user. It keeps an unknown text, lower-cased.
func ParseLevel(s string) Level { return Level(strings.ToLower(strings.TrimSpace(s))) }

// Entity is one row of a collection as the store keeps it.
type Entity interface {
	// In is the collection the entity belongs to.
	In() Collection
	// Key is the console's id, a string of digits, unique in its collection.
	Key() string
}

// Account is a console's account.
type Account struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	State string `json:"state,omitempty"` // active, expired or deleted
}

// Site belongs to one account. Its registration token is a secret and has no
// field here, so that it cannot be stored by accident.
type Site struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	AccountID   string `json:"accountId"`
	AccountName string `json:"accountName,omitempty"`
	State       string `json:"state,omitempty"` // active, expired or deleted
}

// Role is predefined or custom. Names repeat across scopes; the id is the key.
type Role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Predefined  bool   `json:"predefined"`
	Scope       Level  `json:"scope"`
	ScopeID     string `json:"scopeId,omitempty"` // "" for predefined and tenant roles
}

// Principal is a user or a service user with all its roles.
type Principal struct {
	Kind        Kind   `json:"kind"`
	ID          string `json:"id"`
	Email       string `json:"email,omitempty"` // users only
	Name        string `json:"name"`            // full name of a user, name of a service user
	Description string `json:"description,omitempty"`
	Level       Level  `json:"level"` // the one level all its roles are at
	// Source is mgmt, sso_saml, active_directory or global; users only.
	Source        string `json:"source,omitempty"`
	EmailVerified bool   `json:"emailVerified,omitempty"`
	TwoFAEnabled  bool   `json:"twoFaEnabled,omitempty"`
	IsSystem      bool   `json:"isSystem,omitempty"`
	// RolesReadOnly is the console's groupsReadOnly: its roles are governed
	// elsewhere (single sign-on, directory).
	RolesReadOnly bool `json:"rolesReadOnly,omitempty"`
	// CreatedAt is dateJoined of a user, createdAt of a service user.
	CreatedAt *time.Time `json:"createdAt,omitempty"`
	// TokenExpiresAt is when its API token expires; nil without a token.
	TokenExpiresAt *time.Time `json:"apiTokenExpiresAt,omitempty"`
	// LastActiveAt is lastLogin of a user, lastActivation of a service user. It
	// changes without a change of access, so it makes no new version.
	LastActiveAt *time.Time `json:"lastActiveAt,omitempty"`
	Held         []HeldRole `json:"held,omitempty"`
}

// HeldRole is one role a principal holds at one scope of its level.
type HeldRole struct {
	RoleID  string `json:"roleId"`
	ScopeID string `json:"scopeId"` // "" at tenant level
}

// Assignment is one principal's role at one scope.
type Assignment struct {
	PrincipalKind Kind   `json:"principalKind"`
	PrincipalID   string `json:"principalId"`
	RoleID        string `json:"roleId"`
	Level         Level  `json:"level"`
	ScopeID       string `json:"scopeId"` // "" at tenant level
}

// In implements [Entity].
func (Account) In() Collection { return Accounts }

// Key implements [Entity].
func (a Account) Key() string { return a.ID }

// In implements [Entity].
func (Site) In() Collection { return Sites }

// Key implements [Entity].
func (s Site) Key() string { return s.ID }

// In implements [Entity].
func (Role) In() Collection { return Roles }

// Key implements [Entity].
func (r Role) Key() string { return r.ID }

// In implements [Entity].
func (p Principal) In() Collection {
	if p.Kind == ServiceUser {
		return ServiceUsers
	}
	return Users
}

// Key implements [Entity].
func (p Principal) Key() string { return p.ID }

// Assignments lists the access of the principal, one value per role and scope.
func (p Principal) Assignments() []Assignment {
	out := make([]Assignment, len(p.Held))
	for i, h := range p.Held {
		out[i] = Assignment{
			PrincipalKind: p.Kind, PrincipalID: p.ID,
			RoleID: h.RoleID, Level: p.Level, ScopeID: h.ScopeID,
		}
	}
	return out
}
