package testbed

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// maxMessage is what a Temporal server takes, in bytes.
const maxMessage = 128 << 20

// TLSProxy stands before a Temporal server without TLS as Temporal Cloud's edge does.
type TLSProxy struct {
	Address string // host and port

	key      string // the API key that calls must carry; "" for none
	server   *grpc.Server
	upstream *grpc.ClientConn
}

// StartTLSProxy starts to terminate TLS before the server at target. With a key it answers calls that do not carry it
// as an API key as Temporal Cloud does: Unauthenticated. The caller closes it.
func StartTLSProxy(ctx context.Context, target string, config *tls.Config, key string) (*TLSProxy, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for TLS: %w", err)
	}
	upstream, err := grpc.NewClient("passthrough:///"+target,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(asIs{}), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)))
	if err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("connect to %s: %w", target, err)
	}
	p := &TLSProxy{Address: listener.Addr().String(), key: key, upstream: upstream}
	p.server = grpc.NewServer(grpc.Creds(credentials.NewTLS(config)), grpc.ForceServerCodecV2(asIs{}),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage), grpc.UnknownServiceHandler(p.forward))
	go func() { _ = p.server.Serve(listener) }()
	return p, nil
}

// Close stops the proxy and ends its connections.
func (p *TLSProxy) Close() {
	p.server.Stop()
	_ = p.upstream.Close()
}

// forward passes one call on: Temporal's calls have one question and one answer.
func (p *TLSProxy) forward(_ any, stream grpc.ServerStream) error {
	ctx := stream.Context()
	headers, _ := metadata.FromIncomingContext(ctx)
	if p.key != "" && !slices.Contains(headers.Get("authorization"), "Bearer "+p.key) {
		return status.Error(codes.Unauthenticated, "Request unauthorized.")
	}
	method, _ := grpc.MethodFromServerStream(stream)
	var question, answer []byte
	if err := stream.RecvMsg(&question); err != nil {
		return err
	}
	if err := p.upstream.Invoke(metadata.NewOutgoingContext(ctx, headers), method, &question, &answer); err != nil {
		return err
	}
	return stream.SendMsg(&answer)
}

// asIs is a codec that leaves messages as they are.
type asIs struct{}

// Name is that of the codec whose messages they are.
func (asIs) Name() string { return "proto" }

// Marshal returns the bytes that v points to.
func (asIs) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("%T is no message", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(*b)}, nil
}

// Unmarshal copies the message to where v points.
func (asIs) Unmarshal(data mem.BufferSlice, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("%T is no message", v)
	}
	*b = data.Materialize()
	return nil
}
