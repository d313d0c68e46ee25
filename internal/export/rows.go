package export

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// The rows of a JSON export. They are separate from the domain types, which may change
// more freely than an export.

type account struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type site struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	AccountID string `json:"accountId"`
}

type role struct {
	ID         string       `json:"id"`
	Name       string       `json:"name"`
	Predefined bool         `json:"predefined"`
	Scope      access.Level `json:"scope"`
}

type user struct {
	ID            string       `json:"id"`
	Email         string       `json:"email"`
	FullName      string       `json:"fullName"`
	Level         access.Level `json:"level"`
	Source        string       `json:"source"`
	EmailVerified bool         `json:"emailVerified"`
	TwoFAEnabled  bool         `json:"twoFaEnabled"`
	IsSystem      bool         `json:"isSystem"`
	RolesReadOnly bool         `json:"rolesReadOnly"`
	times
}

type serviceUser struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Level       access.Level `json:"level"`
	times
}

// times are null if the console returned none.
type times struct {
	CreatedAt      *time.Time `json:"createdAt"`
	TokenExpiresAt *time.Time `json:"apiTokenExpiresAt"`
	LastActiveAt   *time.Time `json:"lastActiveAt"`
}

func userOf(p access.Principal) user {
	return user{
		ID: p.ID, Email: p.Email, FullName: p.Name, Level: p.Level, Source: p.Source,
		EmailVerified: p.EmailVerified, TwoFAEnabled: p.TwoFAEnabled, IsSystem: p.IsSystem,
		RolesReadOnly: p.RolesReadOnly, times: timesOf(p),
	}
}

func serviceUserOf(p access.Principal) serviceUser {
	return serviceUser{ID: p.ID, Name: p.Name, Description: p.Description, Level: p.Level, times: timesOf(p)}
}

func timesOf(p access.Principal) times {
	return times{CreatedAt: utc(p.CreatedAt), TokenExpiresAt: utc(p.TokenExpiresAt), LastActiveAt: utc(p.LastActiveAt)}
}

// utc makes the output independent of the machine's time zone.
func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}
