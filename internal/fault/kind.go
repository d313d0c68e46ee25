package fault

import (
	"context"
	"errors"
	"net/http"
	"time"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// KindOf returns the kind of err: the one given by [kinds.New] first, then that
// of an error of the store, then that of a console's answer, each found anywhere
// in the chain. It returns "" for an error of no known kind.
func KindOf(err error) kinds.Kind {
	if kind := kinds.Of(err); kind != "" {
		return kind
	}
	if kind := kindOfSentinel(err); kind != "" {
		return kind
	}
	if answer, ok := errors.AsType[*console.Error](err); ok {
		return kindOfAnswer(answer)
	}
	return ""
}

func kindOfSentinel(err error) kinds.Kind {
	switch {
	case errors.Is(err, console.ErrReadOnly):
		return kinds.ReadOnly
	case errors.Is(err, store.ErrDecided):
		return kinds.Conflict
	case errors.Is(err, store.ErrNoSnapshot), errors.Is(err, store.ErrNoEntry):
		return kinds.NotFound
	case errors.Is(err, ledger.ErrBadEntry), errors.Is(err, ledger.ErrOtherAnswer):
		return kinds.Invalid
	case errors.Is(err, store.ErrStale), errors.Is(err, context.DeadlineExceeded):
		return kinds.Unavailable
	}
	return ""
}

func kindOfAnswer(e *console.Error) kinds.Kind {
	switch {
	case e.Status == http.StatusTooManyRequests:
		return kinds.RateLimited
	case e.Temporary():
		return kinds.Unavailable
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return kinds.Unauthenticated
	case http.StatusForbidden:
		return kinds.Forbidden
	case http.StatusNotFound:
		return kinds.NotFound
	case http.StatusConflict:
		return kinds.Conflict
	}
	return kinds.Invalid
}

// Delay returns how long to wait before the next attempt: the longer of what
// [kinds.RetryIn] asked for and the console's Retry-After. 0 leaves it to the
// retry policy.
func Delay(err error) time.Duration {
	delay := kinds.RetryDelay(err)
	if answer, ok := errors.AsType[*console.Error](err); ok {
		delay = max(delay, answer.RetryAfter)
	}
	return delay
}
