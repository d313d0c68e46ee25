package consoletest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// maxServiceUserText bounds a service user's name and its description, in characters.
const maxServiceUserText = 255

// postServiceUser creates a service user with a token. Only this response holds its value.
//
//s1:operation POST /web/api/v2.1/service-users
func (c *Console) postServiceUser(call *call) answer {
	fields, a, ok := readData(call, "name", "description", "scope", "scopeRoles", "expirationDate")
	if !ok {
		return a
	}
	var in struct{ Name, Description *string }
	if a, ok := decodeFields(fields, &in); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	expires, problem := c.readExpiry(fields)
	if wrong := nameProblem(in.Name); wrong != "" {
		problem = "name: " + wrong
	}
	if wrong := length(orEmpty(in.Description), 0, maxServiceUserText); wrong != "" {
		problem = "description: " + wrong
	}
	if problem != "" {
		return invalid("data: %s", problem)
	}
	level, list, problem := c.readRoles(fields)
	if problem != "" {
		return invalid("data: %s", problem)
	}
	p := &principal{
		kind: access.ServiceUser, id: c.ids.next(), name: *in.Name, description: orEmpty(in.Description),
		created: c.now(), level: level, held: list, creator: c.creatorIn(call),
	}
	value := c.giveToken(p, expires)
	c.serviceUsers.add(p.id, p)
	c.written(call, nil, p)
	return data(c.createdServiceUser(p, value))
}

// creatorIn is the id of who creates something.
func (c *Console) creatorIn(call *call) int64 {
	if p := c.callerOf(call); p != nil {
		return p.id
	}
	return c.owner
}

func nameProblem(name *string) string {
	switch {
	case name == nil:
		return missing
	case strings.ContainsAny(*name, "<>="):
		return "String does not match expected pattern."
	}
	return length(*name, 1, maxServiceUserText)
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// readExpiry reads expirationDate. It must be in the future of the console's own clock: this is
// our choice.
func (c *Console) readExpiry(fields map[string]json.RawMessage) (at stamp, problem string) {
	raw, ok := fields["expirationDate"]
	if !ok {
		return 0, "expirationDate: " + missing
	}
	var expires time.Time
	if json.Unmarshal(raw, &expires) != nil || expires.IsZero() {
		return 0, "expirationDate: Not a valid datetime."
	}
	if at = stampOf(expires); at <= c.clock {
		return 0, "expirationDate: Must be in the future."
	}
	return at, ""
}

// giveToken replaces the principal's token. It expires at a whole second, as seen on real
// consoles. The value begins with the mark of all secrets, and gives no access.
func (c *Console) giveToken(p *principal, expires stamp) (value string) {
	value = fmt.Sprintf("%s-token-%016x%016x", c.opts.SecretMark, c.ids.rng.Uint64(), c.ids.rng.Uint64())
	p.tokenCreated, p.tokenExpires = c.now(), expires.wholeSeconds()
	if c.serviceTokens == nil {
		c.serviceTokens = map[int64]string{}
	}
	c.serviceTokens[p.id] = value
	c.ownVoid = c.ownVoid || c.opts.ServiceUserTokens && p.id == c.owner
	return value
}

// ServiceUserToken returns the token that the API last created for a service user, "" if none.
func (c *Console) ServiceUserToken(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := find[principal](&c.serviceUsers, id); p != nil {
		return c.serviceTokens[p.id]
	}
	return ""
}

// putServiceUser replaces the roles. The vendor allows a null scope; the simulator requires a
// value, since the meaning of null with a list of roles is not documented.
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
	if problem := length(orEmpty(in.Description), 0, maxServiceUserText); problem != "" {
		return invalid("data: description: %s", problem)
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
	before := *p
	// Whether an absent description is kept is not documented.
	if _, sent := fields["description"]; sent || c.opts.DropAbsentFields {
		p.description = orEmpty(in.Description)
	}
	p.level, p.held = level, list
	c.written(call, &before, p)
	return data(c.serviceUserView(p))
}

//s1:operation DELETE /web/api/v2.1/service-users/{service_user_id}
func (c *Console) deleteServiceUser(call *call) answer { return c.delete(call, access.ServiceUsers) }

// generateToken replaces a service user's token. Only newer consoles have this call.
//
//s1:operation POST /web/api/v2.1/service-users/{service_user_id}/generate-api-token
func (c *Console) generateToken(call *call) answer {
	fields, a, ok := readData(call, "expirationDate")
	if !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := find[principal](&c.serviceUsers, call.id())
	if p == nil {
		return notFound()
	}
	expires, problem := c.readExpiry(fields)
	if problem != "" {
		return invalid("data: %s", problem)
	}
	value := c.giveToken(p, expires)
	c.touch(p)
	return data(struct {
		Token string `json:"token"`
		tokenTimes
	}{value, timesOf(p)})
}
