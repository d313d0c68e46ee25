package codec

import (
	"context"
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
)

// UndecodableError says that a payload cannot be decrypted with the keys that this process has. It
// says nothing about the payload: with its key, it can.
type UndecodableError struct {
	KeyID string // as the payload says
	Err   error
}

// Error implements error.
func (e *UndecodableError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UndecodableError) Unwrap() error { return e.Err }

// Undecodable is a payload that a worker cannot decrypt, and what waits for its key.
type Undecodable struct {
	WorkflowID, RunID, WorkflowType string
	Activity                        string // "" for the workflow itself
	Err                             *UndecodableError
}

// Blocking returns the data converter of a worker. In a workflow, a payload that cannot be decrypted
// fails the workflow task, which Temporal retries, and not the workflow, which would end for good,
// with the access that it gave. report hears of each, and of those of activities, whose attempt
// fails and is retried as after any other error; it must be safe for concurrent use.
func Blocking(inner converter.DataConverter, report func(Undecodable)) converter.DataConverter {
	return &blocking{DataConverter: inner, report: report}
}

type blocking struct {
	converter.DataConverter

	report func(Undecodable)
}

// WithWorkflowContext implements converter.ContextAware.
func (b *blocking) WithWorkflowContext(ctx converter.WorkflowContext) converter.DataConverter {
	return &ofWorkflow{b, ctx}
}

// WithContext implements converter.ContextAware.
func (b *blocking) WithContext(ctx context.Context) converter.DataConverter {
	if !activity.IsActivity(ctx) {
		return b
	}
	return &ofActivity{b, ctx}
}

// ofWorkflow decodes what workflow code reads.
type ofWorkflow struct {
	*blocking

	ctx workflow.Context
}

// FromPayload implements converter.DataConverter.
func (w *ofWorkflow) FromPayload(payload *commonpb.Payload, valuePtr any) error {
	return w.check(w.DataConverter.FromPayload(payload, valuePtr))
}

// FromPayloads implements converter.DataConverter.
func (w *ofWorkflow) FromPayloads(payloads *commonpb.Payloads, valuePtrs ...any) error {
	return w.check(w.DataConverter.FromPayloads(payloads, valuePtrs...))
}

func (w *ofWorkflow) check(err error) error {
	missing, is := errors.AsType[*UndecodableError](err)
	if !is {
		return err
	}
	info := workflow.GetInfo(w.ctx)
	w.report(Undecodable{
		WorkflowID: info.WorkflowExecution.ID, RunID: info.WorkflowExecution.RunID,
		WorkflowType: info.WorkflowType.Name, Err: missing,
	})
	// The SDK recovers it, and fails the workflow task.
	panic(fmt.Errorf( //nolint:forbidigo // see above
		"this workflow waits for the key of a payload, and goes on once a worker has it: %w", err))
}

// ofActivity decodes what activities get and ask for.
type ofActivity struct {
	*blocking

	ctx context.Context //nolint:containedctx // a converter is made for each context
}

// FromPayload implements converter.DataConverter.
func (a *ofActivity) FromPayload(payload *commonpb.Payload, valuePtr any) error {
	return a.check(a.DataConverter.FromPayload(payload, valuePtr))
}

// FromPayloads implements converter.DataConverter.
func (a *ofActivity) FromPayloads(payloads *commonpb.Payloads, valuePtrs ...any) error {
	return a.check(a.DataConverter.FromPayloads(payloads, valuePtrs...))
}

func (a *ofActivity) check(err error) error {
	if missing, is := errors.AsType[*UndecodableError](err); is {
		info := activity.GetInfo(a.ctx)
		u := Undecodable{Activity: info.ActivityType.Name, Err: missing}
		u.WorkflowID, u.RunID = info.WorkflowExecution.ID, info.WorkflowExecution.RunID
		if info.WorkflowType != nil {
			u.WorkflowType = info.WorkflowType.Name
		}
		a.report(u)
	}
	return err
}
