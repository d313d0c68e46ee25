package fault

import (
	"context"
	"errors"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/console"
)

// Details travel with every failure that came from a console call.
type Details struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Status int    `json:"status,omitempty"` // 0: no answer
	Code   int    `json:"code,omitempty"`   // the console's own
}

// NewInterceptor maps what activities return. List it last among a worker's
// interceptors, so that it is the innermost and all others see the mapped error.
func NewInterceptor() interceptor.WorkerInterceptor { return &workerInterceptor{} }

type workerInterceptor struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (*workerInterceptor) InterceptActivity(
	_ context.Context, next interceptor.ActivityInboundInterceptor,
) interceptor.ActivityInboundInterceptor {
	a := &activityInterceptor{}
	a.Next = next
	return a
}

type activityInterceptor struct {
	interceptor.ActivityInboundInterceptorBase
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (a *activityInterceptor) ExecuteActivity(
	ctx context.Context, in *interceptor.ExecuteActivityInput,
) (any, error) {
	out, err := a.Next.ExecuteActivity(ctx, in)
	return out, Translate(err)
}

// Translate turns err into the Temporal failure it means. Cancellation, a
// pending result and errors that are Temporal's already pass as they are; so does an
// error of no known kind, which is retried, unless it asks for a delay.
func Translate(err error) error {
	if err == nil || errors.Is(err, activity.ErrResultPending) || errors.Is(err, context.Canceled) {
		return err
	}
	var already *temporal.ApplicationError
	var canceled *temporal.CanceledError
	if errors.As(err, &canceled) || errors.As(err, &already) {
		return err
	}
	kind := KindOf(err)
	if kind == "" && Delay(err) == 0 {
		return err
	}
	if kind == "" {
		kind = Unavailable
	}
	options := temporal.ApplicationErrorOptions{
		NonRetryable:   kind.Final(),
		NextRetryDelay: Delay(err),
	}
	if answer, ok := errors.AsType[*console.Error](err); ok {
		options.Details = []any{Details{
			Method: answer.Method, Path: answer.Path, Status: answer.Status, Code: answer.Code,
		}}
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), string(kind), options)
}
