package consoletest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// idSource returns increasing ids, like those of a console: 19 digits, with gaps of any size.
type idSource struct {
	last int64
	rng  *rand.Rand
}

func (s *idSource) next() int64 {
	s.last += 1 + s.rng.Int64N(1_000_000_000_000)
	return s.last
}

const firstID = 1_400_000_000_000_000_000

var (
	epoch     = stampOf(time.Date(2023, 3, 1, 8, 0, 0, 257_525_000, time.UTC))
	companies = strings.Fields(
		"Acme Borealis Cobalt Dunmore Everest Fairview Granite Harbor Ivory Juniper Kestrel Lumen")
	cities = strings.Fields(
		"Berlin Australia Lisbon Oslo Austin Nairobi Kyoto Lima Dublin Turin Quito Malmo Perth Lyon")
)

// generate fills an empty console. Its order determines the bytes: a change here changes the
// console of every seed.
func (c *Console) generate() {
	rng := rand.New(rand.NewPCG(c.opts.Seed, 0x51e))
	c.ids = idSource{last: firstID, rng: rng}
	c.clock = epoch + stamp(3*365*24*time.Hour/time.Microsecond)
	for i := range c.opts.Accounts {
		c.generateAccount(i)
	}
	for i := range c.opts.Sites {
		c.generateSite(i)
	}
	c.generateRoles()
	g := newPrincipalGenerator(c)
	c.crowd.held = g.everywhere(c.opts.RolesEach)
	for i := range c.opts.Users {
		p := g.user(i)
		if c.crowd.held != nil {
			p.level, p.held = access.SiteLevel, c.crowd.held
		}
		c.users.records = append(c.users.records, &record{id: p.id, entity: p})
	}
	for i := range c.opts.ServiceUsers {
		p := g.serviceUser(i)
		c.serviceUsers.records = append(c.serviceUsers.records, &record{id: p.id, entity: p})
	}
}

func (c *Console) generateAccount(i int) {
	a := &account{
		id: c.ids.next(), name: numbered(companies, i), state: "active",
		isDefault: i == 0, created: c.someTime(), updated: c.someTime(),
	}
	c.accounts.add(a.id, a)
}

// generateSite names sites by their position within the account, so that two accounts have sites
// of the same name.
func (c *Console) generateSite(i int) {
	s := &site{
		id: c.ids.next(), name: numbered(cities, i/c.opts.Accounts), state: "active",
		account:   c.accounts.records[i%c.opts.Accounts].entity.(*account),
		isDefault: i < c.opts.Accounts, secret: c.secret(), created: c.someTime(), updated: c.someTime(),
	}
	if i%50 == 49 {
		s.state = "expired"
	}
	c.sites.add(s.id, s)
}

func (c *Console) secret() string {
	return fmt.Sprintf("%s-%016x%016x", c.opts.SecretMark, c.ids.rng.Uint64(), c.ids.rng.Uint64())
}

// someTime returns a time within the three years before the console's clock starts.
func (c *Console) someTime() stamp {
	return epoch + stamp(c.ids.rng.Int64N(int64(3*365*24*time.Hour/time.Microsecond)))
}

var predefined = []struct{ name, description string }{
	{"Admin", "Full access to everything in the scope"},
	{"IR Team", "Incident response"},
	{"IT", "Deployment and maintenance of agents"},
	{"SOC", "SOC analyst"},
	{"C-Level", "Dashboards and reports"},
	{"Viewer", "Read only"},
}

// customNames are reused for several roles: names on a console are not unique.
var customNames = []string{"Auditor", "Helpdesk", "Helpdesk", "Auditor", "Contractor", "Night Shift"}

// generateRoles generates the predefined roles, then custom ones at tenant, account and site in
// turn, and sometimes at a group.
func (c *Console) generateRoles() {
	for _, p := range predefined {
		c.addRole(&role{name: p.name, description: p.description, predefined: true, scope: access.Tenant})
	}
	for i := range c.opts.CustomRoles {
		name := customNames[i%len(customNames)]
		r := &role{name: name, description: name + " of the company"}
		c.placeRole(r, i)
		c.addRole(r)
	}
}

func (c *Console) addRole(r *role) {
	r.id, r.created, r.updated = c.ids.next(), c.someTime(), c.someTime()
	c.roles.add(r.id, r)
}

func (c *Console) placeRole(r *role, i int) {
	accounts, sites := len(c.accounts.records), len(c.sites.records)
	switch {
	case i%8 == 7 && accounts > 0:
		r.scope, r.scopeID = access.GroupLevel, c.ids.next()
		r.account = c.accounts.records[i%accounts].entity.(*account)
	case i%3 == 1 && accounts > 0:
		r.scope, r.account = access.AccountLevel, c.accounts.records[i/3%accounts].entity.(*account)
		r.scopeID = r.account.id
	case i%3 == 2 && sites > 0:
		r.scope, r.site = access.SiteLevel, c.sites.records[i/3%sites].entity.(*site)
		r.scopeID, r.account = r.site.id, r.site.account
	default:
		r.scope = access.Tenant
	}
}

func numbered(names []string, i int) string {
	name := names[i%len(names)]
	if round := i / len(names); round > 0 {
		return fmt.Sprintf("%s %d", name, round+1)
	}
	return name
}
