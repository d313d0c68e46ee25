package console

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sentinelone-provisioner/internal/describe"
)

// ErrReadOnly is the cause when a request that would change the console was not sent.
var ErrReadOnly = errors.New("the client is read-only and sends nothing that changes the console; " +
	"turn the read-only setting off to allow it")

// Kind is the stage at which a request failed.
type Kind string

// The kinds of failure.
const (
	// KindNotSent: the request is invalid, or there is no token.
	KindNotSent Kind = "notSent"
	// KindNoAnswer: no complete response arrived: no connection, a time-out, a cancelled
	// context.
	KindNoAnswer Kind = "noAnswer"
	// KindStatus: the console, or a proxy in front of it, responded with an error status.
	KindStatus Kind = "status"
	// KindMalformed: the status means success, but a console cannot have sent the response:
	// cut short, no data, a web page, a row that is too large.
	KindMalformed Kind = "malformed"
	// KindTooLarge: the page holds more than one page may, see [PageTooLargeError].
	KindTooLarge Kind = "tooLarge"
	// KindRedirected: a redirect was not followed, because it would send the token to another
	// host, or turn a write into a read.
	KindRedirected Kind = "redirected"
)

// Error is a failed call. No field holds the token, a cursor or an e-mail address; they are
// removed from the console's own texts.
type Error struct {
	Kind   Kind
	Status int    // HTTP status; 0 when there was no response
	Code   int    // the console's own code, such as 4010010; 0 when there is none
	Title  string // the console's short text
	Detail string // the console's long text, often empty
	HTML   bool   // the body was a web page: a proxy sent it, or a server that is not a console
	Method string // HTTP method
	Path   string // relative to the API, without host and query: /users
	// RetryAfter is the wait that the response asks for, at most one hour; 0 when it has
	// none. Whether consoles send it with 429 is not verified.
	RetryAfter time.Duration
	Err        error // the cause, without secrets; nil when the status is the whole cause
}

// Error returns one sentence: the call, what happened, what to do.
func (e *Error) Error() string {
	call := e.Method + " " + e.Path + ": "
	switch e.kind() {
	case KindNotSent:
		return call + "not sent: " + e.cause()
	case KindNoAnswer:
		return call + "no response from the console: " + e.cause()
	case KindMalformed:
		return fmt.Sprintf("%sinvalid response (%d), which no SentinelOne console sends: %s",
			call, e.Status, e.cause())
	case KindRedirected, KindTooLarge:
		return fmt.Sprintf("%s%d: %s", call, e.Status, e.cause())
	case KindStatus:
	}
	return call + e.statusText()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same request may succeed later without a repair: 408, 425,
// 429, 5xx except 501, no response, or an invalid response. A cancelled context counts too;
// check the context first.
func (e *Error) Temporary() bool {
	switch e.kind() {
	case KindNoAnswer, KindMalformed:
		return true
	case KindNotSent, KindRedirected, KindTooLarge:
		return false
	case KindStatus:
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented:
		return false
	}
	return e.Status >= http.StatusInternalServerError
}

// kind derives the Kind of an Error that was built from its status alone.
func (e *Error) kind() Kind {
	switch {
	case e.Kind != "":
		return e.Kind
	case e.Status == 0:
		return KindNoAnswer
	}
	return KindStatus
}

func (e *Error) cause() string {
	if e.Err == nil {
		return "unknown cause"
	}
	return e.Err.Error()
}

// statusText is "403 Insufficient permissions (4030010), detail: hint".
func (e *Error) statusText() string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(e.Status))
	title := e.Title
	if title == "" {
		title = http.StatusText(e.Status)
	}
	if title != "" {
		b.WriteString(" " + describe.Text(title))
	}
	if e.Code != 0 {
		fmt.Fprintf(&b, " (%d)", e.Code)
	}
	if e.Detail != "" {
		b.WriteString(", " + strings.TrimSuffix(describe.Text(e.Detail), "."))
	}
	if hint := e.hint(); hint != "" {
		b.WriteString(": " + hint)
	}
	if e.Err != nil {
		b.WriteString("; " + e.Err.Error())
	}
	return b.String()
}

// hint is what to do about a status, or "".
func (e *Error) hint() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "the API token is wrong, expired or revoked (the console does not say which); " +
			"create a new one in the console and configure it"
	case e.Status == http.StatusForbidden && e.HTML:
		return "the response is a web page and not from the API; a proxy or an address filter may block this machine"
	case e.Status == http.StatusForbidden:
		return e.forbiddenHint()
	case e.Status == http.StatusNotFound && e.HTML:
		return "the response is a web page and not from the API; is this a SentinelOne console? check the base URL"
	case e.Status == http.StatusTooManyRequests && e.RetryAfter > 0:
		return "too many requests for this token; the console asks to wait " + e.RetryAfter.String()
	case e.Status == http.StatusTooManyRequests:
		return "too many requests for this token; wait and try again"
	case e.Temporary():
		return "the console or a proxy in front of it has a problem; try again later"
	}
	return ""
}
