package consoletest

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// TokenOwner returns the owner of the API token: a tenant-level user, or service user if the
// options say so; "" if there is none. The API refuses to delete the owner.
func (c *Console) TokenOwner() (kind access.Kind, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.own()
	if p == nil {
		return "", ""
	}
	return p.kind, text(p.id)
}

// own returns the token's owner: the first principal at tenant level when New calls it. After its
// deletion, the next one becomes the owner.
func (c *Console) own() *principal {
	t := &c.users
	if c.opts.OwnerIsServiceUser {
		t = &c.serviceUsers
	}
	if r := t.get(c.owner); r != nil {
		return r.entity.(*principal)
	}
	if c.opts.ServiceUserTokens && c.owner != 0 {
		return nil
	}
	for _, r := range t.records {
		if p := r.entity.(*principal); p.level == access.Tenant {
			c.owner = p.id
			return p
		}
	}
	return nil
}

// getOwnUser responds with the token's owner. How a console responds to the token of a service
// user is unknown; the simulator refuses, since a client must handle that case.
//
//s1:operation GET /web/api/v2.1/user
func (c *Console) getOwnUser(call *call) answer {
	if a, ok := checkParams(userParams, call.req.Query); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.own()
	switch {
	case c.opts.OwnerIsServiceUser && c.opts.TellsServiceUser && c.callerOf(call) != nil:
		return data(c.serviceUserView(c.callerOf(call)))
	case c.opts.OwnerIsServiceUser:
		return forbidden()
	case p == nil:
		return notFound()
	}
	if shown := find[principal](c.shown(access.Users), text(p.id)); shown != nil {
		p = shown
	}
	return data(c.userReply(p))
}

// ownerOf finds whose token it is: a service user's, or the console's own, of which the id is 0.
func (c *Console) ownerOf(token string) (caller int64, accepted bool) {
	if !c.opts.ServiceUserTokens {
		return 0, token == c.Token() && time.Now().Before(c.opts.TokenExpiresAt)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if token == c.Token() {
		return 0, !c.ownVoid && (c.own() != nil || c.owner == 0) && time.Now().Before(c.opts.TokenExpiresAt)
	}
	for id, value := range c.serviceTokens {
		if value == token {
			r := c.serviceUsers.get(id)
			return id, r != nil && stampOf(time.Now()) < r.entity.(*principal).tokenExpires
		}
	}
	return 0, false
}

// callerOf is who sends a request; nil where that is nobody.
func (c *Console) callerOf(call *call) *principal {
	if r := c.serviceUsers.get(call.caller); call.caller != 0 && r != nil {
		return r.entity.(*principal)
	}
	return c.own()
}
