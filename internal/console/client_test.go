package console

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const unauthorizedBody = `{"errors":[{"code":4010010,"detail":null,"title":"Authentication Failed"}]}`

func TestRedirect_ToAnotherHostIsNotFollowed(t *testing.T) {
	t.Parallel()
	other := startConsole(t, respond(200, emptyPage))
	host := strings.TrimPrefix(other.URL, "http://")
	for _, target := range []string{other.URL + "/login?next=secret-query", "https://" + host} {
		f := startConsole(t, respond(302, "", "Location", target))
		_, err := f.client(t).Users(t.Context(), ListOptions{})
		e := asError(t, err)
		require.Equal(t, KindRedirected, e.Kind)
		require.Equal(t, 302, e.Status)
		require.False(t, e.Temporary())
		require.ErrorContains(t, err, host)
		require.NotContains(t, err.Error(), "secret-query")
		require.Equal(t, 1, f.count())
	}
	require.Zero(t, other.count())

	_, err := startConsole(t, respond(304, "")).client(t).Users(t.Context(), ListOptions{})
	require.ErrorContains(t, err, "an unnamed host")
}

// From https to http on the same host and port the token would travel in clear text.
func TestRedirect_ToHTTPIsNotFollowed(t *testing.T) {
	t.Parallel()
	var sent []string
	send := roundTrip(func(r *http.Request) (*http.Response, error) {
		sent = append(sent, r.URL.Scheme)
		w := httptest.NewRecorder()
		w.Header().Set("Location", "http://"+r.URL.Host+r.URL.Path)
		w.WriteHeader(http.StatusPermanentRedirect)
		return w.Result(), nil
	})
	c, err := New(Config{BaseURL: exampleURL, Token: StaticToken(testToken), Transport: send})
	require.NoError(t, err)
	_, err = c.Users(t.Context(), ListOptions{})
	require.Equal(t, KindRedirected, asError(t, err).Kind)
	require.ErrorContains(t, err, "http://acmeco.sentinelone.net was not followed")
	require.Equal(t, []string{"https"}, sent)
}

func TestRedirect_OnTheSameHostIsFollowed(t *testing.T) {
	t.Parallel()
	f := startConsole(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/") {
			http.Redirect(w, r, r.URL.Path+"/", http.StatusMovedPermanently)
			return
		}
		respond(200, emptyPage)(w, r)
	})
	var sent atomic.Int64
	_, err := f.client(t).Users(WithRequestCounter(t.Context(), &sent), ListOptions{})
	require.NoError(t, err)
	require.Equal(t, int64(2), sent.Load())

	loop := startConsole(t, respond(302, "", "Location", "/web/api/v2.1/users"))
	_, err = loop.client(t).Users(t.Context(), ListOptions{})
	require.ErrorContains(t, err, "redirects more than 5 times")
}

// The file is rotated while the client runs. The first request with the old token is refused,
// and is sent once more with the new token.
func TestTokenFile_RotationOn401(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte("old-token"), 0o600))
	f := startConsole(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Authorization") != "ApiToken new-token" || strings.Contains(string(body), "old-token") {
			respond(401, unauthorizedBody)(w, r)
			return
		}
		respond(200, `{"data":{"expiresAt":"2026-01-01T00:00:00Z","createdAt":null}}`)(w, r)
	})
	c := f.client(t, func(cfg *Config) { cfg.Token = TokenFile(path) })

	_, err := c.TokenDetails(t.Context())
	require.Equal(t, 401, asError(t, err).Status)
	require.Equal(t, 1, f.count(), "the same token is not tried again")

	require.NoError(t, os.WriteFile(path, []byte("new-token\n"), 0o600))
	details, err := c.TokenDetails(t.Context())
	require.NoError(t, err)
	require.Equal(t, TokenDetails{ExpiresAt: at("2026-01-01T00:00:00Z")}, details)
	require.Equal(t, 3, f.count())
}

func TestTokenFile_StopsAfterTheNewTokenIsRefused(t *testing.T) {
	t.Parallel()
	path := writeToken(t, "old-token")
	f := startConsole(t, respond(401, unauthorizedBody))
	c := f.client(t, func(cfg *Config) { cfg.Token = TokenFile(path) })
	require.NoError(t, os.WriteFile(path, []byte("new-token"), 0o600))
	_, err := c.SystemInfo(t.Context())
	require.Equal(t, 401, asError(t, err).Status)
	require.Equal(t, 2, f.count())

	require.NoError(t, os.Remove(path))
	_, err = c.SystemInfo(t.Context())
	require.ErrorContains(t, err, "401")
	require.ErrorIs(t, err, os.ErrNotExist, "the error says why the token could not be read again")
}

func TestReadOnly_RefusesEveryWriteBeforeItIsSent(t *testing.T) {
	t.Parallel()
	f := startConsole(t, respond(200, `{"data":{}}`))
	reader, writer := f.client(t, func(cfg *Config) { cfg.ReadOnly = true }), f.client(t)
	var sent atomic.Int64
	ctx := WithRequestCounter(t.Context(), &sent)
	ok := func([]byte) error { return nil }
	for _, r := range []request{
		{method: http.MethodPut, path: "/users/1"},
		{method: http.MethodPost, path: "/users"},
		{method: http.MethodDelete, path: "/users/1"},
		{method: http.MethodPatch, path: "/users/1"},
		{method: http.MethodPut, path: tokenDetailsPath},
		{method: http.MethodPost, path: tokenDetailsPath + "/x"},
	} {
		err := reader.do(ctx, r, ok)
		require.ErrorIs(t, err, ErrReadOnly)
		require.ErrorContains(t, err, r.method+" "+r.path)
	}
	require.Zero(t, f.count())
	require.Zero(t, sent.Load())

	require.NoError(t, writer.do(ctx, request{method: http.MethodPut, path: "/users/1"}, ok))
	_, err := reader.TokenDetails(ctx)
	require.NoError(t, err, "a POST that only reads")
	require.Equal(t, int64(2), sent.Load())
}

func TestTokenDetails_SendsTheTokenItself(t *testing.T) {
	t.Parallel()
	var got string
	f := startConsole(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type") + " " + string(body)
		respond(200, `{"data":{"createdAt":"2025-01-01T00:00:00Z","expiresAt":"2026-01-01T00:00:00.5Z","x":[1]}}`)(w, r)
	})
	details, err := f.client(t).TokenDetails(t.Context())
	require.NoError(t, err)
	require.Equal(t, at("2026-01-01T00:00:00.5Z"), details.ExpiresAt)
	require.Equal(t, "POST /web/api/v2.1/users/api-token-details application/json "+
		`{"data":{"apiToken":"`+testToken+`"}}`, got)
}

func TestSystemInfo(t *testing.T) {
	t.Parallel()
	f := startConsole(t, respond(200, `{"data":{"version":"S-24.1","release":"x","patch":null,"build":117,
		"latestAgentVersion":"23.4"}}`))
	info, err := f.client(t).SystemInfo(t.Context())
	require.NoError(t, err)
	require.Equal(t, SystemInfo{Version: "S-24.1", Release: "x", Build: "117", LatestAgentVersion: "23.4"}, info)
	for _, body := range []string{`{}`, `{"data":null}`, `{"data":[]}`} {
		_, err = startConsole(t, respond(200, body)).client(t).SystemInfo(t.Context())
		require.Equal(t, KindMalformed, asError(t, err).Kind, body)
	}
}

func TestBody_IsBounded(t *testing.T) {
	t.Parallel()
	f := startConsole(t, respond(200, emptyPage))
	get := func(maxRow int) error {
		_, err := f.client(t, func(cfg *Config) { cfg.MaxRow = int64(maxRow) }).Users(t.Context(), ListOptions{})
		return err
	}
	require.NoError(t, get(len(emptyPage)))
	err := get(len(emptyPage) - 1)
	require.Equal(t, KindMalformed, asError(t, err).Kind)
	require.ErrorContains(t, err, "larger than")
}

func TestBody_CutByTheConnection(t *testing.T) {
	t.Parallel()
	f := startConsole(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5000")
		_, _ = w.Write([]byte(emptyPage)) // whole JSON, but not all that was announced
	})
	_, err := f.client(t).Users(t.Context(), ListOptions{})
	e := asError(t, err)
	require.Equal(t, KindMalformed, e.Kind)
	require.True(t, e.Temporary())
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.ErrorContains(t, err, "cut short after")
}

func TestNoResponse(t *testing.T) {
	t.Parallel()
	closed := startConsole(t, respond(200, ""))
	closed.Close()
	var sent atomic.Int64
	_, err := closed.client(t).Users(WithRequestCounter(t.Context(), &sent), ListOptions{Cursor: "c2VjcmV0LWN1cnNvcg"})
	e := asError(t, err)
	require.Equal(t, KindNoAnswer, e.Kind)
	require.Zero(t, e.Status)
	require.True(t, e.Temporary())
	require.NotContains(t, allPrints(err), "c2VjcmV0")
	require.Equal(t, int64(1), sent.Load(), "a request that fails counts")
	var op *net.OpError
	require.ErrorAs(t, err, &op)

	dropped := startConsole(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err = dropped.client(t).Users(t.Context(), ListOptions{})
	require.Equal(t, KindNoAnswer, asError(t, err).Kind)

	unknown := &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}
	c := closed.client(t, func(cfg *Config) {
		cfg.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, unknown })
	})
	_, err = c.Users(t.Context(), ListOptions{})
	require.ErrorContains(t, err, "nowhere.invalid: no such host; check the base URL")
}

func TestTimeout_IsNotTheCallersDeadline(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release) // before the servers close, which wait for their handlers
	for _, f := range []*fakeConsole{
		startConsole(t, func(http.ResponseWriter, *http.Request) { <-release }),
		startConsole(t, func(w http.ResponseWriter, _ *http.Request) { // answers, then stalls
			_, _ = w.Write([]byte(`{"data":[`))
			w.(http.Flusher).Flush()
			<-release
		}),
	} {
		c := f.client(t, func(cfg *Config) { cfg.Timeout = 20 * time.Millisecond })
		_, err := c.Users(t.Context(), ListOptions{})
		require.EqualError(t, err, "GET /users: no response from the console: it took longer than 20ms")
		require.True(t, asError(t, err).Temporary())
		require.NotErrorIs(t, err, context.DeadlineExceeded, "only the client's own deadline has passed")
	}
}

func TestCancel_UnwrapsToCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	f := startConsole(t, func(http.ResponseWriter, *http.Request) {
		cancel(errors.New("a worker stops"))
		<-ctx.Done()
	})
	_, err := f.client(t).Users(ctx, ListOptions{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = f.client(t).Users(ctx, ListOptions{})
	require.ErrorIs(t, err, context.Canceled, "before it is sent as well")
	require.Equal(t, 1, f.count())
}

func TestClient_ReusesItsConnections(t *testing.T) {
	t.Parallel()
	var opened atomic.Int64
	f := &fakeConsole{Server: newCountingServer(&opened)}
	t.Cleanup(f.Close)
	c := f.client(t)
	for range 5 {
		_, err := c.Users(t.Context(), ListOptions{})
		require.Equal(t, 502, asError(t, err).Status)
	}
	require.Equal(t, int64(1), opened.Load())
}

// The transport that New creates uses HTTP/2 if the console supports it.
func TestDefaultTransport_HTTP2(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(respond(200, emptyPage))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)

	transport, ok := defaultTransport().(*http.Transport)
	require.True(t, ok)
	require.Equal(t, 16, transport.MaxIdleConnsPerHost)
	require.NotNil(t, transport.Proxy, "the environment may name a proxy")
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	var proto string
	c, err := New(Config{
		BaseURL: server.URL, Token: StaticToken(testToken),
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			resp, err := transport.RoundTrip(r)
			if err == nil {
				proto = resp.Proto
			}
			return resp, err
		}),
	})
	require.NoError(t, err)
	_, err = c.Users(t.Context(), ListOptions{})
	require.NoError(t, err)
	require.Equal(t, "HTTP/2.0", proto)
	transport.CloseIdleConnections()
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
