package fault

import (
	"context"
	"errors"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault/kinds"
)

// Details are attached to every failure that a console call caused.
type Details struct {
	Method string `json:"method"`           // of HTTP
	Path   string `json:"path"`             // without the console's address
	Status int    `json:"status,omitempty"` // of HTTP; 0 if the console did not answer
	Code   int    `json:"code,omitempty"`   // the console's own error code; 0 if it gave none
}

// NewInterceptor translates the errors that activities return. List it last
// among a worker's interceptors: it is then the innermost, and all others see
// the translated error.
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

// Translate turns err into a [temporal.ApplicationError] with the type, the retry
// delay and the call ([Details]) that its chain gives. It returns unchanged: nil,
// cancellation, a pending result, Temporal's own errors, and an error without a
// kind and without a delay, which Temporal retries.
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
		kind = kinds.Unavailable
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
