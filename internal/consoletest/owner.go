package consoletest

import "sentinelone-provisioner/internal/access"

// TokenOwner is who the API token belongs to: a tenant-level user, or service user where
// the options say so; "" if there is none. The API refuses to delete it.
func (c *Console) TokenOwner() (kind access.Kind, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.own()
	if p == nil {
		return "", ""
	}
	return p.kind, text(p.id)
}

// own is the token's owner, the first at tenant level when it is first asked for, which
// New does. Once that one is gone another takes its place.
func (c *Console) own() *principal {
	t := &c.users
	if c.opts.OwnerIsServiceUser {
		t = &c.serviceUsers
	}
	if r := t.get(c.owner); r != nil {
		return r.entity.(*principal)
	}
	for _, r := range t.records {
		if p := r.entity.(*principal); p.level == access.Tenant {
			c.owner = p.id
			return p
		}
	}
	return nil
}

// getOwnUser answers with the token's owner. What a console says to a service user's
// token is not known; a refusal is what a client must be able to live with.
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
