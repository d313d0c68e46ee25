package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// reply is what came of sending a change to its writer.
type reply struct {
	answer wire.ChangeAnswer
	from   replier
	err    error // nil for an answer of the writer
}

// replier is whom a reply is from.
type replier int

const (
	nobodyYet    replier = iota // the writer has taken the change, and works on it
	unreached                   // the writer was not reached
	notTaken                    // the writer was reached, and has not taken the change
	thatWriter                  // the writer has answered, or failed with an error of its own
	somebodyElse                // Temporal has made the answer, or a workflow in the writer's place has
)

// replyOf tells an error of the writer's own from one that Temporal or another workflow made, and both from
// not reaching it. Only the first can end a request; all others are waited out.
func replyOf(ctx context.Context, err error) reply {
	if ctx.Err() != nil {
		return reply{from: unreached, err: err}
	}
	said, answered := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case answered && kinds.Kind(said.Type()).Final() && said.NonRetryable():
		return reply{from: thatWriter, err: said}
	case answered && kinds.Kind(said.Type()).Known():
		return reply{from: thatWriter, err: waitOut(time.Second, errors.New(said.Message()))}
	case !isOfService(err):
		return reply{from: somebodyElse, err: err}
	}
	pause := time.Second
	if _, full := errors.AsType[*serviceerror.ResourceExhausted](err); full {
		pause = 3 * time.Second
	}
	return reply{from: unreached, err: waitOut(pause, fmt.Errorf("no answer from the principal's writer yet: "+
		"retrying: %w", err))}
}

func waitOut(pause time.Duration, err error) error {
	return kinds.RetryIn(kinds.New(kinds.Unavailable, err), pause)
}

// isOfService says that a call to Temporal has failed. All other errors are outcomes of an update, which Temporal
// keeps.
func isOfService(err error) bool {
	var failed interface{ Status() *status.Status }
	return errors.As(err, &failed) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
