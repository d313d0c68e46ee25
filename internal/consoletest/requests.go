package consoletest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"sentinelone-provisioner/internal/access"
)

// Request is one request to the API as the console logged it. It holds no header
// and no body, so no token.
type Request struct {
	Number     int               `json:"number"` // 1, 2, … in the order of arrival
	Method     string            `json:"method"`
	Path       string            `json:"path"` // below BasePath: "/users"
	Query      url.Values        `json:"query,omitempty"`
	Collection access.Collection `json:"collection,omitempty"` // "" unless it is a list
	Cursor     string            `json:"cursor,omitempty"`     // as sent
	Status     int               `json:"status"`               // 0 until decided, and for a connection that was cut
	Fault      FaultKind         `json:"fault,omitempty"`      // the fault it met
}

// Page says whether the request asks for a page of a walk: a list with a limit
// above one, no count.
func (r Request) Page() bool {
	return r.Collection != "" && r.Query.Get("limit") != "1" && !r.Count()
}

// Write says whether the request is to change something.
func (r Request) Write() bool {
	return r.Method != http.MethodGet && r.Path != "/users/api-token-details"
}

// Count says whether the request asks for the number of rows only.
func (r Request) Count() bool { return r.Collection != "" && r.Query.Get("countOnly") == "true" }

// keepRequests bounds the log of a console that runs for days.
const keepRequests = 50_000

type requestLog struct {
	mu      sync.Mutex
	entries []Request
	dropped int           // entries[0] has number base+dropped+1
	base    int           // number of the last request before a reset
	changed chan struct{} // closed and replaced at each change
}

func newRequestLog() *requestLog { return &requestLog{changed: make(chan struct{})} }

func (l *requestLog) begin(r *http.Request) Request {
	path := strings.TrimPrefix(r.URL.Path, BasePath)
	e := Request{Method: r.Method, Path: path, Query: r.URL.Query()}
	e.Cursor = e.Query.Get("cursor")
	if r.Method == http.MethodGet {
		e.Collection = collections[path]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) >= keepRequests {
		l.entries = slices.Delete(l.entries, 0, keepRequests/2)
		l.dropped += keepRequests / 2
	}
	e.Number = l.base + l.dropped + len(l.entries) + 1
	l.entries = append(l.entries, e)
	l.notify()
	return e
}

// finish notes how a request ended, unless it has been dropped meanwhile.
func (l *requestLog) finish(number, status int, fault FaultKind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := number - l.base - l.dropped - 1
	if at < 0 || at >= len(l.entries) {
		return
	}
	l.entries[at].Status, l.entries[at].Fault = status, fault
	l.notify()
}

func (l *requestLog) notify() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *requestLog) snapshot() ([]Request, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries), l.changed
}

// Requests returns the requests so far, oldest first; of a very long run the last
// 25,000 at least.
func (c *Console) Requests() []Request {
	all, _ := c.log.snapshot()
	return all
}

// RequestCount is how many requests came since the start or the last reset.
func (c *Console) RequestCount() int {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	return c.log.dropped + len(c.log.entries)
}

// ResetRequests forgets the requests so far. Numbers go on.
func (c *Console) ResetRequests() {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.log.base += c.log.dropped + len(c.log.entries)
	c.log.dropped, c.log.entries = 0, nil
	c.log.notify()
}

// WaitForRequests waits until n requests for which match returns true have come
// in; a nil match takes all. A request counts as soon as it has arrived, with
// Status 0; a match on Status waits for its end. The error is ctx's, with how many
// there were.
func (c *Console) WaitForRequests(ctx context.Context, n int, match func(Request) bool) error {
	for {
		all, changed := c.log.snapshot()
		got := 0
		for _, r := range all {
			if match == nil || match(r) {
				got++
			}
		}
		if got >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d requests, %d came: %w", n, got, ctx.Err())
		case <-changed:
		}
	}
}
