package consoletest

import "sentinelone-provisioner/internal/access"

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
