package console

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// Observer measures what a client sends. Its methods are called for each request, from many goroutines.
type Observer interface {
	// Answered hears of an answer's head, with its HTTP status, or that none came: 0. endpoint is a path relative to
	// the API with {id} in the place of ids, such as /users/{id}. ctx is that of the request.
	Answered(ctx context.Context, method, endpoint string, status int, took time.Duration)
	// Waited hears how long a request waited for the rate budget of the paths under a prefix, such as /users.
	Waited(budget string, took time.Duration)
}

// Observe has o measure all requests. Call it before the first request.
func (c *Client) Observe(o Observer) {
	c.observer = o
	c.http.Transport = observed{next: c.http.Transport, observer: o}
}

// waitBudget returns when the path may be requested.
func (c *Client) waitBudget(ctx context.Context, path string) error {
	if c.observer == nil {
		return c.limits.wait(ctx, path)
	}
	began := time.Now()
	err := c.limits.wait(ctx, path)
	if l, found := c.limits.find(path); found {
		c.observer.Waited(l.budget.Prefix, time.Since(began))
	}
	return err
}

// observed measures each request that leaves, also a repeated or redirected one.
type observed struct {
	next     http.RoundTripper
	observer Observer
}

// RoundTrip implements [http.RoundTripper].
func (t observed) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := t.next.RoundTrip(r)
	status := 0
	if err == nil {
		status = resp.StatusCode
	}
	t.observer.Answered(r.Context(), r.Method, endpointOf(r.Context()), status, time.Since(began))
	return resp, err
}

type endpointKey struct{}

// withEndpoint keeps the request's own path, since a redirect leads to one that the console names.
func withEndpoint(ctx context.Context, path string) context.Context {
	return context.WithValue(ctx, endpointKey{}, path)
}

// endpointOf is the path of the request with {id} in the place of ids.
func endpointOf(ctx context.Context) string {
	path, _ := ctx.Value(endpointKey{}).(string)
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if part != "" && strings.Trim(part, "0123456789") == "" {
			parts[i] = "{id}"
		}
	}
	return strings.Join(parts, "/")
}
