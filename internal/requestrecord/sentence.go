package requestrecord

import (
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// Sentence says who requested what, when, and the state, as in "requested by
// bob@example.com on 2026-03-10 12:00 UTC: grant …; the state is granted".
func (r Record) Sentence() string {
	text := "requested by " + describe.Person(r.Requester())
	if at := r.RequestedAt(); !at.IsZero() {
		text += " on " + describe.Minute(at)
	}
	if r.Plan != nil && r.Plan.Principal.ID != "" {
		text += ": " + describe.Plan(*r.Plan)
	}
	text += "; the state is " + r.State()
	if at := r.EndsAt(); at != nil && r.State() == wire.StateActive {
		text += " until " + describe.Second(*at)
	}
	return text
}

// StateText is the state with its outcome, or with the time at which access starts or
// ends.
func (r Record) StateText() string {
	switch {
	case r.Receipt != nil:
		return describe.Result(r.Receipt.State, r.Receipt.Outcome)
	case r.Status != nil:
		return describe.State(r.State(), r.Status.StartsAt, r.Status.EndsAt)
	}
	return r.State()
}

// NotFoundError says that no source knows a request.
type NotFoundError struct {
	ID string // as the caller named it
	// Incomplete joins why sources did not answer; nil if all did.
	Incomplete error
}

func (e *NotFoundError) Error() string {
	if e.Incomplete == nil {
		return fmt.Sprintf("there is no request %q", e.ID)
	}
	return fmt.Sprintf("no request %q was found, but not every source answered: %v", e.ID, e.Incomplete)
}

func (e *NotFoundError) Unwrap() error { return e.Incomplete }

// NotFound returns the error of a record that is not [Record.Known]; id is what the person
// typed.
func (r Record) NotFound(id string) *NotFoundError {
	e := &NotFoundError{ID: id}
	switch {
	case r.TemporalErr == nil:
		e.Incomplete = r.LedgerErr
	case r.LedgerErr == nil:
		e.Incomplete = r.TemporalErr
	default:
		e.Incomplete = fmt.Errorf("%w; %w", r.TemporalErr, r.LedgerErr)
	}
	return e
}

// EndedError says that a request takes no further updates.
type EndedError struct{ Record Record }

func (e *EndedError) Error() string {
	return fmt.Sprintf("%s has already ended (%s)", e.Record.ID, e.Record.Sentence())
}

// Retryable reports whether a request that ended in state may be started again under its
// id: it was denied, refused, timed out or failed. One that was applied or cancelled may
// not.
func Retryable(state string) bool {
	switch state {
	case wire.StateGranted, wire.StateExpired, wire.StateEnded, wire.StateRevoked, wire.StateCancelled:
		return false
	}
	return true
}

var errWouldBeRefused = errors.New("it would be refused")

// Err is nil unless the request ended otherwise than it was requested: it failed, or was
// denied, refused, cancelled or not decided in time; or a dry run says that it would be
// refused.
func (o Observation) Err() error {
	switch {
	case o.Failure != nil:
		return o.Failure
	case o.Result == nil:
		return nil
	}
	switch o.Result.State {
	case wire.StateDenied: // the message names the state and the approver
		return errors.New(o.Result.Message)
	case wire.StateRefused, wire.StateCancelled, wire.StateTimedOut:
		return errors.New(o.Result.State + ": " + o.Result.Message)
	case wire.StatePlanned:
		if o.Result.Message != "" {
			return fmt.Errorf("%w: %s", errWouldBeRefused, o.Result.Message)
		}
	}
	return nil
}
