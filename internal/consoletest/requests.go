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

// Request is one logged request. It holds no header and no body, hence no token.
type Request struct {
	Number     int               `json:"number"` // 1, 2, … in the order of arrival
	Method     string            `json:"method"`
	Path       string            `json:"path"` // below BasePath: "/users"
	Query      url.Values        `json:"query,omitempty"`
	Collection access.Collection `json:"collection,omitempty"` // "" unless it is a list
	Cursor     string            `json:"cursor,omitempty"`     // as sent
	Status     int               `json:"status"`               // 0 until the response begins, and for a cut connection
	Fault      FaultKind         `json:"fault,omitempty"`      // the fault that affected it
}

// Page reports whether the request is for a page of a list: with a limit above one or the ids of its
// rows, and not a count.
func (r Request) Page() bool {
	return r.Collection != "" && (r.Query.Get("limit") != "1" || r.Query.Get("ids") != "") && !r.Count()
}

// Write reports whether the request changes something.
func (r Request) Write() bool {
	return r.Method != http.MethodGet && r.Path != "/users/api-token-details"
}

// Count reports whether the request is for the number of rows only.
func (r Request) Count() bool { return r.Collection != "" && r.Query.Get("countOnly") == "true" }

// keepRequests is the most requests in the log, so that a console can run for days.
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

// finish records how a request ended, unless the log has dropped it.
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

// Requests returns the requests so far, oldest first; after a long run at least the last
// 25,000.
func (c *Console) Requests() []Request {
	all, _ := c.log.snapshot()
	return all
}

// RequestCount returns the number of requests since the start or the last reset.
func (c *Console) RequestCount() int {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	return c.log.dropped + len(c.log.entries)
}

// ResetRequests clears the log. The numbers continue.
func (c *Console) ResetRequests() {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.log.base += c.log.dropped + len(c.log.entries)
	c.log.dropped, c.log.entries = 0, nil
	c.log.notify()
}

// WaitForRequests waits until n requests have arrived for which match returns true; a nil match
// accepts all. A request counts on arrival, with Status 0; a match on Status waits for its end.
// The error wraps that of ctx and says how many there were.
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
