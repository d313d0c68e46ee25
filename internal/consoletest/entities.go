package consoletest

import (
	"sentinelone-provisioner/internal/access"
)

// The rows in memory are small, because there may be 130,000 of them. API fields without effect
// are invented when a row is rendered.

type account struct {
	id        int64
	name      string
	state     string
	isDefault bool
	created   stamp
	updated   stamp
}

type site struct {
	id        int64
	name      string
	account   *account
	state     string
	isDefault bool
	secret    string // registrationToken
	created   stamp
	updated   stamp
}

type role struct {
	id          int64
	name        string
	description string
	predefined  bool
	scope       access.Level
	scopeID     int64    // 0 for predefined and tenant roles
	account     *account // of an account role, and of a site or group role's parent
	site        *site    // of a site role
	created     stamp
	updated     stamp
}

// principal is a user or a service user.
type principal struct {
	kind        access.Kind
	id          int64
	email       string
	name        string
	description string
	level       access.Level
	source      string
	held        []held

	emailVerified, twoFA, isSystem, readOnly, canMakeToken bool

	created      stamp // dateJoined, createdAt
	updated      stamp // service users only: users have no such field
	firstLogin   stamp
	lastActive   stamp // lastLogin, lastActivation
	tokenCreated stamp
	tokenExpires stamp // 0: no token
	creator      int64
}

// held is one role at one scope; scope is 0 at tenant level.
type held struct{ role, scope int64 }

func (p *principal) holds(roleID int64) bool {
	for _, h := range p.held {
		if h.role == roleID {
			return true
		}
	}
	return false
}

func (p *principal) heldAt(scopeID int64) bool {
	for _, h := range p.held {
		if h.scope == scopeID {
			return true
		}
	}
	return false
}
