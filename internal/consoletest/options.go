package consoletest

import (
	"fmt"
	"time"
)

// DefaultToken is the API token of a simulated console whose Options name none. It is valid
// nowhere else.
const DefaultToken = "SIMULATED-API-TOKEN-OPENS-NOTHING-ELSE"

// predefinedRoles is the number of roles that every console has.
const predefinedRoles = 6

// Options describe a console. The zero value is a small console. For each count, zero means
// the default beside it, and a negative number means none.
type Options struct {
	// Seed of the data; the same seed and sizes give the same bytes.
	Seed uint64
	// Token is the API token of `Authorization: ApiToken …`; DefaultToken if empty.
	Token string
	// TokenExpiresAt is in the response of POST /users/api-token-details; 2036-01-01 if
	// zero. After that time the token draws 401.
	TokenExpiresAt time.Time

	Accounts     int // 1
	Sites        int // 3, spread evenly over the accounts
	Users        int // 20
	ServiceUsers int // 10
	CustomRoles  int // 4, besides the 6 predefined ones

	// RolesEach, if above 0, gives every user that many roles, each at another site; see CrowdedPage.
	// Their rows are written one by one and not kept, so that pages of hundreds of MB cost the
	// simulator little memory.
	RolesEach int

	// Latency is the delay of each response, after the request was processed.
	Latency time.Duration
	// EnforceRates responds with 429 to requests beyond the published budgets per token.
	EnforceRates bool
	// SecretMark is the prefix of every registrationToken and of every token of a service
	// user that the API creates, so that a test can search for it; "registration-secret"
	// if empty.
	SecretMark string
	// UsersInRoles selects how roles count their holders.
	UsersInRoles RoleCount
	// OffsetCursors makes cursors that stand for an offset and not for a row, so that a
	// deleted row shifts those after it. What real consoles do is not documented; the
	// vendor's example names a row.
	OffsetCursors bool
	// TakenEmailIs400 makes POST /users respond with 400 instead of 409 to an e-mail address
	// that is taken. What real consoles do is not documented.
	TakenEmailIs400 bool
	// HiddenEmails are the addresses of users that the token cannot see.
	HiddenEmails []string
	// ProtectReadOnly responds with 403 to writes to users with isSystem or groupsReadOnly.
	ProtectReadOnly bool
	// DropAbsentFields makes a PUT of a service user without a description clear it.
	DropAbsentFields bool
	// OwnerIsServiceUser makes a service user the owner of the API token; GET /user then
	// draws 403.
	OwnerIsServiceUser bool
	// TellsServiceUser has GET /user answer with the service user that owns the token, instead of 403.
	TellsServiceUser bool
	// ServiceUserTokens has each token of a service user that the API returned open the console, as that service user.
	// The token of Options then ends with its owner, which nobody succeeds.
	ServiceUserTokens bool
	// HidesCreators leaves createdBy out of service users.
	HidesCreators bool
	// RolePermissions are the permissions that every role grants, such as "Users.view"; nil for all. They are shown and
	// not enforced: a fault does that.
	RolePermissions []string
	// UnseenSites is how many sites each account counts that the token cannot see.
	UnseenSites int
	// NoTokenGeneration simulates an older console without
	// POST /service-users/{id}/generate-api-token.
	NoTokenGeneration bool
	// NoServiceUserByID simulates an older console without GET /service-users/{id}.
	NoServiceUserByID bool
}

// RoleCount selects what a role's usersInRoles holds.
type RoleCount string

// The ways to count. What a real console counts is not verified; CountUsers follows the name
// of the field.
const (
	CountUsers  RoleCount = ""       // distinct users holding the role, no service users
	CountAbsent RoleCount = "absent" // the field is absent
	CountWrong  RoleCount = "wrong"  // one more than the true number
)

func (o Options) withDefaults() Options {
	o.Token = orElse(o.Token, DefaultToken)
	o.SecretMark = orElse(o.SecretMark, "registration-secret")
	o.Accounts = countOr(o.Accounts, 1)
	o.Sites = countOr(o.Sites, 3)
	o.Users = countOr(o.Users, 20)
	o.ServiceUsers = countOr(o.ServiceUsers, 10)
	o.CustomRoles = countOr(o.CustomRoles, 4)
	if o.Accounts == 0 {
		o.Sites = 0 // a site belongs to an account
	}
	if o.TokenExpiresAt.IsZero() {
		o.TokenExpiresAt = time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return o
}

// CrowdedPage is a console with a page of users that is honest and has some 200 MB: 1,000 users,
// each with a role at each of 1,555 sites.
func CrowdedPage() Options {
	return Options{Sites: 1555, Users: 1000, RolesEach: 1555, ServiceUsers: -1}
}

// Preset returns the sizes with a name: "small" (the defaults), "tenant" (one
// live tenant as measured: 1 account, 1,555 sites, 373 users, 3,426 service users,
// 23 roles) and "mssp" (100 accounts, 10,000 sites, 100,000 users, 20,000 service
// users).
func Preset(name string) (Options, error) {
	switch name {
	case "small", "":
		return Options{}, nil
	case "tenant":
		return Options{
			Accounts: 1, Sites: 1555, Users: 373, ServiceUsers: 3426, CustomRoles: 23 - predefinedRoles,
		}, nil
	case "mssp":
		return Options{
			Accounts: 100, Sites: 10_000, Users: 100_000, ServiceUsers: 20_000, CustomRoles: 150,
		}, nil
	}
	return Options{}, fmt.Errorf("unknown size %q: choose small, tenant or mssp", name)
}

func countOr(n, byDefault int) int {
	switch {
	case n == 0:
		return byDefault
	case n < 0:
		return 0
	}
	return n
}

func orElse(s, byDefault string) string {
	if s == "" {
		return byDefault
	}
	return s
}
