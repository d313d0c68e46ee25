package fault

import (
	"context"
	"errors"
	"net/http"
	"time"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/store"
)

// Kind is the type of an application error, as histories keep it.
type Kind string

// The kinds. The first six and ReadOnly, Refused are final: asking again gives
// the same answer until a person changes something. The others are waited out.
const (
	Invalid         Kind = "Invalid"         // the request itself is wrong
	Unauthenticated Kind = "Unauthenticated" // 401: token wrong, expired or revoked
	Forbidden       Kind = "Forbidden"       // 403: the token's role lacks a permission
	NotFound        Kind = "NotFound"        // 404
	Conflict        Kind = "Conflict"        // 409
	ReadOnly        Kind = "ReadOnly"        // SENTINELONE_READ_ONLY holds writes back
	Refused         Kind = "Refused"         // our own rules say no
	RateLimited     Kind = "RateLimited"     // 429, with Retry-After where given
	Unavailable     Kind = "Unavailable"     // 5xx, no answer, an answer nobody can read
)

// Final says whether trying again is pointless.
func (k Kind) Final() bool {
	switch k {
	case Invalid, Unauthenticated, Forbidden, NotFound, Conflict, ReadOnly, Refused:
		return true
	case RateLimited, Unavailable:
	}
	return false
}

// Error is an error of a known kind, for code that knows the kind itself.
type Error struct {
	Kind Kind
	Err  error
}

// New gives err a kind.
func New(kind Kind, err error) error { return &Error{Kind: kind, Err: err} }

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap implements errors.Unwrap.
func (e *Error) Unwrap() error { return e.Err }

// delayedError carries a delay chosen by the code that failed.
type delayedError struct {
	error

	delay time.Duration
}

func (e *delayedError) Unwrap() error { return e.error }

// RetryIn asks that the next attempt start after delay rather than after the
// policy's growing pause: for attempts that made progress before they failed.
// A console's Retry-After still wins if it is longer.
func RetryIn(err error, delay time.Duration) error { return &delayedError{error: err, delay: delay} }

// KindOf finds the kind of err anywhere in its chain; "" when nothing says.
func KindOf(err error) Kind {
	if known, ok := errors.AsType[*Error](err); ok {
		return known.Kind
	}
	if kind := kindOfSentinel(err); kind != "" {
		return kind
	}
	if answer, ok := errors.AsType[*console.Error](err); ok {
		return kindOfAnswer(answer)
	}
	return ""
}

func kindOfSentinel(err error) Kind {
	switch {
	case errors.Is(err, console.ErrReadOnly):
		return ReadOnly
	case errors.Is(err, store.ErrDecided):
		return Conflict
	case errors.Is(err, store.ErrNoSnapshot), errors.Is(err, store.ErrNoEntry):
		return NotFound
	case errors.Is(err, store.ErrBadEntry):
		return Invalid
	case errors.Is(err, store.ErrStale), errors.Is(err, context.DeadlineExceeded):
		return Unavailable
	}
	return ""
}

func kindOfAnswer(e *console.Error) Kind {
	switch {
	case e.Status == http.StatusTooManyRequests:
		return RateLimited
	case e.Temporary():
		return Unavailable
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return Unauthenticated
	case http.StatusForbidden:
		return Forbidden
	case http.StatusNotFound:
		return NotFound
	case http.StatusConflict:
		return Conflict
	}
	return Invalid
}

// Delay is how long to wait before the next attempt; 0 leaves it to the policy.
func Delay(err error) time.Duration {
	var delay time.Duration
	if chosen, ok := errors.AsType[*delayedError](err); ok {
		delay = chosen.delay
	}
	if answer, ok := errors.AsType[*console.Error](err); ok {
		delay = max(delay, answer.RetryAfter)
	}
	return delay
}
