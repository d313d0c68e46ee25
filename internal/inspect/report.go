package inspect

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/describe"
)

// ExpirySoon is how long before its expiry a token causes a warning. Two weeks leave
// time for a change window and for an absent administrator.
const ExpirySoon = 14 * 24 * time.Hour

// Report is the result of [Run].
type Report struct {
	// Console is the host of the base URL, with its port if it has one.
	Console string
	// System is the console's version; zero if the call failed.
	System console.SystemInfo
	// TokenExpiresAt is nil if the call failed or the console gave no time.
	TokenExpiresAt *time.Time
	// Permissions has one entry per requested collection, in that order; none if the
	// console did not answer or rejected the token.
	Permissions []Permission
	// Warnings are sentences about problems that do not stop a sync.
	Warnings []string

	systemErr, tokenErr error
}

// Permission is one permission that a sync needs, and whether the token's role has it.
type Permission struct {
	Name       string // as in the console's role editor: "Users.view"
	Collection access.Collection
	Granted    bool
	Total      *int  // number of rows as the console counts them; nil if unknown
	Err        error // why not; nil if granted
}

// Reached reports whether the console answered and accepted the token.
func (r Report) Reached() bool { return r.systemErr == nil }

// Err returns nil if a sync can work, or else the one error to act on: a rejected token
// alone; else all final errors, with all missing permissions in one sentence; else the
// first temporary error (429, 5xx, no answer). [errors.As] finds a *[console.Error] in
// each.
func (r Report) Err() error {
	all := r.failures()
	for _, err := range all {
		if status, ok := statusOf(err); ok && status == http.StatusUnauthorized {
			return err
		}
	}
	var final []error
	if wrong := r.wrongScope(); wrong != nil {
		final = append(final, wrong)
	}
	if missing := r.missing(); len(missing.Permissions) > 0 {
		final = append(final, missing)
	}
	for _, err := range all {
		if !temporary(err) && !lacksPermission(err) && !isWrongScope(err) {
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

// failures lists the errors that stop a sync, in the order of the calls. Failing to
// read the version or the token's expiry does not stop a sync, unless the console
// rejected the token: it is not documented whether the token call works for tokens of
// service users.
func (r Report) failures() []error {
	var all []error
	if conclusive(r.systemErr) {
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
		out = append(out, fmt.Sprintf("could not read the version of the console: %v", r.systemErr))
	}
	if status, _ := statusOf(r.tokenErr); r.tokenErr != nil && status != http.StatusUnauthorized {
		out = append(out, fmt.Sprintf("could not read when the API token expires: %v", r.tokenErr))
	}
	if r.TokenExpiresAt != nil && r.TokenExpiresAt.Sub(now) < ExpirySoon {
		out = append(out, fmt.Sprintf("the API token %s, on %s: create a new one in time",
			Expiry(*r.TokenExpiresAt, now), describe.Minute(*r.TokenExpiresAt)))
	}
	return out
}

// Expiry returns when a token expires in words, in one unit: "expires in 12 days",
// "expires in 3 h", "has expired".
func Expiry(end, now time.Time) string {
	if !end.After(now) {
		return "has expired"
	}
	return "expires in " + describe.Left(end, now)
}
