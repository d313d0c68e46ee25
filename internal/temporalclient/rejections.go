package temporalclient

import (
	"context"

	"go.temporal.io/api/protocol/v1"
	updatepb "go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// slimRejections leaves the payloads of rejected updates out of what a worker answers. The
// SDK sends each rejected request back whole, though Temporal has it: two of 2 MB in one
// workflow task are more than Temporal takes in one message (4 MB), and would fail the task
// of a running grant for as long as somebody goes on sending them.
func slimRejections(
	ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	if done, is := req.(*workflowservice.RespondWorkflowTaskCompletedRequest); is {
		for _, m := range done.GetMessages() {
			slimRejection(m)
		}
	}
	return invoke(ctx, method, req, reply, cc, opts...)
}

// slimRejection keeps the name of the update and its id, by which Temporal finds it.
func slimRejection(m *protocol.Message) {
	var rejection updatepb.Rejection
	if !m.GetBody().MessageIs(&rejection) || m.GetBody().UnmarshalTo(&rejection) != nil {
		return
	}
	request := rejection.GetRejectedRequest()
	if proto.Size(request.GetInput()) < slimFrom {
		return
	}
	request.Input = &updatepb.Input{Name: request.GetInput().GetName()}
	if body, err := anypb.New(&rejection); err == nil {
		m.Body = body
	}
}

// slimFrom is the size from which payloads are left out, in bytes. Smaller ones do not add
// up to too much: Temporal hands out ten updates at once.
const slimFrom = 64 << 10
