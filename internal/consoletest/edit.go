package consoletest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"sentinelone-provisioner/internal/access"
)

// AddUser adds a user as if it had been created on the console's web pages, and returns its id.
// Absent fields are generated: an id above all others, a name, an address, the Viewer role at
// the first site. The error names a role or scope that does not exist, or an id or address that
// is taken.
func (c *Console) AddUser(p access.Principal) (id string, err error) {
	p.Kind = access.User
	return c.addPrincipal(p)
}

// AddServiceUser adds a service user; see AddUser.
func (c *Console) AddServiceUser(p access.Principal) (id string, err error) {
	p.Kind = access.ServiceUser
	return c.addPrincipal(p)
}

func (c *Console) addPrincipal(in access.Principal) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id, err := c.newID(in.ID)
	if err != nil {
		return "", err
	}
	if in.Held == nil {
		in.Level, in.Held = c.viewerSomewhere()
	}
	n := text(id)
	in.Name = orElse(in.Name, "Added "+n)
	if in.Kind == access.User {
		in.Email, in.Source = orElse(in.Email, "added."+n+"@example.com"), orElse(in.Source, "mgmt")
		if c.emailTaken(in.Email, 0) {
			return "", fmt.Errorf("add user: %s is taken", in.Email)
		}
	}
	if in.CreatedAt == nil {
		in.CreatedAt = c.now().pointer()
	}
	p := &principal{kind: in.Kind, id: id}
	if err := c.assign(p, in); err != nil {
		return "", err
	}
	if !c.table(in.In()).add(id, p) {
		return "", fmt.Errorf("add %s: id %s is taken", in.Kind, n)
	}
	c.touch(p)
	c.changed(ByHand, nil, p)
	c.recordChange(ByHand, nil, p)
	return n, nil
}

func (c *Console) newID(asked string) (int64, error) {
	if asked == "" {
		return c.ids.next(), nil
	}
	id, err := strconv.ParseInt(asked, 10, 64)
	if err != nil || id < smallestID {
		return 0, fmt.Errorf("invalid id %q: an id is a number of at least %d", asked, int64(smallestID))
	}
	return id, nil
}

func (c *Console) viewerSomewhere() (access.Level, []access.HeldRole) {
	h := access.HeldRole{RoleID: text(c.roles.records[predefinedRoles-1].id)}
	if len(c.sites.records) == 0 {
		return access.Tenant, []access.HeldRole{h}
	}
	h.ScopeID = text(c.sites.records[0].id)
	return access.SiteLevel, []access.HeldRole{h}
}

func (c *Console) update(kind access.Kind, id string, change func(*access.Principal) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := find[principal](c.table(access.Principal{Kind: kind}.In()), id)
	if p == nil {
		return fmt.Errorf("no %s with id %s", kind, id)
	}
	now := p.truth()
	if err := change(&now); err != nil {
		return err
	}
	before := *p
	if err := c.assign(p, now); err != nil {
		return err
	}
	c.touch(p)
	c.changed(ByHand, &before, p)
	c.recordChange(ByHand, &before, p)
	return nil
}

// patch updates the fields that are in the JSON; others stay.
func (c *Console) patch(kind access.Kind, id string, fields json.RawMessage) error {
	return c.update(kind, id, func(p *access.Principal) error { return json.Unmarshal(fields, p) })
}

// assign copies a principal of package access into the console's own row.
func (c *Console) assign(p *principal, in access.Principal) error {
	list := make([]held, 0, len(in.Held))
	for _, h := range in.Held {
		if find[role](&c.roles, h.RoleID) == nil {
			return fmt.Errorf("no role with id %q", h.RoleID)
		}
		scopeID, _ := strconv.ParseInt(h.ScopeID, 10, 64)
		if in.Level != access.Tenant && c.scope(in.Level, scopeID) == nil {
			return fmt.Errorf("no %s with id %q", in.Level, h.ScopeID)
		}
		roleID, _ := strconv.ParseInt(h.RoleID, 10, 64)
		list = append(list, held{role: roleID, scope: scopeID})
	}
	p.level, p.held = in.Level, list
	p.email, p.name, p.description, p.source = in.Email, in.Name, in.Description, in.Source
	p.emailVerified, p.twoFA, p.isSystem, p.readOnly = in.EmailVerified, in.TwoFAEnabled, in.IsSystem, in.RolesReadOnly
	p.created, p.lastActive = stampFrom(in.CreatedAt), stampFrom(in.LastActiveAt)
	p.tokenExpires = stampFrom(in.TokenExpiresAt).wholeSeconds()
	if p.tokenCreated == 0 {
		p.tokenCreated = p.created
	}
	if p.firstLogin == 0 {
		p.firstLogin = p.lastActive
	}
	return nil
}

// RemoveUser deletes a user with its roles. It returns false if there is none with that id.
func (c *Console) RemoveUser(id string) bool { return c.removePrincipal(&c.users, id) }

// RemoveServiceUser deletes a service user; see RemoveUser.
func (c *Console) RemoveServiceUser(id string) bool { return c.removePrincipal(&c.serviceUsers, id) }

func (c *Console) removePrincipal(t *table, id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roleCounts = nil
	p := find[principal](t, id)
	if p == nil {
		return false
	}
	t.remove(p.id)
	c.changed(ByHand, p, nil)
	c.recordChange(ByHand, p, nil)
	return true
}

// RemoveUsers deletes n users, evenly spread over the list, or all if there are fewer. It returns
// their ids.
func (c *Console) RemoveUsers(n int) []string { return c.thin(&c.users, n) }

// RemoveServiceUsers deletes n service users; see RemoveUsers.
func (c *Console) RemoveServiceUsers(n int) []string { return c.thin(&c.serviceUsers, n) }

func (c *Console) thin(t *table, n int) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roleCounts = nil
	total := len(t.records)
	n = min(n, total)
	var gone []string
	kept := make([]*record, 0, total-n)
	for i, r := range t.records {
		if (i+1)*n/total > i*n/total {
			gone = append(gone, text(r.id))
			c.changed(ByHand, r.entity.(*principal), nil)
			c.recordChange(ByHand, r.entity.(*principal), nil)
		} else {
			kept = append(kept, r)
		}
	}
	t.records = kept
	return gone
}

var errNoAccount = errors.New("a site needs an accountId of an account that exists")
