package c1test

import (
	"testing"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-sdk/pkg/types/grant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Result is what a connector has sent about a task.
type Result struct {
	Heartbeats int
	Uploads    [][]byte
	Finished   *v1.BatonServiceFinishTaskRequest
}

// Succeeded reports whether the task was finished without an error.
func (r Result) Succeeded() bool { return r.Finished.HasSuccess() }

// Message is what people read under "logs" about a task that failed; "" if it did not.
func (r Result) Message() string { return r.Finished.GetStatus().GetMessage() }

// Code is the gRPC code of the error; OK if there is none.
func (r Result) Code() codes.Code { return status.FromProto(r.Finished.GetStatus()).Code() }

// Final reports whether ConductorOne does not try the task again by itself.
func (r Result) Final() bool { return r.Finished.GetError().GetNonRetryable() }

// Declined returns why the connector has declined a grant, if it has: to ConductorOne that is no failure.
func (r Result) Declined() (reason string, is bool) {
	return grant.GrantCancelledReasonFromStatus(status.FromProto(r.Finished.GetStatus()))
}

// Response decodes the connector's answer to a task that succeeded.
func (r Result) Response(tb testing.TB, into proto.Message) {
	tb.Helper()
	if err := r.Finished.GetSuccess().GetResponse().UnmarshalTo(into); err != nil {
		tb.Fatalf("decode the response: %v", err)
	}
}

// Annotation finds an annotation of a finished task by its type, and decodes it.
func (r Result) Annotation(tb testing.TB, into proto.Message) (found bool) {
	tb.Helper()
	all := append([]*anypb.Any{}, r.Finished.GetSuccess().GetAnnotations()...)
	for _, a := range append(all, r.Finished.GetError().GetAnnotations()...) {
		if !a.MessageIs(into) {
			continue
		}
		if err := a.UnmarshalTo(into); err != nil {
			tb.Fatalf("decode an annotation: %v", err)
		}
		return true
	}
	return false
}
