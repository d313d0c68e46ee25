package temporalclient

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/protocol/v1"
	updatepb "go.temporal.io/api/update/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Ten rejected updates of 2 MB fit into one answer, and Temporal still finds each by its id.
// What is small, or accepted, is sent as it is.
func TestSlimRejections(t *testing.T) {
	t.Parallel()
	request := func(size int) *updatepb.Request {
		return &updatepb.Request{
			Meta: &updatepb.Meta{UpdateId: "id"},
			Input: &updatepb.Input{Name: "approve", Args: &commonpb.Payloads{
				Payloads: []*commonpb.Payload{{Data: []byte(strings.Repeat("x", size))}},
			}},
		}
	}
	message := func(m proto.Message) *protocol.Message {
		body, err := anypb.New(m)
		require.NoError(t, err)
		return &protocol.Message{Id: "m", Body: body}
	}
	small := message(&updatepb.Rejection{RejectedRequestMessageId: "r", RejectedRequest: request(100)})
	accepted := message(&updatepb.Acceptance{AcceptedRequest: request(100_000)})
	in := &workflowservice.RespondWorkflowTaskCompletedRequest{Messages: []*protocol.Message{
		proto.CloneOf(small), proto.CloneOf(accepted),
	}}
	for range 10 {
		in.Messages = append(in.Messages, message(&updatepb.Rejection{
			RejectedRequestMessageId: "r", RejectedRequest: request(2_000_000),
		}))
	}
	sent := 0
	err := slimRejections(t.Context(), "", in, nil, nil,
		func(_ context.Context, _ string, req, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
			sent++
			require.Less(t, proto.Size(req.(proto.Message)), 200_000)
			return nil
		})
	require.NoError(t, err)
	require.Equal(t, 1, sent)
	require.True(t, proto.Equal(small, in.Messages[0]))
	require.True(t, proto.Equal(accepted, in.Messages[1]))
	var got updatepb.Rejection
	require.NoError(t, in.Messages[2].GetBody().UnmarshalTo(&got))
	require.Equal(t, "r", got.GetRejectedRequestMessageId())
	require.Equal(t, "id", got.GetRejectedRequest().GetMeta().GetUpdateId())
	require.Equal(t, "approve", got.GetRejectedRequest().GetInput().GetName())
}
