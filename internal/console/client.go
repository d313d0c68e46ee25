package console

import (
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
	// maxErrorBody is how much of an error's body is read.
	maxErrorBody = 64 << 10
	// keptBuffer is the largest buffer that is kept for the next answer.
	keptBuffer = 8 << 20
)

// Client speaks to one console. Make it with [New]; it is safe for use by many
// goroutines, which share its connections and rate budgets.
type Client struct {
	base      *url.URL
	token     TokenSource
	readOnly  bool
	limits    limiters
	timeout   time.Duration
	maxBody   int64
	userAgent string
	http      *http.Client
	now       func() time.Time // for Retry-After dates
}

// Console is the host of the base URL, with its port if it names one, lower-cased:
// the console's key wherever several consoles are kept apart.
func (c *Client) Console() string { return c.base.Host }

// ReadOnly says that the client sends nothing that changes the console.
func (c *Client) ReadOnly() bool { return c.readOnly }

// request is one call, before the token is known.
type request struct {
	method string
	path   string // relative to the API, ids in it are digits
	query  url.Values
	body   func(token string) ([]byte, error) // nil: no body
	// private are texts of the body that an answer may repeat and an error may not.
	private []string
}

// secrets are the texts of the request that an answer may repeat and an error may not.
func (r request) secrets(token string) []string {
	texts := append([]string{token}, r.private...)
	for _, name := range []string{"cursor", "email", "email__contains", "fullName", "query"} {
		texts = append(texts, r.query.Get(name))
	}
	return texts
}

// reads says that the request changes nothing. Everything that is not known to
// read is taken to write.
func (r request) reads() bool {
	return r.method == http.MethodGet || r.method == http.MethodPost && r.path == tokenDetailsPath
}

// do sends the request and hands the body of a successful answer to decode, which
// must not keep it.
func (c *Client) do(ctx context.Context, r request, decode func(body []byte) error) error {
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
	// A rotated token: the console refused before it did anything, so sending the
	// request again repeats no work. Compared with the token that was sent, not by
	// "changed", since another goroutine may have reloaded it meanwhile.
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

func (c *Client) send(ctx context.Context, r request, token string, decode func([]byte) error) error {
	if err := c.limits.wait(ctx, r.path); err != nil {
		return r.failed(KindNoAnswer, err)
	}
	attempt, cancel := context.WithTimeoutCause(ctx, c.timeout, &timeoutError{after: c.timeout})
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
		// What could be read of the body is enough; the status counts.
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
		return nil, errors.New("the request cannot be built") // the cause repeats the URL
	}
	req.Header.Set("Authorization", "ApiToken "+token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// read takes the whole of a successful answer and decodes it.
func (c *Client) read(
	ctx, attempt context.Context, r request, token string, resp *http.Response, decode func([]byte) error,
) error {
	buf, _ := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	defer func() {
		if buf.Cap() <= keptBuffer {
			buffers.Put(buf)
		}
	}()
	_, err := buf.ReadFrom(io.LimitReader(resp.Body, c.maxBody+1))
	switch {
	case err != nil && attempt.Err() != nil:
		return c.noAnswer(ctx, attempt, r, token, err)
	case err != nil:
		text := fmt.Sprintf("it is cut short after %d bytes: %s", buf.Len(), scrub(err.Error(), r.secrets(token)...))
		return r.malformed(resp.StatusCode, &causeError{err: err, text: text})
	case buf.Len() == 0:
		return r.malformed(resp.StatusCode, errors.New("it is empty"))
	case int64(buf.Len()) > c.maxBody:
		return r.malformed(resp.StatusCode, fmt.Errorf("it is larger than %d bytes", c.maxBody))
	case looksLikeHTML(buf.Bytes()):
		e := r.malformed(resp.StatusCode, errors.New("it is a web page; check the base URL, and any proxy between"))
		e.HTML = true
		return e
	}
	if err := decode(buf.Bytes()); err != nil {
		return r.malformed(resp.StatusCode, err)
	}
	return nil
}

// checkID keeps anything but a console's id out of a path.
func checkID(id string) error {
	if id == "" || strings.Trim(id, "0123456789") != "" {
		return errors.New("the id is not one of a console: ids are digits only")
	}
	return nil
}
