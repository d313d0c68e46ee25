package telemetry

import (
	"context"
	"slices"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

// RequestField is the field of a log line that has the workflow id of the request it is about.
const RequestField = "request"

// NewLogFields returns an interceptor that adds [RequestField] to the log lines of workflows and activities: of a
// request's own, and of those of a principal's writer that carry out a change for a request. It changes no command.
func NewLogFields() interceptor.WorkerInterceptor { return &logFields{} }

type logFields struct {
	interceptor.WorkerInterceptorBase
}

// requestOf is the request that a workflow carries out; "" for none.
func requestOf(workflowType, workflowID string) string {
	if slices.Contains(wire.RequestTypes(), workflowType) {
		return workflowID
	}
	return ""
}

func withRequest(l log.Logger, request string) log.Logger {
	if request == "" {
		return l
	}
	return log.With(l, RequestField, request)
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (*logFields) InterceptActivity(
	_ context.Context, next interceptor.ActivityInboundInterceptor,
) interceptor.ActivityInboundInterceptor {
	a := &activityFields{}
	a.Next = next
	return a
}

type activityFields struct {
	interceptor.ActivityInboundInterceptorBase
}

// Init implements interceptor.ActivityInboundInterceptor.
func (a *activityFields) Init(outbound interceptor.ActivityOutboundInterceptor) error {
	o := &activityLogger{}
	o.Next = outbound
	return a.Next.Init(o)
}

// requestKey is the key of the request that the input of an activity names.
type requestKey struct{}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (a *activityFields) ExecuteActivity(
	ctx context.Context, in *interceptor.ExecuteActivityInput,
) (any, error) {
	request := ""
	for _, arg := range in.Args {
		if about, is := arg.(interface{ RequestID() string }); is {
			request = about.RequestID()
		}
	}
	if request != "" {
		ctx = context.WithValue(ctx, requestKey{}, request)
	}
	return a.Next.ExecuteActivity(ctx, in)
}

type activityLogger struct {
	interceptor.ActivityOutboundInterceptorBase
}

// GetLogger implements interceptor.ActivityOutboundInterceptor.
func (o *activityLogger) GetLogger(ctx context.Context) log.Logger {
	request, _ := ctx.Value(requestKey{}).(string)
	if request == "" {
		info := o.Next.GetInfo(ctx)
		if info.WorkflowType != nil { // nil of an activity without a workflow
			request = requestOf(info.WorkflowType.Name, info.WorkflowExecution.ID)
		}
	}
	return withRequest(o.Next.GetLogger(ctx), request)
}

// InterceptWorkflow implements interceptor.WorkerInterceptor.
func (*logFields) InterceptWorkflow(
	_ workflow.Context, next interceptor.WorkflowInboundInterceptor,
) interceptor.WorkflowInboundInterceptor {
	w := &workflowFields{}
	w.Next = next
	return w
}

type workflowFields struct {
	interceptor.WorkflowInboundInterceptorBase
}

// Init implements interceptor.WorkflowInboundInterceptor.
func (w *workflowFields) Init(outbound interceptor.WorkflowOutboundInterceptor) error {
	o := &workflowLogger{}
	o.Next = outbound
	return w.Next.Init(o)
}

type workflowLogger struct {
	interceptor.WorkflowOutboundInterceptorBase
}

// GetLogger implements interceptor.WorkflowOutboundInterceptor.
func (o *workflowLogger) GetLogger(ctx workflow.Context) log.Logger {
	info := o.Next.GetInfo(ctx)
	return withRequest(o.Next.GetLogger(ctx), requestOf(info.WorkflowType.Name, info.WorkflowExecution.ID))
}
