package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	idleConnections = 16
	maxRedirects    = 5
)

type counterKey struct{}

// WithRequestCounter returns a context whose requests are counted in n, including those that
// fail. A request that is refused before it is sent does not count.
func WithRequestCounter(ctx context.Context, n *atomic.Int64) context.Context {
	return context.WithValue(ctx, counterKey{}, n)
}

// counted counts each request just before it is sent, so that redirects and repeats count too.
type counted struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t counted) RoundTrip(r *http.Request) (*http.Response, error) {
	if n, ok := r.Context().Value(counterKey{}).(*atomic.Int64); ok && n != nil {
		n.Add(1)
	}
	return t.next.RoundTrip(r)
}

func newHTTPClient(base *url.URL, next http.RoundTripper) *http.Client {
	if next == nil {
		next = defaultTransport()
	}
	return &http.Client{
		Transport: counted{next: next},
		// A redirect to another host would send the token there. The redirect itself is
		// returned instead, and becomes an error that names the host.
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if !sameOrigin(base, r.URL) {
				return http.ErrUseLastResponse
			}
			// 301, 302 and 303 turn a request into a GET: a write would look successful.
			if r.Method != via[0].Method {
				return http.ErrUseLastResponse
			}
			if len(via) > maxRedirects {
				return errors.New("the console redirects more than 5 times")
			}
			return nil
		},
	}
}

func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Host, b.Host)
}

func defaultTransport() http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // a program replaced the default: use its transport
		return http.DefaultTransport
	}
	t := standard.Clone()
	t.MaxIdleConnsPerHost = idleConnections
	// Over HTTP/2 all requests share one connection; without pings a dead connection shows
	// only when a request times out.
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second}
	return t
}
