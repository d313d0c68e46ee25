package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/tokenfile"
)

// OwnToken is where the worker's own token is kept. The zero value cannot be changed.
type OwnToken struct {
	File tokenfile.File
	// Shared says that other workers may use the same console from other machines, and FileShared that all of them
	// read this very file: the end of the old token would lock out those that do not.
	Shared, FileShared bool
}

var errNotShared = errors.New("workers on other machines may use the same database (PostgreSQL), and the end of the " +
	"old token would lock out those that do not read this worker's token file: if all of them read this same file, " +
	"set SENTINELONE_API_TOKEN_FILE_SHARED=true on each")

// Check says why the worker cannot replace its own token; nil if it can.
func (o OwnToken) Check() error {
	if o.Shared && !o.FileShared {
		return errNotShared
	}
	return o.File.Check()
}

// ReplacingOwnToken says where the worker's own token is kept; without it, no request can replace it.
func (r *Request) ReplacingOwnToken(o OwnToken) *Request {
	r.ownToken = o
	return r
}

// ReplacingOwnToken says where the worker's own token is kept, as for [Request.ReplacingOwnToken].
func (a *Accounts) ReplacingOwnToken(o OwnToken) *Accounts {
	a.ownToken = o
	return a
}

// ownership is what the console says about whether the worker's token is that of a service user.
type ownership struct {
	shown   bool   // that it is
	told    bool   // by its answer about the owner of the token
	against string // why it is not; "" if nothing is against it
}

// tokenOwnership asks the console whether the worker's token is that of p. What a console answers about the token of a
// service user is not verified, so an answer that it does not give counts neither way. An error is temporary.
func tokenOwnership(ctx context.Context, c *console.Client, p access.Principal) (out ownership, err error) {
	owner, err := c.Self(ctx)
	switch {
	case err == nil && owner.ID == p.ID:
		return ownership{shown: true, told: true}, nil
	case err == nil && owner.ID != "":
		out.against = fmt.Sprintf("the console says that the worker's token is that of %s %s", owner.Kind, owner.ID)
		return out, nil
	case passes(err):
		return out, err
	}
	token, err := c.TokenDetails(ctx)
	switch {
	case passes(err):
		return out, err
	case err != nil || token.ExpiresAt == nil || p.TokenExpiresAt == nil:
		return out, nil //nolint:nilerr // it does not tell
	case token.ExpiresAt.Unix() != p.TokenExpiresAt.Unix():
		out.against = fmt.Sprintf("the worker's token ends at %s, and that of service user %s at %s",
			token.ExpiresAt.UTC().Format(time.RFC3339), p.ID, p.TokenExpiresAt.UTC().Format(time.RFC3339))
		return out, nil
	}
	n, err := c.ServiceUserTokensEndingAt(ctx, p)
	if passes(err) {
		return out, err
	}
	out.shown = err == nil && n == 1
	return out, nil
}

// passes says that the console could not answer now.
func passes(err error) bool {
	if err == nil {
		return false
	}
	answer, is := errors.AsType[*console.Error](err)
	return !is || answer.Temporary() || answer.Status == http.StatusUnauthorized
}

// successorRefusal says why a service user must not be replaced by one with the same roles; "" if it may be.
func successorRefusal(p access.Principal) string {
	switch held := p.Holdings(); {
	case access.Undeletable(p, false) != "":
		return access.Undeletable(p, false)
	case held.Len() == 0:
		return fmt.Sprintf("service user %s has no role that the console shows, so that none could be given to "+
			"another one: replace its token by hand in the console", p.ID)
	case held.Len() > access.MaxListed:
		return fmt.Sprintf("service user %s has %d roles, and at most %d are copied: replace its token by hand in the "+
			"console", p.ID, held.Len(), access.MaxListed)
	}
	return ""
}
