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

// API is what is asked of a console; [console.Client] implements it.
type API interface {
	// Console is the host, and port if any, of the console's base URL.
	Console() string
	// SystemInfo needs a good token and no permission.
	SystemInfo(ctx context.Context) (console.SystemInfo, error)
	// TokenDetails says when the token was made and when it ends.
	TokenDetails(ctx context.Context) (console.TokenDetails, error)
	// Probe lists one row, which proves the permission, and returns the total.
	Probe(ctx context.Context, c access.Collection) (total *int, err error)
}

// Run inspects the console with one call for the system, one for the token and
// one per collection, so 7 requests for all five, side by side: a sync begins with
// them, and waits for one of them rather than for two. When the token is refused or
// the console does not answer at all, the other calls can say nothing new: they are
// broken off, and what they said is left out. now is the time against which the
// token's expiry is judged.
//
//s1:operation GET /web/api/v2.1/system/info
//s1:operation POST /web/api/v2.1/users/api-token-details
func Run(ctx context.Context, api API, collections []access.Collection, now time.Time) Report {
	r := Report{Console: api.Console(), Permissions: make([]Permission, len(collections))}
	var token console.TokenDetails
	ctx, breakOff := context.WithCancel(ctx)
	defer breakOff()
	var calls sync.WaitGroup
	calls.Go(func() {
		if r.System, r.systemErr = api.SystemInfo(ctx); futile(r.systemErr) {
			breakOff()
		}
	})
	calls.Go(func() { token, r.tokenErr = api.TokenDetails(ctx) })
	for i, c := range collections {
		calls.Go(func() { r.Permissions[i] = probe(ctx, api, c) })
	}
	calls.Wait()
	if futile(r.systemErr) {
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

// futile says that nothing else can be learned: the token was refused, or there
// was no answer that could be a console's.
func futile(err error) bool {
	if err == nil {
		return false
	}
	status, known := statusOf(err)
	return !known || status != http.StatusForbidden
}

// statusOf is the HTTP status in an error of the client; 0 where there was no
// answer.
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
