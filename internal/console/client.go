package console

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	apiPath = "/web/api/v2.1"
	// maxErrorBody is how many bytes of the body of an error response are read.
	maxErrorBody = 64 << 10
	// sniffed is how many bytes of a body show whether it is a web page.
	sniffed = 512
	// keptBuffer is the largest buffer, in bytes, that is reused for the next response.
	keptBuffer = 1 << 20
)

// Client sends requests to one console. Create it with [New]. It is safe for concurrent use;
// all goroutines share its connections and rate budgets.
type Client struct {
	base      *url.URL
	token     TokenSource
	readOnly  bool
	limits    limiters
	timeout   time.Duration
	maxRow    int64
	userAgent string
	http      *http.Client
	now       func() time.Time // for Retry-After dates
	observer  Observer         // nil: nothing is measured
}

// Console returns the host of the base URL in lower case, with the port if the URL has one:
// the console's key in workflow ids and in the store.
func (c *Client) Console() string { return c.base.Host }

// ReadOnly reports whether the client refuses every request that changes the console.
func (c *Client) ReadOnly() bool { return c.readOnly }

// request is one call without its token.
type request struct {
	method string
	path   string // relative to the API; ids in it are digits
	query  url.Values
	body   func(token string) ([]byte, error) // nil: no body
	// private are texts of the body that a response may repeat and an error must not.
	private []string
}

// secrets are the texts of the request that a response may repeat and an error must not.
func (r request) secrets(token string) []string {
	texts := append([]string{token}, r.private...)
	for _, name := range []string{"cursor", "email", "email__contains", "fullName", "query"} {
		texts = append(texts, r.query.Get(name))
	}
	return texts
}

// reads reports whether the request changes nothing. A request counts as a write unless it
// is known to be a read.
func (r request) reads() bool {
	return r.method == http.MethodGet || r.method == http.MethodPost && r.path == tokenDetailsPath
}

func (c *Client) bounds(rows int) bounds { return bounds{rows: rows, row: c.maxRow, page: maxPage} }

// do sends the request and passes the whole body of a successful response, of one row at most,
// to decode, which must not keep it.
func (c *Client) do(ctx context.Context, r request, decode func(body []byte) error) error {
	return c.stream(ctx, r, func(body io.Reader) error {
		buf, _ := buffers.Get().(*bytes.Buffer)
		buf.Reset()
		defer func() {
			if buf.Cap() <= keptBuffer {
				buffers.Put(buf)
			}
		}()
		if _, err := buf.ReadFrom(io.LimitReader(body, c.maxRow+1)); err != nil {
			return errCut // read reports the error of the connection
		}
		if int64(buf.Len()) > c.maxRow {
			return &overLimitError{"the response", c.maxRow}
		}
		return decode(buf.Bytes())
	})
}

// stream sends the request and passes the body of a successful response to decode as it arrives.
func (c *Client) stream(ctx context.Context, r request, decode func(body io.Reader) error) error {
	if c.readOnly && !r.reads() {
		return fmt.Errorf("%s %s: not sent: %w", r.method, r.path, ErrReadOnly)
	}
	token, err := c.token.Token()
	if err != nil {
		return r.failed(KindNotSent, err)
	}
	err = c.send(ctx, r, token, decode)
	var e *Error
	if !errors.As(err, &e) || e.Status != http.StatusUnauthorized {
		return err
	}
	// The token may have been rotated. The console refused before it did anything, so a
	// second request repeats no work. The new token is compared with the one that was sent,
	// not by the result of Reload, since another goroutine may have reloaded it meanwhile.
	if _, err := c.token.Reload(); err != nil {
		e.Err = err
		return e
	}
	fresh, err := c.token.Token()
	if err != nil || fresh == token {
		return e
	}
	return c.send(ctx, r, fresh, decode)
}

func (c *Client) send(ctx context.Context, r request, token string, decode func(io.Reader) error) error {
	if err := c.waitBudget(ctx, r.path); err != nil {
		return r.failed(KindNoAnswer, err)
	}
	attempt, cancel := context.WithTimeoutCause(withEndpoint(ctx, r.path), c.timeout, &timeoutError{after: c.timeout})
	defer cancel()
	req, err := c.build(attempt, r, token)
	if err != nil {
		return r.failed(KindNotSent, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.noAnswer(ctx, attempt, r, token, err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode >= http.StatusBadRequest:
		// A part of the body is enough: the status decides.
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		return c.statusError(r, token, resp, body)
	case resp.StatusCode >= http.StatusMultipleChoices:
		return r.redirected(resp)
	}
	return c.read(ctx, attempt, r, token, resp, decode)
}

func (c *Client) build(ctx context.Context, r request, token string) (*http.Request, error) {
	target := *c.base
	target.Path = apiPath + r.path
	target.RawQuery = r.query.Encode()
	var body io.Reader
	if r.body != nil {
		text, err := r.body(token)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), body)
	if err != nil {
		return nil, errors.New("cannot build the request") // the cause repeats the URL
	}
	req.Header.Set("Authorization", "ApiToken "+token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

var (
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readAhead) }}
)

// arriving is a body that remembers how its connection failed, since decoders answer that with an
// error of their own.
type arriving struct {
	from io.Reader
	at   int64
	err  error
}

// Read implements io.Reader.
func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.from.Read(p)
	a.at += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		a.err = err
	}
	return n, err
}

// read decodes the body of a successful response.
func (c *Client) read(
	ctx, attempt context.Context, r request, token string, resp *http.Response, decode func(io.Reader) error,
) error {
	body := &arriving{from: resp.Body}
	in, _ := readers.Get().(*bufio.Reader)
	in.Reset(body)
	defer func() {
		in.Reset(nil)
		readers.Put(in)
	}()
	var err error
	start, _ := in.Peek(sniffed)
	switch {
	case len(start) == 0:
		err = errors.New("the body is empty")
	case looksLikeHTML(start):
		e := r.malformed(resp.StatusCode, errors.New("the body is a web page; check the base URL and any proxy"))
		e.HTML = true
		return e
	default:
		err = decode(in)
	}
	large, tooLarge := errors.AsType[*PageTooLargeError](err)
	switch {
	case body.err != nil && attempt.Err() != nil:
		return c.noAnswer(ctx, attempt, r, token, body.err)
	case body.err != nil:
		cause := scrub(body.err.Error(), r.secrets(token)...)
		text := fmt.Sprintf("the body is cut short after %d bytes: %s", body.at, cause)
		return r.malformed(resp.StatusCode, &causeError{err: body.err, text: text})
	case tooLarge:
		e := r.failed(KindTooLarge, large)
		e.Status = resp.StatusCode
		return e
	case err != nil:
		return r.malformed(resp.StatusCode, err)
	}
	return nil
}

// checkID prevents that anything but an id gets into a path.
func checkID(id string) error {
	if id == "" || strings.Trim(id, "0123456789") != "" {
		return errors.New("invalid id: the ids of a console are digits only")
	}
	return nil
}
