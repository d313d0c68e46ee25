package e2e

import (
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"
)

// runID gives each run in the test environment an id of its own. There all runs have the
// same id and no original one; a server never repeats them.
type runID struct {
	interceptor.WorkerInterceptorBase

	id string
}

func (r *runID) InterceptWorkflow(
	_ workflow.Context, next interceptor.WorkflowInboundInterceptor,
) interceptor.WorkflowInboundInterceptor {
	base := interceptor.WorkflowInboundInterceptorBase{Next: next}
	return &runIDInbound{WorkflowInboundInterceptorBase: base, id: r.id}
}

type runIDInbound struct {
	interceptor.WorkflowInboundInterceptorBase

	id string
}

func (i *runIDInbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&runIDOutbound{
		WorkflowOutboundInterceptorBase: interceptor.WorkflowOutboundInterceptorBase{Next: next}, id: i.id,
	})
}

type runIDOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase

	id string
}

func (o *runIDOutbound) GetInfo(ctx workflow.Context) *workflow.Info {
	info := *o.Next.GetInfo(ctx)
	info.OriginalRunID = o.id
	return &info
}
