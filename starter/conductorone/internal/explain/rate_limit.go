package explain

import (
	"errors"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
)

// defaultWait is how long to wait where the console does not say: it may leave out Retry-After.
const defaultWait = time.Minute

// rateLimit is the annotation by which the SDK knows how long to wait before it tries again: nil unless the console
// limits requests.
func rateLimit(err error) *v2.RateLimitDescription {
	wait, limited := limitOf(err)
	if !limited {
		return nil
	}
	if wait <= 0 {
		wait = defaultWait
	}
	return v2.RateLimitDescription_builder{
		Status:  v2.RateLimitDescription_STATUS_OVERLIMIT,
		ResetAt: timestamppb.New(time.Now().Add(wait)),
	}.Build()
}

func limitOf(err error) (wait time.Duration, limited bool) {
	if app, is := errors.AsType[*temporal.ApplicationError](err); is {
		return app.NextRetryDelay(), app.Type() == string(kinds.RateLimited)
	}
	return fault.Delay(err), fault.KindOf(err) == kinds.RateLimited
}
