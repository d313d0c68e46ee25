package inspect

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
)

// ExpirySoon is how long before its end a token draws a warning. Two weeks
// leave room for a change window and for whoever makes tokens being away.
const ExpirySoon = 14 * 24 * time.Hour

// Report is what was found.
type Report struct {
	// Console is the host, and port if any, of the base URL.
	Console string
	// System is the console's version; zero if it did not say.
	System console.SystemInfo
	// TokenExpiresAt is nil where the console did not say.
	TokenExpiresAt *time.Time
	// Permissions has one entry per collection asked for, in that order; none if
	// the console did not answer or refused the token.
	Permissions []Permission
	// Warnings are sentences about what does not stop a sync.
	Warnings []string

	systemErr, tokenErr error
}

// Permission is one right a sync needs and whether the token's role has it.
type Permission struct {
	Name       string // as the console's role editor has it, "Users.view"
	Collection access.Collection
	Granted    bool
	Total      *int  // rows, by the console's own count; nil where it gave none
	Err        error // why not; nil if granted
}

// Reached says that the console answered and took the token.
func (r Report) Reached() bool { return r.systemErr == nil }

// Err is nil if a sync can work. Otherwise it is the one error to act on: a
// refused token alone; else every final fault, with all missing permissions in
// one sentence; else, when only waiting helps (429, 5xx, no answer), the first
// of those. A *[console.Error] can be had from each with [errors.As].
func (r Report) Err() error {
	all := r.failures()
	for _, err := range all {
		if status, ok := statusOf(err); ok && status == http.StatusUnauthorized {
			return err
		}
	}
	var final []error
	if missing := r.missing(); len(missing.Permissions) > 0 {
		final = append(final, missing)
	}
	for _, err := range all {
		if !temporary(err) && !lacksPermission(err) {
			final = append(final, err)
		}
	}
	if len(final) == 1 {
		return final[0]
	}
	if len(final) > 1 {
		return errors.Join(final...)
	}
	if len(all) > 0 {
		return all[0]
	}
	return nil
}

// failures lists what stops a sync, in the order asked. That the console says
// nothing about its version or its token is no reason to stop, unless it was
// the token that it refused: whether the token call works for the tokens of
// service users is not documented.
func (r Report) failures() []error {
	var all []error
	if futile(r.systemErr) {
		all = append(all, r.systemErr)
	}
	if status, ok := statusOf(r.tokenErr); ok && status == http.StatusUnauthorized {
		all = append(all, r.tokenErr)
	}
	for _, p := range r.Permissions {
		if p.Err != nil {
			all = append(all, p.Err)
		}
	}
	return all
}

func (r Report) missing() *MissingError {
	missing := &MissingError{}
	for _, p := range r.Permissions {
		if lacksPermission(p.Err) {
			missing.Permissions = append(missing.Permissions, p.Name)
			missing.causes = append(missing.causes, p.Err)
		}
	}
	return missing
}

func (r Report) warnings(now time.Time) []string {
	var out []string
	if r.systemErr != nil {
		out = append(out, fmt.Sprintf("the console does not tell its version: %v", r.systemErr))
	}
	if status, _ := statusOf(r.tokenErr); r.tokenErr != nil && status != http.StatusUnauthorized {
		out = append(out, fmt.Sprintf("the console does not tell when the API token expires: %v", r.tokenErr))
	}
	if r.TokenExpiresAt != nil && r.TokenExpiresAt.Sub(now) < ExpirySoon {
		out = append(out, fmt.Sprintf("the API token %s, on %s: make a new one in time",
			Expiry(*r.TokenExpiresAt, now), r.TokenExpiresAt.UTC().Format("2006-01-02 15:04 UTC")))
	}
	return out
}

// Expiry says in words when something ends, in whole days where there is at
// least one: "expires in 12 days", "expires in 3 h", "has expired".
func Expiry(end, now time.Time) string {
	const day = 24 * time.Hour
	switch left := end.Sub(now); {
	case left <= 0:
		return "has expired"
	case left < time.Hour:
		return "expires within the hour"
	case left < day:
		return fmt.Sprintf("expires in %d h", left/time.Hour)
	case left < 2*day:
		return "expires in 1 day"
	default:
		return fmt.Sprintf("expires in %d days", left/day)
	}
}
