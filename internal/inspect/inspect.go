package inspect

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
)

// API is the part of the console's API that a check needs; [console.Client] implements
// it.
type API interface {
	// Console returns the host of the base URL, with its port if it has one.
	Console() string
	// SystemInfo needs a valid token and no permission.
	SystemInfo(ctx context.Context) (console.SystemInfo, error)
	// TokenDetails returns when the token was created and when it expires.
	TokenDetails(ctx context.Context) (console.TokenDetails, error)
	// Probe lists one row, which proves the permission, and returns the number of rows,
	// or nil if the console gave none.
	Probe(ctx context.Context, c access.Collection) (total *int, err error)
}

// Run checks the console with one call for the system, one for the token and one per
// collection: 7 concurrent requests for all five collections, so that a sync waits for
// the slowest only. If the console rejects the token or does not answer, Run cancels the
// other calls and leaves their results out of the report. The report warns of a token
// that expires within [ExpirySoon] after now.
//
//s1:operation GET /web/api/v2.1/system/info
//s1:operation POST /web/api/v2.1/users/api-token-details
func Run(ctx context.Context, api API, collections []access.Collection, now time.Time) Report {
	r := Report{Console: api.Console(), Permissions: make([]Permission, len(collections))}
	var token console.TokenDetails
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var calls sync.WaitGroup
	calls.Go(func() {
		if r.System, r.systemErr = api.SystemInfo(ctx); conclusive(r.systemErr) {
			cancel()
		}
	})
	calls.Go(func() { token, r.tokenErr = api.TokenDetails(ctx) })
	for i, c := range collections {
		calls.Go(func() { r.Permissions[i] = probe(ctx, api, c) })
	}
	calls.Wait()
	if conclusive(r.systemErr) {
		return Report{Console: r.Console, System: r.System, systemErr: r.systemErr}
	}
	if r.tokenErr == nil {
		r.TokenExpiresAt = token.ExpiresAt
	}
	r.Warnings = r.warnings(now)
	return r
}

func probe(ctx context.Context, api API, c access.Collection) Permission {
	total, err := api.Probe(ctx, c)
	return Permission{
		Name: console.Permission(c), Collection: c,
		Granted: err == nil, Total: total, Err: err,
	}
}

// conclusive reports whether the other calls cannot add anything: the console rejected
// the token, or gave no answer of its own.
func conclusive(err error) bool {
	if err == nil {
		return false
	}
	status, known := statusOf(err)
	return !known || status != http.StatusForbidden
}

// statusOf returns the HTTP status of an error of the client, 0 if the console did not
// answer. ok is false for any other error.
func statusOf(err error) (status int, ok bool) {
	if answer, ok := errors.AsType[*console.Error](err); ok {
		return answer.Status, true
	}
	return 0, false
}

func temporary(err error) bool {
	answer, ok := errors.AsType[*console.Error](err)
	return ok && answer.Temporary()
}
