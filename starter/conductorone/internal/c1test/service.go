package c1test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"path"
	"strings"
	"time"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// longPoll is how long GetTask waits for a task, so that connectors get one at once without polling all the time.
const longPoll = 2 * time.Second

type service struct {
	v1.UnimplementedBatonServiceServer

	server *Server
}

// checkCall checks who calls, and the message.
func (s *Server) checkCall(
	ctx context.Context, in any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (any, error) {
	if err := s.authorize(ctx); err != nil {
		return nil, err
	}
	method := path.Base(info.FullMethod)
	if err := validate(in); err != nil {
		s.fault("%s: %v", method, err)
		return nil, err
	}
	out, err := handle(ctx, in)
	if err != nil && ctx.Err() == nil {
		s.fault("%s: %v", method, err)
	}
	return out, err
}

func (s *Server) checkStream(
	srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler,
) error {
	if err := s.authorize(stream.Context()); err != nil {
		return err
	}
	err := handle(srv, stream)
	if err != nil && stream.Context().Err() == nil {
		s.fault("%s: %v", path.Base(info.FullMethod), err)
	}
	return err
}

func (s *Server) authorize(ctx context.Context) error {
	sent, _ := metadata.FromIncomingContext(ctx)
	token, is := strings.CutPrefix(strings.Join(sent.Get("authorization"), ","), "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	if !is || !s.tokens[token] {
		return status.Error(codes.Unauthenticated, "no valid access token")
	}
	return nil
}

// validate applies the rules of ConductorOne's protocol files.
func validate(message any) error {
	if m, is := message.(interface{ Validate() error }); is {
		if err := m.Validate(); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
	}
	return nil
}

// Hello registers the connector.
func (c *service) Hello(_ context.Context, in *v1.BatonServiceHelloRequest) (*v1.BatonServiceHelloResponse, error) {
	if id := in.GetTaskId(); id != "" {
		if _, err := c.server.task(id); err != nil {
			return nil, err
		}
	}
	c.server.change(func() { c.server.hellos = append(c.server.hellos, in) })
	return &v1.BatonServiceHelloResponse{}, nil
}

// GetTask gives out the oldest task in the queue.
func (c *service) GetTask(
	ctx context.Context, _ *v1.BatonServiceGetTaskRequest,
) (*v1.BatonServiceGetTaskResponse, error) {
	enough := time.NewTimer(longPoll)
	defer enough.Stop()
	for {
		task, changed := c.server.take(ctx)
		if task != nil {
			return v1.BatonServiceGetTaskResponse_builder{
				Task: task.sent, NextHeartbeat: durationpb.New(Heartbeat),
			}.Build(), nil
		}
		select {
		case <-changed:
		case <-enough.C:
			return &v1.BatonServiceGetTaskResponse{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Heartbeat records that the connector works on a task.
func (c *service) Heartbeat(
	_ context.Context, in *v1.BatonServiceHeartbeatRequest,
) (*v1.BatonServiceHeartbeatResponse, error) {
	task, err := c.server.task(in.GetTaskId())
	if err != nil {
		return nil, err
	}
	var cancelled bool
	c.server.change(func() {
		task.heartbeats++
		cancelled = task.cancelled
	})
	return v1.BatonServiceHeartbeatResponse_builder{
		NextHeartbeat: durationpb.New(Heartbeat), Cancelled: cancelled,
	}.Build(), nil
}

// UploadAsset stores what the connector uploads for a task, if its checksum is right.
func (c *service) UploadAsset(
	stream grpc.ClientStreamingServer[v1.BatonServiceUploadAssetRequest, v1.BatonServiceUploadAssetResponse],
) error {
	var (
		task *Task
		data bytes.Buffer
		sum  []byte
	)
	for {
		in, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := validate(in); err != nil {
			return err
		}
		switch {
		case sum != nil:
			return status.Error(codes.InvalidArgument, "a message after the end of the upload")
		case in.HasMetadata():
			if task, err = c.server.task(in.GetMetadata().GetTaskId()); err != nil {
				return err
			}
		case task == nil:
			return status.Error(codes.InvalidArgument, "data before the metadata of the upload")
		case in.HasData():
			data.Write(in.GetData().GetData())
		case in.HasEof():
			sum = in.GetEof().GetSha256Checksum()
		}
	}
	if want := sha256.Sum256(data.Bytes()); !bytes.Equal(sum, want[:]) {
		return status.Errorf(codes.DataLoss, "the checksum of %d bytes is %x, want %x", data.Len(), sum, want)
	}
	c.server.change(func() { task.uploads = append(task.uploads, data.Bytes()) })
	return stream.SendAndClose(&v1.BatonServiceUploadAssetResponse{})
}

// FinishTask records how a task ended.
func (c *service) FinishTask(
	_ context.Context, in *v1.BatonServiceFinishTaskRequest,
) (*v1.BatonServiceFinishTaskResponse, error) {
	task, err := c.server.task(in.GetTaskId())
	if err != nil {
		return nil, err
	}
	c.server.change(func() {
		if task.finished != nil {
			err = status.Errorf(codes.FailedPrecondition, "task %s was finished before", task.ID)
			return
		}
		task.finished = in
	})
	return &v1.BatonServiceFinishTaskResponse{}, err
}
