package console

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrReadOnly is why a request that would change the console was not sent.
var ErrReadOnly = errors.New("the client is read-only: nothing that changes the console is sent; " +
	"turn the read-only setting off to allow it")

// Kind says how far a request came.
type Kind string

// The kinds of failure.
const (
	// KindNotSent: the request makes no sense, or there is no token to send it with.
	KindNotSent Kind = "notSent"
	// KindNoAnswer: no whole answer came: no connection, a time-out, a cancelled
	// context.
	KindNoAnswer Kind = "noAnswer"
	// KindStatus: the console, or a proxy before it, answered with an error status.
	KindStatus Kind = "status"
	// KindMalformed: the answer says success but is not one a console gives: cut
	// short, no data, a web page, too large.
	KindMalformed Kind = "malformed"
	// KindRedirected: the answer points to another host, which is not followed
	// because the token would go there; or it would turn a write into a read.
	KindRedirected Kind = "redirected"
)

// Error is a call that failed. No field holds the token, a cursor or an e-mail
// address; the console's own texts are cleaned of them.
type Error struct {
	Kind   Kind
	Status int    // HTTP status; 0 when there was no answer
	Code   int    // the console's own code, such as 4010010; 0 when it gave none
	Title  string // the console's short text
	Detail string // the console's long text, often empty
	HTML   bool   // the body was a web page: it came from a proxy, or from no console at all
	Method string // HTTP method
	Path   string // relative to the API, without host and query: /users
	// RetryAfter is how long the answer asks to wait, at most one hour; 0 when it
	// does not say. Whether consoles send it with 429 is not verified.
	RetryAfter time.Duration
	Err        error // the cause, cleaned; nil when the status says it all
}

// Error is one sentence: the call, what happened, what to do.
func (e *Error) Error() string {
	call := e.Method + " " + e.Path + ": "
	switch e.kind() {
	case KindNotSent:
		return call + "not sent: " + e.cause()
	case KindNoAnswer:
		return call + "no answer from the console: " + e.cause()
	case KindMalformed:
		return fmt.Sprintf("%sthe answer (%d) is not one that a SentinelOne console gives: %s",
			call, e.Status, e.cause())
	case KindRedirected:
		return fmt.Sprintf("%s%d: %s", call, e.Status, e.cause())
	case KindStatus:
	}
	return call + e.statusText()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary says that the same request may succeed later without anyone doing
// something about it: 408, 425, 429, 5xx except 501, no answer, or an answer that
// no console gives. A cancelled context counts too; ask the context first.
func (e *Error) Temporary() bool {
	switch e.kind() {
	case KindNoAnswer, KindMalformed:
		return true
	case KindNotSent, KindRedirected:
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

// kind makes an Error useful that somebody built from its status alone.
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
		return "no reason is known"
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
		b.WriteString(" " + title)
	}
	if e.Code != 0 {
		fmt.Fprintf(&b, " (%d)", e.Code)
	}
	if e.Detail != "" {
		b.WriteString(", " + strings.TrimSuffix(e.Detail, "."))
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
			"make a new one in the console and put it in place"
	case e.Status == http.StatusForbidden && e.HTML:
		return "a web page came in place of the API's answer; a proxy or an address filter may refuse this machine"
	case e.Status == http.StatusForbidden:
		return e.forbiddenHint()
	case e.Status == http.StatusNotFound && e.HTML:
		return "a web page came in place of the API's answer; is this a SentinelOne console? check the base URL"
	case e.Status == http.StatusTooManyRequests && e.RetryAfter > 0:
		return "too many requests for this token; the console asks to wait " + e.RetryAfter.String()
	case e.Status == http.StatusTooManyRequests:
		return "too many requests for this token; wait and try again"
	case e.Temporary():
		return "the console or a proxy before it has a problem; try again later"
	}
	return ""
}
