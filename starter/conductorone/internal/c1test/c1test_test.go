package c1test_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/starter/conductorone/internal/c1test"
)

const limit = 4 * time.Minute

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// startConnector runs this test program as a connector in service mode.
func startConnector(t *testing.T, c1 *c1test.Server, env ...string) (*testbed.Process, *testbed.Output) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	out := &testbed.Output{}
	p, err := testbed.StartProcess(out, append(append(c1.Env(), asConnector+"=1"), env...), self)
	require.NoError(t, err)
	t.Cleanup(p.Kill)
	return p, out
}

// A connector says Hello, syncs with heartbeats, and uploads a .c1z that the SDK reads.
func TestServer_ServesFullSync(t *testing.T) {
	t.Parallel()
	c1 := c1test.Start(t)
	startConnector(t, c1)
	ctx := within(t)
	require.NoError(t, c1.WaitHellos(ctx, 1))
	require.Equal(t, "Trivial", c1.Hellos()[0].GetConnectorMetadata().GetDisplayName())

	got, err := c1.Queue(c1test.FullSync()).Wait(ctx)
	require.NoError(t, err)
	require.True(t, got.Succeeded(), got.Message())
	require.Positive(t, got.Heartbeats)
	contents := got.Contents(t)
	require.NotNil(t, contents.Resource("group", "g1"))
	require.NotNil(t, contents.Entitlement("group:g1:member"))
	require.NotNil(t, contents.Grant("group:g1:member:group:g1"))

	require.NoError(t, c1.Queue(c1test.Hello()).WaitTaken(ctx))
	require.NoError(t, c1.WaitHellos(ctx, 2))
}

// A grant is answered as done, declined or failed.
func TestServer_TellsHowGrantsEnd(t *testing.T) {
	t.Parallel()
	c1 := c1test.Start(t)
	startConnector(t, c1)
	ctx := within(t)
	id := v2.ResourceId_builder{ResourceType: "group", Resource: "g1"}.Build()
	what := v2.Entitlement_builder{Id: "group:g1:member", Resource: v2.Resource_builder{Id: id}.Build()}.Build()
	end := func(who string) c1test.Result {
		id := v2.ResourceId_builder{ResourceType: "group", Resource: who}.Build()
		got, err := c1.Queue(c1test.Grant(what, v2.Resource_builder{Id: id}.Build())).Wait(ctx)
		require.NoError(t, err)
		return got
	}

	got := end("ana")
	require.True(t, got.Succeeded(), got.Message())
	require.True(t, got.Annotation(t, &v2.GrantAlreadyExists{}))
	var response v2.GrantManagerServiceGrantResponse
	got.Response(t, &response)
	require.Equal(t, "group:g1:member:group:ana", response.GetGrants()[0].GetId())

	got = end("declined")
	reason, is := got.Declined()
	require.True(t, is, got.Message())
	require.Equal(t, "carol@example.com has denied it", reason)

	got = end("failed")
	_, is = got.Declined()
	require.False(t, is)
	require.False(t, got.Succeeded())
	require.True(t, got.Final())
	require.Equal(t, codes.FailedPrecondition, got.Code())
	require.Contains(t, got.Message(), "waits for an approval")
}

// A connector whose secret is another's gets no token.
func TestServer_RefusesAnotherSecret(t *testing.T) {
	t.Parallel()
	c1, other := c1test.Start(t), c1test.Start(t)
	c1.ExpectFaults()
	secret, _ := other.Secret()
	p, out := startConnector(t, c1, "BATON_CLIENT_SECRET="+secret)
	select {
	case <-p.Done():
	case <-within(t).Done():
		require.Fail(t, "the connector goes on", out.Tail())
	}
	require.Contains(t, strings.Join(c1.Faults(), "\n"), "signature")
	require.Empty(t, c1.Hellos())
}

// dial is a client with a token of its own.
func dial(t *testing.T, c1 *c1test.Server, token string) v1.BatonServiceClient {
	t.Helper()
	conn, err := grpc.NewClient(c1.Address, grpc.WithTransportCredentials(credentials.NewTLS(trusting(t, c1))))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return v1.NewBatonServiceClient(&withToken{conn, token})
}

type withToken struct {
	*grpc.ClientConn
	token string
}

func (c *withToken) Invoke(ctx context.Context, method string, in, out any, o ...grpc.CallOption) error {
	return c.ClientConn.Invoke(c.sign(ctx), method, in, out, o...)
}

func (c *withToken) NewStream(
	ctx context.Context, d *grpc.StreamDesc, method string, o ...grpc.CallOption,
) (grpc.ClientStream, error) {
	return c.ClientConn.NewStream(c.sign(ctx), d, method, o...)
}

func (c *withToken) sign(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.token)
}

// trusting trusts the server's own authority and no other.
func trusting(t *testing.T, c1 *c1test.Server) *tls.Config {
	t.Helper()
	file := variable(c1, "SSL_CERT_FILE")
	pem, err := os.ReadFile(file)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(pem))
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

func variable(c1 *c1test.Server, name string) string {
	for _, v := range c1.Env() {
		if value, is := strings.CutPrefix(v, name+"="); is {
			return value
		}
	}
	return ""
}

// What breaks the protocol is refused and recorded: no token, an upload with a wrong checksum, a task that was not
// given out, an end without a state.
func TestServer_RefusesWhatBreaksTheProtocol(t *testing.T) {
	t.Parallel()
	c1 := c1test.Start(t)
	c1.ExpectFaults()
	ctx := within(t)
	_, err := dial(t, c1, "made-up").GetTask(ctx, v1.BatonServiceGetTaskRequest_builder{HostId: "h"}.Build())
	require.Equal(t, codes.Unauthenticated, status.Code(err), "%v", err)

	client := dial(t, c1, c1test.IssueToken(c1))
	task := c1.Queue(c1test.FullSync())
	upload := func(sum []byte) error {
		stream, err := client.UploadAsset(ctx)
		require.NoError(t, err)
		about := v1.BatonServiceUploadAssetRequest_UploadMetadata_builder{HostId: "h", TaskId: task.ID}
		for _, m := range []*v1.BatonServiceUploadAssetRequest{
			v1.BatonServiceUploadAssetRequest_builder{Metadata: about.Build()}.Build(),
			v1.BatonServiceUploadAssetRequest_builder{Data: v1.BatonServiceUploadAssetRequest_UploadData_builder{
				Data: []byte("contents"),
			}.Build()}.Build(),
			v1.BatonServiceUploadAssetRequest_builder{Eof: v1.BatonServiceUploadAssetRequest_UploadEOF_builder{
				Sha256Checksum: sum,
			}.Build()}.Build(),
		} {
			if stream.Send(m) != nil {
				break
			}
		}
		_, err = stream.CloseAndRecv()
		return err
	}
	require.Equal(t, codes.NotFound, status.Code(upload(make([]byte, 32))), "the task was not given out")
	_, err = client.GetTask(ctx, v1.BatonServiceGetTaskRequest_builder{HostId: "h"}.Build())
	require.NoError(t, err)
	require.Equal(t, codes.DataLoss, status.Code(upload(make([]byte, 32))))
	_, err = client.FinishTask(ctx, v1.BatonServiceFinishTaskRequest_builder{HostId: "h", TaskId: task.ID}.Build())
	require.Equal(t, codes.InvalidArgument, status.Code(err), "%v", err)
	require.False(t, task.Finished())
	require.Len(t, c1.Faults(), 3)
}

// A client's assertion is refused if anything in it is wrong.
func TestServer_ChecksAssertions(t *testing.T) {
	t.Parallel()
	c1 := c1test.Start(t)
	c1.ExpectFaults()
	http1 := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting(t, c1)}, Timeout: limit}
	t.Cleanup(http1.CloseIdleConnections)
	ask := func(form url.Values) int {
		in, err := http.NewRequestWithContext(within(t), http.MethodPost,
			"https://"+c1.Address+"/auth/v1/token", strings.NewReader(form.Encode()))
		require.NoError(t, err)
		in.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		out, err := http1.Do(in)
		require.NoError(t, err)
		require.NoError(t, out.Body.Close())
		return out.StatusCode
	}
	right := func() c1test.Assertion { return c1test.RightAssertion(c1) }
	require.Equal(t, http.StatusOK, ask(c1test.Form(t, c1, right())))
	for name, spoil := range map[string]func(*c1test.Assertion){
		"issuer":   func(a *c1test.Assertion) { a.Issuer = "another@host/conn" },
		"subject":  func(a *c1test.Assertion) { a.Subject = "another@host/conn" },
		"audience": func(a *c1test.Assertion) { a.Audience = "example.com" },
		"expired":  func(a *c1test.Assertion) { a.Expiry = time.Now().Add(-time.Second) },
		"too long": func(a *c1test.Assertion) { a.Expiry = time.Now().Add(time.Hour) },
		"no nonce": func(a *c1test.Assertion) { a.Nonce = "" },
	} {
		a := right()
		spoil(&a)
		require.Equal(t, http.StatusUnauthorized, ask(c1test.Form(t, c1, a)), name)
	}
	form := c1test.Form(t, c1, right())
	form.Set("grant_type", "password")
	require.Equal(t, http.StatusUnauthorized, ask(form))
	c1.RefuseTokens()
	require.Equal(t, http.StatusUnauthorized, ask(c1test.Form(t, c1, right())))
}
