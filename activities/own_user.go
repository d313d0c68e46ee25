package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
)

// ownLife is how long an answer about the token's owner is kept. The console takes
// two such questions a second, and a token file may be replaced.
const (
	ownUserTTL   = 10 * time.Minute
	ownUserRetry = 30 * time.Second // after a question that could not be answered
)

// ownUser remembers who owns the token.
type ownUser struct {
	mu      sync.Mutex
	cached  string
	until   time.Time
	token   string // digest of the token that the answer is about
	purpose string // of the digest, which is kept in memory only
	// keep stores each answer for those that only read: it is no evidence.
	keep func(ctx context.Context, id string)
}

// id is "" where the console does not say, as may be for the token of a service user.
func (o *ownUser) id(ctx context.Context, c *console.Client) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	token, _ := c.TokenDigest(o.purpose)
	if time.Now().Before(o.until) && token == o.token {
		return o.cached
	}
	if token != o.token { // a replaced token has another owner
		o.cached, o.until, o.token = "", time.Time{}, token
	}
	p, err := c.Self(ctx)
	answer, failed := errors.AsType[*console.Error](err)
	switch {
	case ctx.Err() != nil:
	case failed && isUnanswered(answer):
		o.until = time.Now().Add(ownUserRetry)
	default:
		o.cached, o.until = p.ID, time.Now().Add(ownUserTTL)
		if o.keep != nil {
			o.keep(ctx, p.ID)
		}
	}
	return o.cached
}

// isUnanswered tells a console that could not answer from one that does not tell.
func isUnanswered(e *console.Error) bool {
	return e.Temporary() || e.Status == http.StatusUnauthorized
}

// likelyOwnToken says why a principal must not be deleted, or its token be rotated, where the
// console does not tell whose token the worker uses: its own token ends in the same second as
// that one. It is "" where nothing points to it.
func (r *Request) likelyOwnToken(ctx context.Context, op access.Op, p access.Principal) string {
	if !namesNoRole(op) || p.TokenExpiresAt == nil {
		return ""
	}
	token, err := r.console.TokenDetails(ctx)
	if err != nil || token.ExpiresAt == nil || token.ExpiresAt.Unix() != p.TokenExpiresAt.Unix() {
		return "" // whether a console tells the end of a service user's token is not verified
	}
	byHand := "delete this one in the console"
	if op == access.OpRotate {
		byHand = "make the new token in the console; if it is this one's, use --own"
	}
	return fmt.Sprintf("%s %s may own the API token that this worker uses: both end at %s, and the console does "+
		"not report the token's owner; if it is another principal's, %s",
		p.Kind, p.ID, token.ExpiresAt.UTC().Format(time.RFC3339), byHand)
}
