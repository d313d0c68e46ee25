package activities

import (
	"context"
	"sync"
	"time"

	"sentinelone-provisioner/internal/console"
)

// tokenAge is how old an answer about the token may be, so that events that somebody makes up
// cost no calls.
const tokenAge = 10 * time.Minute

// tokenReader asks the console when the worker's token expires, and keeps the answer.
type tokenReader struct {
	console *console.Client
	now     func() time.Time

	mu   sync.Mutex
	at   time.Time
	ends *time.Time
}

// AskingConsole says which console knows when the worker's API token expires.
func (n *Notify) AskingConsole(c *console.Client) *Notify {
	r := &tokenReader{console: c, now: func() time.Time { return n.now() }}
	n.tokenEnds = r.read
	return n
}

// read is when the token expires; nil if the console gives no time.
func (r *tokenReader) read(ctx context.Context) (*time.Time, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if !r.at.IsZero() && now.Sub(r.at) < tokenAge {
		return r.ends, nil
	}
	details, err := r.console.TokenDetails(ctx)
	if err != nil {
		return nil, err
	}
	r.at, r.ends = now, details.ExpiresAt
	return r.ends, nil
}
