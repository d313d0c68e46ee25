package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// testToken has the length of a real token, so that scrub removes it from texts.
const testToken = "CANARY-not-a-real-token-0123456789-0123456789-0123456789-0123456789-0123456789"

// fakeConsole responds to every request with its handler, and records the requests.
type fakeConsole struct {
	*httptest.Server

	mu   sync.Mutex
	seen []*http.Request
}

func (f *fakeConsole) requests() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*http.Request(nil), f.seen...)
}

func (f *fakeConsole) count() int { return len(f.requests()) }

func startConsole(t *testing.T, answer http.HandlerFunc) *fakeConsole {
	t.Helper()
	f := &fakeConsole{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.seen = append(f.seen, r)
		f.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeConsole) client(t *testing.T, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{BaseURL: f.URL, Token: StaticToken(testToken)}
	for _, c := range change {
		c(&cfg)
	}
	c, err := New(cfg)
	require.NoError(t, err)
	return c
}

// respond is a handler that responds with a status, a body, and headers given as pairs.
func respond(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func asError(t *testing.T, err error) *Error {
	t.Helper()
	require.Error(t, err)
	var e *Error
	require.ErrorAs(t, err, &e)
	return e
}

// allPrints is a value in every format in which it may reach a log or a terminal.
func allPrints(v any) string {
	text := fmt.Sprintf("%v|%+v|%#v|%s|%q|%d|%x", v, v, v, v, v, v, v)
	if encoded, err := json.Marshal(v); err == nil {
		text += string(encoded)
	}
	if err, ok := v.(error); ok {
		for ; err != nil; err = errors.Unwrap(err) {
			text += fmt.Sprintf("|%v|%+v|%#v", err, err, err)
		}
	}
	return text
}

// testBounds are those of the first page of a list.
var testBounds = bounds{rows: PageLimit, row: defaultMaxRow, page: maxPage}

// pageFrom decodes a body that has arrived.
func pageFrom[R row[T], T access.Entity](body []byte) (Page[T], error) {
	return decodePage[R, T](bytes.NewReader(body), testBounds)
}

// newCountingServer responds with 502 and a page as large as those of proxies, and counts its
// connections.
func newCountingServer(opened *atomic.Int64) *httptest.Server {
	s := httptest.NewUnstartedServer(respond(502, "<html>"+strings.Repeat("x", 4000)))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	return s
}
