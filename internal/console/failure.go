package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"sentinelone-provisioner/internal/netenv"
)

const (
	maxRetryAfter = time.Hour
	maxText       = 300 // runes of a text of the console that an error keeps
	// minSecret prevents that scrub removes words when a test uses a token of a few letters;
	// real tokens have 80 characters and more.
	minSecret = 6
)

var (
	emailShape = regexp.MustCompile(`[^\s@"'<>()\[\],;:=]+@[^\s@"'<>()\[\],;:]+`)
	tokenShape = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){0,2}`)
	// opaqueShape matches older tokens, of 58 and of 80 characters; no word is that long.
	opaqueShape = regexp.MustCompile(`[A-Za-z0-9+/=_-]{40,}`)
)

// causeError keeps the chain for errors.Is and errors.As, and prints a text without secrets.
type causeError struct {
	err  error
	text string
}

func (c *causeError) Error() string { return c.text }
func (c *causeError) Unwrap() error { return c.err }

// timeoutError is the client's own deadline. It does not unwrap to context.DeadlineExceeded, so
// that it is not mistaken for the caller's.
type timeoutError struct{ after time.Duration }

func (t *timeoutError) Error() string { return fmt.Sprintf("it took longer than %s", t.after) }
func (t *timeoutError) Timeout() bool { return true }

// scrub removes secrets, tokens, e-mail addresses and control characters from a text that came
// from outside.
func scrub(text string, secrets ...string) string {
	for _, s := range secrets {
		if len(s) < minSecret {
			continue
		}
		text = strings.ReplaceAll(text, s, redacted)
		text = strings.ReplaceAll(text, url.QueryEscape(s), redacted)
	}
	text = tokenShape.ReplaceAllString(text, redacted)
	text = opaqueShape.ReplaceAllString(text, redacted)
	text = emailShape.ReplaceAllString(text, "[e-mail]")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxText {
		text = string(runes[:maxText]) + "…"
	}
	return text
}

func (r request) failed(kind Kind, err error) *Error {
	return &Error{Kind: kind, Method: r.method, Path: r.path, Err: err}
}

// noAnswer makes the error for a response that did not arrive, or not completely. ctx is the
// caller's; attempt has the client's own time limit.
func (c *Client) noAnswer(ctx, attempt context.Context, r request, token string, err error) *Error {
	if ctx.Err() != nil { // not its cause: callers ask for context.Canceled
		return r.failed(KindNoAnswer, ctx.Err())
	}
	if own, ok := errors.AsType[*timeoutError](context.Cause(attempt)); ok {
		return r.failed(KindNoAnswer, own)
	}
	if u, ok := errors.AsType[*url.Error](err); ok { // its text has the whole URL, cursor included
		err = u.Err
	}
	text := scrub(err.Error(), r.secrets(token)...)
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		text += "; check the base URL"
	}
	if hint := netenv.ExplainTLS(err, ""); hint != "" {
		text += ": " + hint
	}
	return r.failed(KindNoAnswer, &causeError{err: err, text: text})
}

// statusError makes the error for a response with a status of 400 and above. It accepts any
// body.
func (c *Client) statusError(r request, token string, resp *http.Response, body []byte) *Error {
	e := r.failed(KindStatus, nil)
	e.Status = resp.StatusCode
	e.HTML = looksLikeHTML(body)
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), c.now())
	if e.HTML {
		return e
	}
	secrets := r.secrets(token)
	code, title, detail := parseErrors(body)
	e.Code, e.Title, e.Detail = code, scrub(title, secrets...), scrub(detail, secrets...)
	return e
}

func (r request) redirected(resp *http.Response) *Error {
	target := "an unnamed host"
	if u, err := resp.Location(); err == nil && u.Host != "" {
		target = scrub(u.Scheme + "://" + u.Host)
		if resp.Request != nil && sameOrigin(resp.Request.URL, u) {
			return r.turned(resp.StatusCode)
		}
	}
	e := r.failed(KindRedirected, fmt.Errorf("the redirect to %s was not followed, because it would send "+
		"the API token there; if that is the console, make it the base URL", target))
	e.Status = resp.StatusCode
	return e
}

// turned makes the error for a redirect within the console that would lose the body.
func (r request) turned(status int) *Error {
	e := r.failed(KindRedirected, errors.New("the redirect to another path of the console was not followed, "+
		"because the write would arrive as a read; nothing was written. Check for a proxy in between"))
	e.Status = status
	return e
}

func (r request) malformed(status int, err error) *Error {
	e := r.failed(KindMalformed, err)
	e.Status = status
	return e
}

// parseErrors reads {"errors":[{"code","title","detail"}]}. It leaves out what is missing, null
// or of another type, and joins several details.
func parseErrors(body []byte) (code int, title, detail string) {
	var envelope struct {
		Errors []struct {
			Code   json.RawMessage `json:"code"`
			Title  json.RawMessage `json:"title"`
			Detail json.RawMessage `json:"detail"`
		} `json:"errors"`
		Message json.RawMessage `json:"message"` // some newer services give only this
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return 0, "", ""
	}
	if len(envelope.Errors) == 0 {
		return 0, "", looseText(envelope.Message)
	}
	first := envelope.Errors[0]
	if n, err := strconv.Atoi(looseText(first.Code)); err == nil {
		code = n
	}
	var details []string
	for _, e := range envelope.Errors {
		if d := looseText(e.Detail); d != "" {
			details = append(details, d)
		}
	}
	return code, looseText(first.Title), strings.Join(details, "; ")
}

// looseText returns the text of a JSON string or number, "" for anything else.
func looseText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil {
		return number.String()
	}
	return ""
}

// looksLikeHTML checks only the body: proxies often send a wrong content type.
func looksLikeHTML(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n\ufeff"), []byte("<"))
}

// retryAfter reads both forms of the header: seconds and a date. It returns 0 for a date in the
// past and for what it cannot read.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(header, 10, 64); err == nil {
		// Compare before the multiplication: a huge number would overflow.
		if seconds > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(max(seconds, 0)) * time.Second
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
