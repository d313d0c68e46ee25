package consoletest

import "sentinelone-provisioner/internal/access"

// newUserFields are the fields that POST /users accepts.
var newUserFields = []string{
	"allowRemoteShell", "email", "fullName", "password", "scope", "scopeRoles", "siteRoles", "tenantRoles",
	"twoFaEnabled",
}

// updateUserFields are the fields that PUT /users/{id} accepts.
var updateUserFields = []string{
	"allowRemoteShell", "canGenerateApiToken", "currentPassword", "email", "fullName", "id", "password", "scope",
	"scopeRoles", "siteRoles", "tenantRoles", "twoFaCode", "twoFaEnabled",
}

// userInput are the fields of a created or changed user that are used, besides its roles.
type userInput struct {
	Email, FullName, Password *string
	CanGenerateAPIToken       *bool `json:"canGenerateApiToken"`
	TwoFAEnabled              *bool `json:"twoFaEnabled"`
}

// check returns what is wrong, "" if the input is valid. The vendor requires a full name for a new
// user, and does not document an empty one in a change.
func (in userInput) check(making bool) string {
	switch {
	case making && in.Email == nil:
		return "email: " + missing
	case making && in.FullName == nil:
		return "fullName: " + missing
	case in.FullName != nil && *in.FullName == "":
		return "fullName: " + length("", 1, 0)
	case making && in.Password != nil:
		return "password: Not allowed while automatic onboarding is on."
	case in.Email != nil:
		if problem := email().check(*in.Email); problem != "" {
			return "email: " + problem
		}
	}
	return ""
}

// postUser creates a user, and responds with 200, not 201. The vendor documents the response to
// an address that is taken for PUT only; the 409 is taken from there.
//
//s1:operation POST /web/api/v2.1/users
func (c *Console) postUser(call *call) answer {
	fields, a, ok := readData(call, newUserFields...)
	if !ok {
		return a
	}
	var in userInput
	if a, ok := decodeFields(fields, &in); !ok {
		return a
	}
	if problem := in.check(true); problem != "" {
		return invalid("data: %s", problem)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	level, list, problem := c.readRoles(fields)
	switch {
	case problem != "":
		return invalid("data: %s", problem)
	case c.emailTaken(*in.Email, 0) && c.opts.TakenEmailIs400:
		return invalid("data: email: User or Email already taken")
	case c.emailTaken(*in.Email, 0):
		return emailConflict()
	}
	p := &principal{
		kind: access.User, id: c.ids.next(), email: *in.Email, name: *in.FullName, source: "mgmt",
		created: c.now(), level: level, held: list,
	}
	set(&p.twoFA, in.TwoFAEnabled)
	c.users.add(p.id, p)
	c.written(call, nil, p)
	return data(c.userReply(p))
}

func emailConflict() answer { return conflict("User or Email already taken") }

// putUser replaces the roles. Other fields than scope and scopeRoles keep their value if they are
// absent.
//
//s1:operation PUT /web/api/v2.1/users/{user_id}
func (c *Console) putUser(call *call) answer {
	fields, a, ok := readData(call, updateUserFields...)
	if !ok {
		return a
	}
	var in userInput
	if a, ok := decodeFields(fields, &in); !ok {
		return a
	}
	if problem := in.check(false); problem != "" {
		return invalid("data: %s", problem)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := find[principal](&c.users, call.id())
	switch {
	case p == nil:
		return notFound()
	case c.protected(p):
		return forbidden()
	}
	level, list, problem := c.readRoles(fields)
	switch {
	case problem != "":
		return invalid("data: %s", problem)
	case in.Email != nil && c.emailTaken(*in.Email, p.id):
		return emailConflict()
	}
	before := *p
	set(&p.email, in.Email)
	set(&p.name, in.FullName)
	set(&p.canMakeToken, in.CanGenerateAPIToken)
	set(&p.twoFA, in.TwoFAEnabled)
	p.level, p.held = level, list
	c.written(call, &before, p)
	return data(c.userReply(p))
}

//s1:operation DELETE /web/api/v2.1/users/{user_id}
func (c *Console) deleteUser(call *call) answer { return c.delete(call, access.Users) }
