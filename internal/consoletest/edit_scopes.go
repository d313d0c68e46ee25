package consoletest

import (
	"fmt"
	"slices"
	"strconv"

	"sentinelone-provisioner/internal/access"
)

// AddAccount adds an account and returns its id. An absent id, name or state is generated.
func (c *Console) AddAccount(in access.Account) (id string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.newID(in.ID)
	if err != nil {
		return "", err
	}
	a := &account{
		id: n, name: orElse(in.Name, "Added "+text(n)), state: orElse(in.State, "active"),
		created: c.now(), updated: c.now(),
	}
	if !c.accounts.add(n, a) {
		return "", fmt.Errorf("add account: id %s is taken", text(n))
	}
	c.record(nil, ByHand, activityAccountCreated)
	return text(n), nil
}

// AddSite adds a site to the account with AccountID, or to the first account, and returns its
// id.
func (c *Console) AddSite(in access.Site) (id string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if in.AccountID == "" && len(c.accounts.records) > 0 {
		in.AccountID = text(c.accounts.records[0].id)
	}
	parent := find[account](&c.accounts, in.AccountID)
	if parent == nil {
		return "", errNoAccount
	}
	n, err := c.newID(in.ID)
	if err != nil {
		return "", err
	}
	s := &site{
		id: n, name: orElse(in.Name, "Added "+text(n)), state: orElse(in.State, "active"), account: parent,
		secret: c.secret(), created: c.now(), updated: c.now(),
	}
	if !c.sites.add(n, s) {
		return "", fmt.Errorf("add site: id %s is taken", text(n))
	}
	c.siteCounts = nil
	c.record(nil, ByHand, activitySiteCreated)
	return text(n), nil
}

// RemoveSite deletes a site and every role held at it; principals may have no role left. What a
// console does with roles at a deleted site is not documented. It returns false if there is no
// such site.
func (c *Console) RemoveSite(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || !c.sites.remove(n) {
		return false
	}
	c.siteCounts = nil
	c.record(nil, ByHand, activitySiteDeleted) // and none about those who held roles there
	for _, t := range []*table{&c.users, &c.serviceUsers} {
		each(t, func(p *principal) {
			if p.heldAt(n) {
				before := *p
				p.held = slices.DeleteFunc(slices.Clone(p.held), func(h held) bool { return h.scope == n })
				c.touch(p)
				c.changed(ByHand, &before, p)
			}
		})
	}
	return true
}

// AddRole adds a custom role and returns its id. An empty Scope means tenant; at account and site
// level, ScopeID must exist.
func (c *Console) AddRole(in access.Role) (id string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.newID(in.ID)
	if err != nil {
		return "", err
	}
	r := &role{
		id: n, name: orElse(in.Name, "Added "+text(n)), description: in.Description, predefined: in.Predefined,
		scope: access.Level(orElse(string(in.Scope), string(access.Tenant))), created: c.now(), updated: c.now(),
	}
	if r.scope != access.Tenant {
		r.scopeID, _ = strconv.ParseInt(in.ScopeID, 10, 64)
	}
	switch s := c.scope(r.scope, r.scopeID).(type) {
	case *account:
		r.account = s
	case *site:
		r.site, r.account = s, s.account
	default:
		if r.scope == access.AccountLevel || r.scope == access.SiteLevel {
			return "", fmt.Errorf("add role: no %s with id %q", r.scope, in.ScopeID)
		}
	}
	if !c.roles.add(n, r) {
		return "", fmt.Errorf("add role: id %s is taken", text(n))
	}
	c.record(nil, ByHand, activityRoleCreated)
	return text(n), nil
}

// RemoveRole deletes a role and gives its holders the target role. The API also requires a target
// if a role has holders.
func (c *Console) RemoveRole(id, targetID string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	from, to := find[role](&c.roles, id), find[role](&c.roles, targetID)
	if from == nil || to == nil || from == to {
		return fmt.Errorf("remove role %q: both it and the target %q must be roles, and not the same", id, targetID)
	}
	c.roles.remove(from.id)
	c.record(nil, ByHand, activityRoleDeleted) // and none about its holders
	for _, t := range []*table{&c.users, &c.serviceUsers} {
		each(t, func(p *principal) {
			if p.holds(from.id) {
				before := *p
				p.held = replaceRole(p.held, from.id, to.id)
				c.touch(p)
				c.changed(ByHand, &before, p)
			}
		})
	}
	return nil
}

func replaceRole(list []held, from, to int64) []held {
	out := slices.Clone(list)
	for i := range out {
		if out[i].role == from {
			out[i].role = to
		}
	}
	return out
}
