package store

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// Snapshot is one sync as stored.
type Snapshot struct {
	ID         string         `json:"id"`
	Console    string         `json:"console"`
	State      string         `json:"state"`
	WorkflowID string         `json:"workflowId,omitempty"` // of the sync; "" if unknown
	StartedAt  time.Time      `json:"startedAt"`
	FinishedAt time.Time      `json:"finishedAt,omitzero"` // zero while it runs
	PromotedAt time.Time      `json:"promotedAt,omitzero"` // zero unless promoted or unchanged
	DecidedBy  string         `json:"decidedBy,omitempty"`
	Reasons    []string       `json:"reasons,omitempty"` // why it was quarantined, discarded or failed
	Counts     map[string]int `json:"counts,omitempty"`  // per collection, and for "assignments"
}

// AccessQuery selects assignments of one console. Empty fields do not filter.
type AccessQuery struct {
	Console   string
	Kind      access.Kind
	Principal string     // email (case does not matter), name or id
	Role      string     // name or id
	Scope     string     // name, "Account / Site", id, or "tenant"
	AsOf      *time.Time // nil: now
	// Inherited also includes scopes that a role reaches from a level above. With Scope:
	// the roles held at its account or at the tenant. With Principal and no Scope: every
	// site that the principal's account and tenant roles reach.
	Inherited bool
}

// AccessRow is one role of one principal at one scope.
type AccessRow struct {
	Kind       access.Kind  `json:"kind"`
	ID         string       `json:"id"`
	Email      string       `json:"email,omitempty"`
	Name       string       `json:"name"`
	RoleID     string       `json:"roleId"`
	RoleName   string       `json:"roleName"`
	Predefined bool         `json:"predefined"`
	Level      access.Level `json:"level"`
	ScopeID    string       `json:"scopeId,omitempty"`   // "" at tenant level
	ScopeName  string       `json:"scopeName,omitempty"` // "Account / Site" for a site
	Since      time.Time    `json:"since"`               // promotion time of the sync that saw it first
	Via        *Via         `json:"via,omitempty"`       // nil for a role held at this scope itself
	// Origin says what the assignment is to us; nil where nobody asked [Store.Origins].
	Origin *Origin `json:"origin,omitempty"`
}

// Via is the assignment at a level above through which a role reaches a scope.
type Via struct {
	Level     access.Level `json:"level"`
	ScopeID   string       `json:"scopeId,omitempty"`
	ScopeName string       `json:"scopeName,omitempty"`
}

// The actions of a [Change].
const (
	Added   = "added"
	Removed = "removed"
)

// ChangesQuery selects the changes after Since, up to and including Until; nil is
// unbounded. They are exactly the difference between the access as of Since and as of
// Until.
type ChangesQuery struct {
	Console string
	Since   *time.Time
	Until   *time.Time
}

// Change is an assignment that was added or removed, with the last known names. Since is
// when it was added; for an added one the same as At.
type Change struct {
	At     time.Time `json:"at"`
	Action string    `json:"action"` // added or removed
	// By are the names of those who made the change, as the console's activity feed has them; none if it is not read,
	// or did not say.
	By []string `json:"by,omitempty"`
	AccessRow
}

// ExportSink receives an export in this order: accounts, sites, roles, users, service
// users, assignments, each sorted by id. An error of the sink ends the export.
type ExportSink interface {
	Account(a access.Account) error
	Site(s access.Site) error
	Role(r access.Role) error
	Principal(p access.Principal) error // without Held
	Assignment(a access.Assignment) error
}

// NamedSink is an [ExportSink] that wants each assignment with the address and the name of its
// principal. It receives no principals, so that it need not keep a million names.
type NamedSink interface {
	ExportSink

	NamedAssignment(a access.Assignment, email, name string) error
}
