package consoletest

import (
	"encoding/json"

	"sentinelone-provisioner/internal/access"
)

// userRow is a user in GET /users. The API has no createdAt, updatedAt, status or "enabled".
type userRow struct {
	AgreedEULA           bool            `json:"agreedEula"`
	AgreementURL         *string         `json:"agreementUrl"`
	AllowRemoteShell     bool            `json:"allowRemoteShell"`
	APIToken             json.RawMessage `json:"apiToken,omitempty"` // absent or null without a token: both occur
	CanGenerateAPIToken  bool            `json:"canGenerateApiToken"`
	DateJoined           *string         `json:"dateJoined"`
	Email                string          `json:"email"`
	EmailReadOnly        bool            `json:"emailReadOnly"`
	EmailVerified        bool            `json:"emailVerified"`
	FirstLogin           *string         `json:"firstLogin"`
	FullName             string          `json:"fullName"`
	FullNameReadOnly     bool            `json:"fullNameReadOnly"`
	GroupsReadOnly       bool            `json:"groupsReadOnly"`
	ID                   string          `json:"id"`
	IsSystem             bool            `json:"isSystem"`
	LastLogin            *string         `json:"lastLogin"`
	LowestRole           string          `json:"lowestRole"`
	PrimaryTwoFAMethod   *string         `json:"primaryTwoFaMethod"`
	Scope                access.Level    `json:"scope"`
	ScopeRoles           []scopeRole     `json:"scopeRoles"`
	SiteRoles            []struct{}      `json:"siteRoles"` // deprecated, empty as in the fact sheet's sample
	Source               string          `json:"source"`
	TenantRoles          []string        `json:"tenantRoles"`
	TwoFAConfigured      bool            `json:"twoFaConfigured"`
	TwoFAEnabled         bool            `json:"twoFaEnabled"`
	TwoFAEnabledReadOnly bool            `json:"twoFaEnabledReadOnly"`
	TwoFAStatus          string          `json:"twoFaStatus"`
}

// userReply is a user in GET /user and in responses to POST and PUT.
type userReply struct {
	userRow
	IsExternalLoginUser    bool   `json:"isExternalLoginUser"`
	ElevatedSessionMinutes int    `json:"elevatedSessionDurationMinutes"`
	RecoveryEmail          string `json:"tfaRecoveryEmail"`
}

// userDetail is a user in GET /users/{id}.
type userDetail struct {
	userReply
	Account *idName    `json:"account"`
	Pages   []userPage `json:"pages"`
}

type userPage struct {
	Identifier  string       `json:"identifier"`
	Name        string       `json:"name"`
	Permissions []permission `json:"permissions"`
}

type permission struct {
	AdditionalDescription *string  `json:"additionalDescription"`
	DependsOn             []string `json:"dependsOn"`
	Description           string   `json:"description"`
	DisabledReason        *string  `json:"disabledReason"`
	DisabledReasonCode    *string  `json:"disabledReasonCode"`
	GroupName             *string  `json:"groupName"`
	Identifier            string   `json:"identifier"`
	Title                 string   `json:"title"`
	Type                  string   `json:"type"`
	Value                 bool     `json:"value"`
}

type idName struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// serviceUserRow is a service user in every response except that of its creation.
type serviceUserRow struct {
	APIToken       json.RawMessage `json:"apiToken,omitempty"`
	CreatedAt      *string         `json:"createdAt"`
	CreatedBy      *idName         `json:"createdBy"`
	Description    *string         `json:"description"`
	ID             string          `json:"id"`
	LastActivation *string         `json:"lastActivation"`
	Name           string          `json:"name"`
	Scope          access.Level    `json:"scope"`
	ScopeRoles     []scopeRole     `json:"scopeRoles"`
	UpdatedAt      *string         `json:"updatedAt"`
	UpdatedBy      *idName         `json:"updatedBy"`
}

// scopeRole is a role at a scope. Its id is that of the scope, and absent at tenant level; roleName
// is set for predefined roles only.
type scopeRole struct {
	AccountName *string  `json:"accountName"`
	ID          *string  `json:"id,omitempty"`
	Name        *string  `json:"name"`
	RoleID      string   `json:"roleId"`
	RoleName    *string  `json:"roleName"`
	Roles       []string `json:"roles"`
}

type tokenTimes struct {
	CreatedAt *string `json:"createdAt"`
	ExpiresAt *string `json:"expiresAt"`
}

func (c *Console) userView(p *principal) userRow {
	v := userRow{
		AgreedEULA: p.firstLogin != 0, APIToken: tokenView(p), CanGenerateAPIToken: p.canMakeToken,
		DateJoined: p.created.micros(), Email: p.email, EmailReadOnly: p.readOnly, EmailVerified: p.emailVerified,
		FirstLogin: p.firstLogin.micros(), FullName: p.name, FullNameReadOnly: p.readOnly, GroupsReadOnly: p.readOnly,
		ID: text(p.id), IsSystem: p.isSystem, LastLogin: p.lastActive.micros(), Scope: p.level,
		ScopeRoles: c.scopeRoles(p), SiteRoles: []struct{}{}, Source: p.source, TenantRoles: []string{},
		TwoFAConfigured: p.twoFA, TwoFAEnabled: p.twoFA, TwoFAStatus: "not_configured",
	}
	if p.twoFA {
		v.TwoFAStatus, v.PrimaryTwoFAMethod = "configured", new("application")
	}
	if len(p.held) > 0 {
		if r := c.roles.get(p.held[0].role); r != nil {
			v.LowestRole = r.entity.(*role).name // deprecated; its value for several roles is unknown
		}
	}
	return v
}

func (c *Console) userReply(p *principal) userReply {
	return userReply{userRow: c.userView(p), IsExternalLoginUser: p.readOnly, ElevatedSessionMinutes: 15}
}

func (c *Console) userDetail(p *principal) userDetail {
	d := userDetail{userReply: c.userReply(p), Pages: []userPage{{
		Identifier: "users", Name: "Users",
		Permissions: []permission{{
			DependsOn: []string{}, Description: "See users", Identifier: "Users.view", Title: "View", Type: "boolean",
			Value: true,
		}},
	}}}
	if a := c.accountOf(p); a != nil {
		d.Account = &idName{ID: text(a.id), Name: a.name}
	}
	return d
}

// accountOf returns the account in GET /users/{id}: for users at sites, and for all users of a
// console with one account.
func (c *Console) accountOf(p *principal) *account {
	if len(c.accounts.records) == 1 {
		return c.accounts.records[0].entity.(*account)
	}
	if p.level != access.SiteLevel || len(p.held) == 0 {
		return nil
	}
	if r := c.sites.get(p.held[0].scope); r != nil {
		return r.entity.(*site).account
	}
	return nil
}

func (c *Console) serviceUserView(p *principal) serviceUserRow {
	v := serviceUserRow{
		APIToken: tokenView(p), CreatedAt: p.created.micros(), ID: text(p.id), LastActivation: p.lastActive.micros(),
		Name: p.name, Scope: p.level, ScopeRoles: c.scopeRoles(p), UpdatedAt: p.updated.micros(),
		CreatedBy: &idName{ID: creatorID, Name: "Carol Roy"},
	}
	if p.description != "" {
		v.Description = &p.description
	}
	if r := c.users.get(p.creator); r != nil {
		v.CreatedBy = &idName{ID: text(p.creator), Name: r.entity.(*principal).name}
	}
	if c.opts.ServiceUserTokens && p.creator != 0 {
		v.CreatedBy = &idName{ID: text(p.creator), Name: "A creator"}
	}
	if c.opts.HidesCreators {
		v.CreatedBy = nil
	}
	v.UpdatedBy = v.CreatedBy
	return v
}

// createdServiceUser is a service user in the response to its creation, the only one with the
// token's value.
func (c *Console) createdServiceUser(p *principal, value string) serviceUserRow {
	v := c.serviceUserView(p)
	v.APIToken = mustJSON(struct {
		tokenTimes
		Value string `json:"value"`
	}{timesOf(p), value})
	return v
}

func (c *Console) scopeRoles(p *principal) []scopeRole {
	out := make([]scopeRole, 0, len(p.held))
	for _, h := range p.held {
		v := scopeRole{ID: optional(h.scope), RoleID: text(h.role), Roles: []string{}}
		switch r := c.scope(p.level, h.scope).(type) {
		case *account:
			v.Name, v.AccountName = &r.name, &r.name
		case *site:
			v.Name, v.AccountName = &r.name, &r.account.name
		}
		if r := c.roles.get(h.role); r != nil && r.entity.(*role).predefined {
			name := r.entity.(*role).name
			v.RoleName, v.Roles = &name, []string{name}
		}
		out = append(out, v)
	}
	return out
}

// scope returns the *account or *site with that id at that level, or nil.
func (c *Console) scope(level access.Level, id int64) any {
	var r *record
	switch level {
	case access.AccountLevel:
		r = c.accounts.get(id)
	case access.SiteLevel:
		r = c.sites.get(id)
	case access.Tenant, access.GroupLevel:
	}
	if r == nil {
		return nil
	}
	return r.entity
}

func timesOf(p *principal) tokenTimes {
	return tokenTimes{CreatedAt: p.tokenCreated.micros(), ExpiresAt: p.tokenExpires.seconds()}
}

func tokenView(p *principal) json.RawMessage {
	if p.tokenExpires != 0 {
		return mustJSON(timesOf(p))
	}
	if p.id%2 == 0 {
		return json.RawMessage("null")
	}
	return nil
}
