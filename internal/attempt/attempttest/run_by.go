package attempttest

import (
	"context"
	"encoding/json"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"
)

// RunBy says which workflow runs the activity.
func RunBy(id, run string) interceptor.WorkerInterceptor {
	return &runBy{by: workflow.Execution{ID: id, RunID: run}}
}

// runBy tells activities which workflow runs them: that of the request that the input names, if
// none is given.
type runBy struct {
	interceptor.WorkerInterceptorBase

	by workflow.Execution
}

func (r *runBy) InterceptActivity(
	_ context.Context, next interceptor.ActivityInboundInterceptor,
) interceptor.ActivityInboundInterceptor {
	in := &runByInbound{by: r.by}
	in.Next = next
	return in
}

type runByInbound struct {
	interceptor.ActivityInboundInterceptorBase

	by workflow.Execution
}

func (i *runByInbound) Init(out interceptor.ActivityOutboundInterceptor) error {
	o := &runByOutbound{}
	o.Next = out
	return i.Next.Init(o)
}

type runByKey struct{}

func (i *runByInbound) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	by := i.by
	if by.ID == "" && len(in.Args) > 0 {
		var named struct {
			Request struct {
				ID  string `json:"id"`
				Run string `json:"run"`
			} `json:"request"`
		}
		// An input without such a request runs in the environment's own workflow.
		if text, err := json.Marshal(in.Args[0]); err == nil && json.Unmarshal(text, &named) == nil {
			by.ID, by.RunID = named.Request.ID, named.Request.Run
		}
	}
	if by.ID != "" {
		ctx = context.WithValue(ctx, runByKey{}, by)
	}
	return i.Next.ExecuteActivity(ctx, in)
}

type runByOutbound struct {
	interceptor.ActivityOutboundInterceptorBase
}

func (o *runByOutbound) GetInfo(ctx context.Context) activity.Info {
	info := o.Next.GetInfo(ctx)
	if by, set := ctx.Value(runByKey{}).(workflow.Execution); set {
		info.WorkflowExecution = by
	}
	return info
}
