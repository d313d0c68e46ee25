package consoletest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// updateUserFields is what PUT /users/{id} takes.
var updateUserFields = []string{
	"allowRemoteShell", "canGenerateApiToken", "currentPassword", "email", "fullName", "id", "password", "scope",
	"scopeRoles", "siteRoles", "tenantRoles", "twoFaCode", "twoFaEnabled",
}

func onlyKnown(at string, fields map[string]json.RawMessage, known ...string) (answer, bool) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(known, name) {
			return invalid("%s%s: Unknown field", at, name), false
		}
	}
	return answer{}, true
}

// putUser replaces the roles. Fields besides scope and scopeRoles keep their value
// where absent.
//
//s1:operation PUT /web/api/v2.1/users/{user_id}
func (c *Console) putUser(call *call) answer {
	fields, a, ok := readData(call, updateUserFields...)
	if !ok {
		return a
	}
	var in struct {
		Email, FullName     *string
		CanGenerateAPIToken *bool `json:"canGenerateApiToken"`
		TwoFAEnabled        *bool `json:"twoFaEnabled"`
	}
	if a, ok := decodeFields(fields, &in); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := find[principal](&c.users, call.id())
	if p == nil {
		return notFound()
	}
	level, list, problem := c.readRoles(fields)
	if problem != "" {
		return invalid("data: %s", problem)
	}
	if in.Email != nil && c.emailTaken(*in.Email, p.id) {
		return conflict("User or Email already taken")
	}
	set(&p.email, in.Email)
	set(&p.name, in.FullName)
	set(&p.canMakeToken, in.CanGenerateAPIToken)
	set(&p.twoFA, in.TwoFAEnabled)
	c.replaceRoles(p, level, list)
	return data(c.userReply(p))
}

// putServiceUser replaces the roles. The vendor lets scope be null; it is asked for
// here all the same, since what null means beside a list of roles is not said.
//
//s1:operation PUT /web/api/v2.1/service-users/{service_user_id}
func (c *Console) putServiceUser(call *call) answer {
	fields, a, ok := readData(call, "description", "scope", "scopeRoles")
	if !ok {
		return a
	}
	var in struct{ Description *string }
	if a, ok := decodeFields(fields, &in); !ok {
		return a
	}
	if in.Description != nil && len(*in.Description) > 255 {
		return invalid("data: description: Longer than maximum length 255.")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := find[principal](&c.serviceUsers, call.id())
	if p == nil {
		return notFound()
	}
	level, list, problem := c.readRoles(fields)
	if problem != "" {
		return invalid("data: %s", problem)
	}
	set(&p.description, in.Description)
	c.replaceRoles(p, level, list)
	return data(c.serviceUserView(p))
}

func decodeFields(fields map[string]json.RawMessage, into any) (answer, bool) {
	if err := json.Unmarshal(mustJSON(fields), into); err != nil {
		return invalid("data: Invalid input type."), false
	}
	return answer{}, true
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

func (c *Console) emailTaken(email string, except int64) bool {
	for _, r := range c.users.records {
		if r.id != except && strings.EqualFold(r.entity.(*principal).email, email) {
			return true
		}
	}
	return false
}

// replaceRoles is what a write does to a principal; rows that show it are redone.
func (c *Console) replaceRoles(p *principal, level access.Level, list []held) {
	p.level, p.held = level, list
	c.touch(p)
}

// touch forgets what was rendered of a principal.
func (c *Console) touch(p *principal) {
	t := &c.users
	if p.kind == access.ServiceUser {
		t, p.updated = &c.serviceUsers, c.now()
	}
	if r := t.get(p.id); r != nil {
		r.json = nil
	}
	c.roleCounts = nil
}

// readRoles reads scope and scopeRoles, and says what is wrong with them. Where the
// vendor does not say what happens (an empty or absent list, a scope given twice),
// this console refuses.
func (c *Console) readRoles(fields map[string]json.RawMessage) (level access.Level, list []held, problem string) {
	raw, ok := fields["scope"]
	if !ok {
		return "", nil, "scope: Missing data for required field."
	}
	if json.Unmarshal(raw, &level) != nil || !slices.Contains(assignable, level) {
		return "", nil, "scope: Must be one of: tenant, account, site."
	}
	var entries []map[string]json.RawMessage
	if raw, ok := fields["scopeRoles"]; ok && json.Unmarshal(raw, &entries) != nil {
		return "", nil, "scopeRoles: Invalid input type."
	}
	if len(entries) == 0 {
		return "", nil, "scopeRoles: Shorter than minimum length 1."
	}
	for i, e := range entries {
		h, problem := c.readRole(level, e)
		if problem == "" && scopeTaken(list, h.scope) {
			problem = "Duplicate scope."
		}
		if problem != "" {
			return "", nil, fmt.Sprintf("scopeRoles: %d: %s", i, problem)
		}
		list = append(list, h)
	}
	return level, list, ""
}

// assignable are the levels a principal can be at; there is no group.
var assignable = []access.Level{access.Tenant, access.AccountLevel, access.SiteLevel}

// readRole reads one entry and returns what is wrong with it, "" for nothing. An id
// of another level is one that does not exist at this one.
func (c *Console) readRole(level access.Level, e map[string]json.RawMessage) (h held, problem string) {
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if !slices.Contains([]string{"id", "roleId", "roleName", "roles"}, name) {
			return held{}, name + ": Unknown field"
		}
	}
	scopeID, hasScope := idOf(e["id"])
	switch {
	case level == access.Tenant && e["id"] != nil:
		return held{}, "id: Must not be given for scope tenant."
	case level != access.Tenant && !hasScope:
		return held{}, "id: Missing data for required field."
	case level != access.Tenant && c.scope(level, scopeID) == nil:
		return held{}, "id: No such " + string(level) + "."
	}
	roleID, ok := idOf(e["roleId"])
	if !ok {
		return held{}, "roleId: Missing data for required field."
	}
	if c.roles.get(roleID) == nil {
		return held{}, "roleId: No such role."
	}
	return held{role: roleID, scope: scopeID}, ""
}

// idOf reads an id that is text, as the vendor types it.
func idOf(raw json.RawMessage) (int64, bool) {
	var s string
	if raw == nil || json.Unmarshal(raw, &s) != nil {
		return 0, false
	}
	id, err := strconv.ParseInt(s, 10, 64)
	return id, err == nil
}
