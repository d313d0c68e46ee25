package consoletest

import (
	"encoding/json"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// The rows of the API: every field of the vendor's description, with pointers where a console was
// seen to write null.

type accountView struct {
	AccountType         string   `json:"accountType"`
	ActiveAgents        int      `json:"activeAgents"`
	AgentsInCompleteSKU int      `json:"agentsInCompleteSku"`
	AgentsInControlSKU  int      `json:"agentsInControlSku"`
	AgentsInCoreSKU     int      `json:"agentsInCoreSku"`
	BillingMode         string   `json:"billingMode"`
	CompleteSites       int      `json:"completeSites"`
	ControlSites        int      `json:"controlSites"`
	CoreSites           int      `json:"coreSites"`
	CreatedAt           *string  `json:"createdAt"`
	Creator             string   `json:"creator"`
	CreatorID           string   `json:"creatorId"`
	Expiration          *string  `json:"expiration"`
	ExternalID          *string  `json:"externalId"`
	ID                  string   `json:"id"`
	IsDefault           bool     `json:"isDefault"`
	Licenses            licenses `json:"licenses"`
	Name                string   `json:"name"`
	NumberOfSites       int      `json:"numberOfSites"`
	SalesforceID        *string  `json:"salesforceId"`
	SKUs                []sku    `json:"skus"`
	State               string   `json:"state"`
	TotalComplete       int      `json:"totalComplete"`
	TotalControl        int      `json:"totalControl"`
	TotalCore           int      `json:"totalCore"`
	TotalLicenses       int      `json:"totalLicenses"`
	UnlimitedComplete   bool     `json:"unlimitedComplete"`
	UnlimitedControl    bool     `json:"unlimitedControl"`
	UnlimitedCore       bool     `json:"unlimitedCore"`
	UnlimitedExpiration bool     `json:"unlimitedExpiration"`
	UpdatedAt           *string  `json:"updatedAt"`
	UsageType           string   `json:"usageType"`
}

type siteView struct {
	AccountID           string   `json:"accountId"`
	AccountName         string   `json:"accountName"`
	ActiveLicenses      int      `json:"activeLicenses"`
	CreatedAt           *string  `json:"createdAt"`
	Creator             string   `json:"creator"`
	CreatorID           string   `json:"creatorId"`
	Description         string   `json:"description"`
	Expiration          *string  `json:"expiration"`
	ExternalID          *string  `json:"externalId"`
	HealthStatus        bool     `json:"healthStatus"`
	ID                  string   `json:"id"`
	IsDefault           bool     `json:"isDefault"`
	Licenses            licenses `json:"licenses"`
	Name                string   `json:"name"`
	RegistrationToken   string   `json:"registrationToken"`
	SiteType            string   `json:"siteType"`
	SKU                 string   `json:"sku"`
	State               string   `json:"state"`
	Suite               string   `json:"suite"`
	TotalLicenses       int      `json:"totalLicenses"`
	UnlimitedExpiration bool     `json:"unlimitedExpiration"`
	UnlimitedLicenses   bool     `json:"unlimitedLicenses"`
	UpdatedAt           *string  `json:"updatedAt"`
}

type roleView struct {
	AccountName    *string `json:"accountName"`
	CreatedAt      *string `json:"createdAt"`
	Creator        *string `json:"creator"`
	CreatorID      *string `json:"creatorId"`
	Description    string  `json:"description"`
	ID             string  `json:"id"`
	Name           string  `json:"name"`
	PredefinedRole bool    `json:"predefinedRole"`
	Scope          string  `json:"scope"` // capitalised here, lower case on a user
	ScopeID        *string `json:"scopeId"`
	SiteName       *string `json:"siteName"`
	UpdatedAt      *string `json:"updatedAt"`
	UpdatedBy      *string `json:"updatedBy"`
	UpdatedByID    *string `json:"updatedById"`
	UsersInRoles   *int    `json:"usersInRoles,omitempty"`
}

type licenses struct {
	Bundles  []bundle   `json:"bundles"`
	Modules  []module   `json:"modules"`
	Settings []struct{} `json:"settings"`
}

type bundle struct {
	DisplayName   string    `json:"displayName"`
	MajorVersion  int       `json:"majorVersion"`
	MinorVersion  int       `json:"minorVersion"`
	Name          string    `json:"name"`
	Surfaces      []surface `json:"surfaces"`
	TotalSurfaces int       `json:"totalSurfaces"`
}

type surface struct {
	Count int    `json:"count"`
	Name  string `json:"name"`
}

type module struct {
	DisplayName  string `json:"displayName"`
	MajorVersion int    `json:"majorVersion"`
	Name         string `json:"name"`
}

type sku struct {
	AgentsInSKU   int    `json:"agentsInSku"`
	TotalLicenses int    `json:"totalLicenses"`
	Type          string `json:"type"`
	Unlimited     bool   `json:"unlimited"`
}

const (
	creatorMail  = "carol@example.com"
	creatorID    = "1300000000000000001"
	siteLicenses = 25
)

// licensedUntil is the expiration of accounts and sites, in whole seconds as the console writes
// it.
var licensedUntil = stampOf(time.Date(2035, 12, 31, 23, 0, 0, 0, time.UTC))

func someLicenses(n int) licenses {
	return licenses{
		Bundles: []bundle{{
			DisplayName: "Complete", MajorVersion: 1, MinorVersion: 12, Name: "complete",
			Surfaces: []surface{{Count: n, Name: "Total Agents"}}, TotalSurfaces: 1,
		}},
		Modules: []module{}, Settings: []struct{}{},
	}
}

func (c *Console) accountView(a *account) accountView {
	sites := c.sitesIn(a.id)
	agents := sites * siteLicenses
	return accountView{
		AccountType: "Paid", ActiveAgents: agents / 2, AgentsInCompleteSKU: agents / 2, BillingMode: "subscription",
		CompleteSites: sites, CreatedAt: a.created.micros(), Creator: creatorMail, CreatorID: creatorID,
		Expiration: licensedUntil.seconds(), ID: text(a.id), IsDefault: a.isDefault,
		Licenses: someLicenses(agents), Name: a.name, NumberOfSites: sites + c.opts.UnseenSites,
		SKUs:  []sku{{AgentsInSKU: agents / 2, TotalLicenses: agents, Type: "Complete"}},
		State: a.state, TotalComplete: agents, TotalLicenses: agents,
		UpdatedAt: a.updated.micros(), UsageType: "customer",
	}
}

func (c *Console) siteView(s *site) siteView {
	return siteView{
		AccountID: text(s.account.id), AccountName: s.account.name, ActiveLicenses: siteLicenses / 2,
		CreatedAt: s.created.micros(), Creator: creatorMail, CreatorID: creatorID,
		Description: "Site " + s.name, Expiration: licensedUntil.seconds(), HealthStatus: true,
		ID: text(s.id), IsDefault: s.isDefault, Licenses: someLicenses(siteLicenses), Name: s.name,
		RegistrationToken: s.secret, SiteType: "Paid", SKU: "Complete", State: s.state, Suite: "Complete",
		TotalLicenses: siteLicenses, UpdatedAt: s.updated.micros(),
	}
}

var roleScopes = map[access.Level]string{
	access.Tenant: "Tenant", access.AccountLevel: "Account", access.SiteLevel: "Site", access.GroupLevel: "Group",
}

func (c *Console) roleView(r *role) roleView {
	v := roleView{
		CreatedAt: r.created.micros(), Description: r.description, ID: text(r.id), Name: r.name,
		PredefinedRole: r.predefined, Scope: roleScopes[r.scope], ScopeID: optional(r.scopeID),
		UpdatedAt: r.updated.micros(), UsersInRoles: c.usersInRole(r.id),
	}
	if !r.predefined {
		v.Creator, v.CreatorID = new(creatorMail), new(creatorID)
		v.UpdatedBy, v.UpdatedByID = v.Creator, v.CreatorID
	}
	if r.account != nil {
		v.AccountName = &r.account.name
	}
	if r.site != nil {
		v.SiteName = &r.site.name
	}
	return v
}

// render returns a row's JSON, from the cache if it cannot have changed. Rows of accounts and
// roles hold counts of others and are few: they are rendered each time.
func (c *Console) render(r *record) []byte {
	if r.json != nil {
		return r.json
	}
	switch e := r.entity.(type) {
	case *account:
		return mustJSON(c.accountView(e))
	case *role:
		return mustJSON(c.roleView(e))
	case *site:
		r.json = mustJSON(c.siteView(e))
	case *principal:
		if e.kind == access.ServiceUser {
			r.json = mustJSON(c.serviceUserView(e))
		} else {
			r.json = mustJSON(c.userView(e))
		}
	}
	return r.json
}

// sitesIn returns the number of an account's sites.
func (c *Console) sitesIn(accountID int64) int {
	if c.siteCounts == nil {
		c.siteCounts = map[int64]int{}
		each(&c.sites, func(s *site) { c.siteCounts[s.account.id]++ })
	}
	return c.siteCounts[accountID]
}

func (c *Console) usersInRole(id int64) *int {
	if c.opts.UsersInRoles == CountAbsent {
		return nil
	}
	if c.roleCounts == nil {
		c.countRoles()
	}
	n := c.roleCounts[id]
	if c.opts.UsersInRoles == CountWrong {
		n++
	}
	return &n
}

func (c *Console) countRoles() {
	c.roleCounts = map[int64]int{}
	each(&c.users, func(p *principal) {
		seen := map[int64]bool{}
		for _, h := range p.held {
			if !seen[h.role] {
				seen[h.role] = true
				c.roleCounts[h.role]++
			}
		}
	})
}

func mustJSON(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		bug(fmt.Errorf("marshal %T: %w", v, err))
	}
	return out
}
