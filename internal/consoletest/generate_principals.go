package consoletest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

var (
	firstNames = strings.Fields(
		"Ana Bob Carol Dan Eve Frank Grace Hugo Iris Jon Kim Leo Mia Noor Olga Paul Quinn Rosa Sam Tara")
	lastNames = strings.Fields(
		"Roy Stone Lind Mora Novak Okoro Petit Quist Ruiz Sato Tanaka Usher Vega Weber Xu Young Zeman")
	services = strings.Fields("siem backup ticketing inventory reporting deploy scanner billing")
)

// principalGenerator knows at which scopes a role may be held: a custom role at its own scope and
// below, a predefined one anywhere.
type principalGenerator struct {
	c          *Console
	predefined []int64
	anywhere   []int64 // custom roles of the tenant
	below      map[int64][]int64
}

func newPrincipalGenerator(c *Console) *principalGenerator {
	g := &principalGenerator{c: c, below: map[int64][]int64{}}
	each(&c.roles, func(r *role) {
		switch {
		case r.predefined:
			g.predefined = append(g.predefined, r.id)
		case r.scope == access.Tenant:
			g.anywhere = append(g.anywhere, r.id)
		case r.scope != access.GroupLevel: // no principal has roles at a group
			g.below[r.scopeID] = append(g.below[r.scopeID], r.id)
		}
	})
	return g
}

func (g *principalGenerator) chance(percent int) bool { return g.c.ids.rng.IntN(100) < percent }

func (g *principalGenerator) user(i int) *principal {
	p := g.base(access.User, i)
	first, last := firstNames[i%len(firstNames)], lastNames[i/len(firstNames)%len(lastNames)]
	p.name = first + " " + last
	p.email = strings.ToLower(first) + "@example.com"
	if i >= len(firstNames) {
		p.email = strings.ToLower(fmt.Sprintf("%s.%s%d@example.com", first, last, i))
	}
	p.source = "mgmt"
	if g.chance(20) {
		p.source, p.readOnly = "sso_saml", true
	}
	p.emailVerified, p.twoFA, p.canMakeToken = g.chance(90), g.chance(70), g.chance(30)
	if g.chance(75) { // the others have never logged in
		p.firstLogin = p.created + g.within(30*24*time.Hour)
		p.lastActive = p.firstLogin + g.within(300*24*time.Hour)
	}
	if p.canMakeToken && g.chance(50) {
		g.giveToken(p, 180*24*time.Hour)
	}
	return p
}

func (g *principalGenerator) serviceUser(i int) *principal {
	p := g.base(access.ServiceUser, i)
	p.name = fmt.Sprintf("svc.%s.%d", services[i%len(services)], i+1)
	if i%10 != 9 {
		p.description = "integration " + services[i%len(services)]
	}
	p.updated = p.created
	if g.chance(60) {
		p.lastActive = p.created + g.within(300*24*time.Hour)
	}
	if len(g.c.users.records) > 0 {
		p.creator = g.c.users.records[i%len(g.c.users.records)].id
	}
	g.giveToken(p, 2*365*24*time.Hour)
	return p
}

// base selects the principal's level and roles.
func (g *principalGenerator) base(kind access.Kind, i int) *principal {
	p := &principal{kind: kind, id: g.c.ids.next(), created: g.c.someTime()}
	switch {
	case len(g.c.accounts.records) == 0 || i == 2 || g.chance(3):
		p.level = access.Tenant
		p.held = []held{{role: g.tenantRole(i)}}
	case len(g.c.sites.records) == 0 || i == 1 || g.chance(10):
		p.level = access.AccountLevel
		p.held = g.hold(&g.c.accounts)
	default:
		p.level = access.SiteLevel
		p.held = g.hold(&g.c.sites)
	}
	return p
}

// tenantRole gives the third principal of a kind a custom role: such a tenant-level principal has
// no roleName, which clients often rely on.
func (g *principalGenerator) tenantRole(i int) int64 {
	if len(g.anywhere) > 0 && (i == 2 || g.chance(30)) {
		return g.anywhere[g.c.ids.rng.IntN(len(g.anywhere))]
	}
	return g.predefined[g.c.ids.rng.IntN(len(g.predefined))]
}

// hold selects one to three different scopes, two on average: whether a console accepts two roles
// at one scope is not documented.
func (g *principalGenerator) hold(scopes *table) []held {
	n := min(1+g.c.ids.rng.IntN(3), len(scopes.records))
	out := make([]held, 0, n)
	at := g.c.ids.rng.IntN(len(scopes.records))
	for range n {
		r := scopes.records[at]
		out = append(out, held{role: g.roleAt(r.entity), scope: r.id})
		at = (at + 1 + g.c.ids.rng.IntN(3)) % len(scopes.records)
		if r = scopes.records[at]; scopeTaken(out, r.id) {
			break
		}
	}
	return out
}

func scopeTaken(list []held, scope int64) bool {
	for _, h := range list {
		if h.scope == scope {
			return true
		}
	}
	return false
}

// roleAt returns a custom role in a third of the cases.
func (g *principalGenerator) roleAt(scope any) int64 {
	custom := g.anywhere
	switch s := scope.(type) {
	case *account:
		custom = append(slices.Clip(custom), g.below[s.id]...)
	case *site:
		custom = append(slices.Clip(custom), g.below[s.id]...)
		custom = append(custom, g.below[s.account.id]...)
	}
	if len(custom) > 0 && g.chance(33) {
		return custom[g.c.ids.rng.IntN(len(custom))]
	}
	return g.predefined[g.c.ids.rng.IntN(len(g.predefined))]
}

func (g *principalGenerator) within(d time.Duration) stamp {
	return stamp(1 + g.c.ids.rng.Int64N(int64(d/time.Microsecond)))
}

// giveToken lets tokens expire at a whole second, as seen on real consoles.
func (g *principalGenerator) giveToken(p *principal, life time.Duration) {
	p.tokenCreated = p.created + g.within(time.Hour)
	p.tokenExpires = (p.tokenCreated + stamp(life/time.Microsecond)).wholeSeconds()
}
