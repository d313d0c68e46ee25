package explain

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"strings"
	"syscall"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
)

// ofKind are the codes of the kinds of errors that this project knows. A conflict is no AlreadyExists: that would
// read as done.
var ofKind = map[kinds.Kind]codes.Code{
	kinds.Invalid:         codes.InvalidArgument,
	kinds.Unauthenticated: codes.Unauthenticated,
	kinds.Forbidden:       codes.PermissionDenied,
	kinds.NotFound:        codes.NotFound,
	kinds.Conflict:        codes.FailedPrecondition,
	kinds.ReadOnly:        codes.FailedPrecondition,
	kinds.Refused:         codes.FailedPrecondition,
	kinds.RateLimited:     codes.Unavailable,
	kinds.Unavailable:     codes.Unavailable,
}

// explainers, from the most to the least specific. The end of a context is a net.Error too.
var explainers = []func(*SentenceError, error) bool{ofStore, ofTemporal, ofProject, ofContext, ofDatabase, ofStatus}

// explain finds the first explanation that fits, from the most to the least specific.
func explain(err error) *SentenceError {
	f := &SentenceError{code: codes.Unknown, sentence: tidy(err.Error()), cause: err}
	if inner, is := errors.AsType[*SentenceError](err); is {
		f.code, f.details = inner.code, inner.details
		return f
	}
	for _, e := range explainers {
		if e(f, err) {
			return f
		}
	}
	f.advise("look for the same words in the connector's log, which says more with --log-level debug")
	return f
}

// advise adds what to do next.
func (f *SentenceError) advise(what string) {
	f.sentence = strings.TrimRight(f.sentence, ". ") + "; " + what
}

// ofStore explains the errors of our own that mean that the database cannot serve.
func ofStore(f *SentenceError, err error) bool {
	f.code = codes.FailedPrecondition
	switch {
	case errors.Is(err, store.ErrNotReady), errors.Is(err, store.ErrNewerSchema): // they say what to do
	case errors.Is(err, store.ErrNoSnapshot):
		f.advise("run `starter sync --wait` first")
	case errors.Is(err, store.ErrBrokenLedger):
		f.advise("run `starter ledger verify`, which says where")
	default:
		f.code = codes.Unknown
		return false
	}
	return true
}

// ofTemporal explains the failures of workflows and updates, and those of the service itself.
func ofTemporal(f *SentenceError, err error) bool {
	if app, is := errors.AsType[*temporal.ApplicationError](err); is {
		f.code = codes.FailedPrecondition
		if code, known := ofKind[kinds.Kind(app.Type())]; known {
			f.code = code
		}
		f.sentence = tidy(app.Message())
		return true
	}
	ended := temporalclient.Cause("request", err)
	if ended != err { //nolint:errorlint,err113 // Cause returns what it does not know as it is
		f.code, f.sentence = codes.FailedPrecondition, tidy(ended.Error())
		return true
	}
	if _, away := errors.AsType[*temporalclient.UnreachableError](err); away { // it says what to do
		f.code = codes.Unavailable
		return true
	}
	// It says what to do, too. It has waited for a worker already, so that a retry of the SDK's would not help.
	if _, none := errors.AsType[*temporalclient.NoWorkerError](err); none {
		f.code = codes.Aborted
		return true
	}
	if _, is := errors.AsType[serviceerror.ServiceError](err); !is {
		return false
	}
	f.code = serviceerror.ToStatus(err).Code()
	switch f.code {
	case codes.Unavailable, codes.DeadlineExceeded:
		if !strings.Contains(f.sentence, "TEMPORAL_ADDRESS") {
			f.advise("check that Temporal runs, and that TEMPORAL_ADDRESS is its address")
		}
	case codes.PermissionDenied, codes.Unauthenticated:
		f.advise("check TEMPORAL_API_KEY and TEMPORAL_TLS_…: Temporal does not let the connector in")
	case codes.NotFound:
		f.code = codes.FailedPrecondition
	default:
	}
	return true
}

// ofProject explains errors with a kind: those of the console, and those of activities that run here.
func ofProject(f *SentenceError, err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false // the kind is that of an activity
	}
	code, known := ofKind[fault.KindOf(err)]
	if known {
		f.code = code
	}
	return known
}

// sqlState is what errors of PostgreSQL's driver have.
type sqlState interface{ SQLState() string }

// ofDatabase explains that the database does not answer.
func ofDatabase(f *SentenceError, err error) bool {
	if refused, is := errors.AsType[interface {
		error
		sqlState
	}](err); is {
		f.code = codes.Internal
		switch state := refused.SQLState(); {
		case strings.HasPrefix(state, "28"), strings.HasPrefix(state, "42501"):
			f.code = codes.FailedPrecondition
			f.advise("check the user and the password of --database-url, and what that user may read")
		case strings.HasPrefix(state, "08"), strings.HasPrefix(state, "53"), strings.HasPrefix(state, "57"):
			f.code = codes.Unavailable
			f.advise("check that the database runs, and try again")
		default:
			f.advise("this is a fault of the connector: report it with the connector's log")
		}
		return true
	}
	if isNetwork(err) || errors.Is(err, driver.ErrBadConn) {
		f.code = codes.Unavailable
		f.advise("check that the database runs, and that --database-url is its address")
		return true
	}
	return false
}

// isNetwork reports whether an error is one of a connection. An error of a file is a net.Error too, by its number
// alone.
func isNetwork(err error) bool {
	found, is := errors.AsType[net.Error](err)
	_, number := found.(syscall.Errno)
	return is && !number
}

// ofContext explains that time ran out, or that the task was stopped.
func ofContext(f *SentenceError, err error) bool {
	switch {
	case errors.Is(err, context.Canceled):
		f.code = codes.Canceled
		f.advise("the task was stopped, or the connector: start the task again")
	case errors.Is(err, context.DeadlineExceeded):
		f.code = codes.DeadlineExceeded
		f.advise("this took longer than it may: try again, and see what is slow in the worker's log")
	default:
		return false
	}
	return true
}

// ofStatus keeps the code that the error has already.
func ofStatus(f *SentenceError, err error) bool {
	s, is := status.FromError(err)
	if is && s.Code() != codes.Unknown && s.Code() != codes.OK {
		f.code = s.Code()
		return true
	}
	return false
}
