package consoletest

import (
	"fmt"
	"time"
)

// DefaultToken is the API token of a simulated console that was given none. It
// opens nothing else.
const DefaultToken = "SIMULATED-API-TOKEN-OPENS-NOTHING-ELSE"

// predefinedRoles is how many roles every console has before anyone adds one.
const predefinedRoles = 6

// Options describe a console. The zero value is a small one. For each count, zero
// means the default named beside it and a negative number means none.
type Options struct {
	// Seed makes the data; the same seed and sizes give the same bytes.
	Seed uint64
	// Token is what `Authorization: ApiToken …` must carry; DefaultToken if empty.
	Token string
	// TokenExpiresAt is told by POST /users/api-token-details; 2036-01-01 if zero.
	// Once past, the token draws 401.
	TokenExpiresAt time.Time

	Accounts     int // 1
	Sites        int // 3, spread evenly over the accounts
	Users        int // 20
	ServiceUsers int // 10
	CustomRoles  int // 4, besides the 6 predefined ones

	// Latency is how long each answer is held back, after the work is done.
	Latency time.Duration
	// EnforceRates answers 429 beyond the published budgets per token.
	EnforceRates bool
	// SecretMark begins every registrationToken, and every token of a service user that
	// the API makes, so that a test can search for it;
	// "registration-secret" if empty.
	SecretMark string
	// UsersInRoles says how roles count their holders.
	UsersInRoles RoleCount
	// OffsetCursors makes cursors that stand for an offset and not for a row, so that
	// rows which go shift those behind them. What real consoles do is not documented;
	// the vendor's example names a row.
	OffsetCursors bool
	// TakenEmailIs400 makes POST /users answer 400 for an e-mail address that is taken, in
	// the place of 409. What real consoles answer is not documented.
	TakenEmailIs400 bool
	// HiddenEmails are taken by users whom the token cannot see.
	HiddenEmails []string
	// ProtectReadOnly answers 403 to writes to users with isSystem or groupsReadOnly.
	ProtectReadOnly bool
	// DropAbsentFields makes a PUT of a service user clear a description that is absent.
	DropAbsentFields bool
	// OwnerIsServiceUser makes the API token a service user's; GET /user then draws 403.
	OwnerIsServiceUser bool
	// NoTokenGeneration makes an older console, without
	// POST /service-users/{id}/generate-api-token.
	NoTokenGeneration bool
	// NoServiceUserByID makes an older console, without GET /service-users/{id}.
	NoServiceUserByID bool
}

// RoleCount says what a role's usersInRoles holds.
type RoleCount string

// The ways to count. What a real console counts is not verified; CountUsers takes
// the field's name at its word.
const (
	CountUsers  RoleCount = ""       // distinct users holding the role, no service users
	CountAbsent RoleCount = "absent" // the field is left out
	CountWrong  RoleCount = "wrong"  // one more than there are
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

// Preset returns the sizes known by name: "small" (the defaults), "tenant" (one
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
