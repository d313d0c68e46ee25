// Package kinds holds the error types that activities fail with. It imports the
// standard library only, so that workflows and clients can match on a kind
// without linking the console's client or the store; package fault maps
// errors to Temporal failures.
//
// The kinds are error types on the wire: people match on them in scripts, so
// their names never change.
package kinds

import (
	"errors"
	"time"
)

// Kind is the type of an application error, as histories record it.
type Kind string

// The kinds. Unavailable and RateLimited are retried; all others are final: a
// retry fails the same way until a person changes something.
const (
	Invalid         Kind = "Invalid"         // the request itself is wrong
	Unauthenticated Kind = "Unauthenticated" // 401: token wrong, expired or revoked
	Forbidden       Kind = "Forbidden"       // 403: the token's role lacks a permission
	NotFound        Kind = "NotFound"        // 404
	Conflict        Kind = "Conflict"        // 409
	ReadOnly        Kind = "ReadOnly"        // SENTINELONE_READ_ONLY blocks writes
	Refused         Kind = "Refused"         // a rule of this project rejects it
	RateLimited     Kind = "RateLimited"     // 429, with Retry-After where given
	Unavailable     Kind = "Unavailable"     // 5xx, no answer, or an unreadable answer
)

// Final reports whether a retry cannot succeed. An unknown kind is not final.
func (k Kind) Final() bool {
	switch k {
	case Invalid, Unauthenticated, Forbidden, NotFound, Conflict, ReadOnly, Refused:
		return true
	case RateLimited, Unavailable:
	}
	return false
}

// Known reports whether it is one of the kinds above. An error of another type is not ours: Temporal made it, or
// somebody else.
func (k Kind) Known() bool { return k.Final() || k == RateLimited || k == Unavailable }

// Error is an error of a known kind, for code that knows the kind itself.
type Error struct {
	Kind Kind
	Err  error
}

// New gives err a kind. Its message stays that of err.
func New(kind Kind, err error) error { return &Error{Kind: kind, Err: err} }

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error that was given a kind.
func (e *Error) Unwrap() error { return e.Err }

// Of returns the kind that [New] gave to err or to any error it wraps, or "" if
// none did. Errors of the console and the store have kinds too, which only
// fault.KindOf knows.
func Of(err error) Kind {
	if known, ok := errors.AsType[*Error](err); ok {
		return known.Kind
	}
	return ""
}

// delayedError carries the retry delay that the failing code chose.
type delayedError struct {
	error

	delay time.Duration
}

func (e *delayedError) Unwrap() error { return e.error }

// RetryIn makes the next attempt start after delay instead of after the retry
// policy's backoff: for attempts that made progress before they failed. A
// longer Retry-After of the console wins.
func RetryIn(err error, delay time.Duration) error { return &delayedError{error: err, delay: delay} }

// RetryDelay returns the delay that [RetryIn] gave to err or to any error it
// wraps; 0 leaves the delay to the retry policy.
func RetryDelay(err error) time.Duration {
	if chosen, ok := errors.AsType[*delayedError](err); ok {
		return chosen.delay
	}
	return 0
}
