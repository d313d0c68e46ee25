package c1test_test

import (
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-sdk/pkg/crypto/providers/jwk"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/types/known/structpb"

	"sentinelone-provisioner/starter/conductorone/internal/c1test"
)

func groupID(id string) *v2.ResourceId {
	return v2.ResourceId_builder{ResourceType: "group", Resource: id}.Build()
}

func values(t *testing.T, in map[string]any) *structpb.Struct {
	t.Helper()
	out, err := structpb.NewStruct(in)
	require.NoError(t, err)
	return out
}

// Accounts are created and deleted, and a credential is rotated that only the key's owner reads. What fails says why.
func TestServer_ManagesAccounts(t *testing.T) {
	t.Parallel()
	c1 := c1test.Start(t)
	startConnector(t, c1)
	ctx := within(t)
	do := func(task *v1.Task) c1test.Result {
		got, err := c1.Queue(task).Wait(ctx)
		require.NoError(t, err)
		return got
	}
	none := v2.CredentialOptions_builder{NoPassword: &v2.CredentialOptions_NoPassword{}}.Build()
	account := func(profile map[string]any) *v2.AccountInfo {
		return v2.AccountInfo_builder{Profile: values(t, profile)}.Build()
	}

	got := do(c1test.CreateAccount("group", account(map[string]any{"name": "ana"}), none))
	require.True(t, got.Succeeded(), got.Message())
	var made v2.CreateAccountResponse
	got.Response(t, &made)
	require.Equal(t, "ana", made.GetSuccess().GetResource().GetId().GetResource())
	got = do(c1test.CreateAccount("group", account(nil), none))
	require.Equal(t, codes.InvalidArgument, got.Code())
	require.Contains(t, got.Message(), "name is missing")
	require.True(t, got.Final())

	got = do(c1test.Delete(groupID("ana")))
	require.True(t, got.Succeeded(), got.Message())
	got = do(c1test.Delete(groupID("kept")))
	require.Equal(t, codes.FailedPrecondition, got.Code())
	require.Contains(t, got.Message(), "it is the last one")

	provider := &jwk.JWKEncryptionProvider{}
	config, private, err := provider.GenerateKey(ctx)
	require.NoError(t, err)
	got = do(c1test.Rotate(groupID("g1"), none, config))
	require.True(t, got.Succeeded(), got.Message())
	require.NotContains(t, prototext.Format(got.Finished), rotated)
	var rotation v2.RotateCredentialResponse
	got.Response(t, &rotation)
	require.Len(t, rotation.GetEncryptedData(), 1)
	plain, err := provider.Decrypt(ctx, rotation.GetEncryptedData()[0], private)
	require.NoError(t, err)
	require.Equal(t, rotated, string(plain.GetBytes()))
}

// The connector lists its actions. One that ends at once is answered at once; one that runs on is asked for until it
// ends. A failure has its reason, whenever it comes.
func TestServer_RunsActions(t *testing.T) {
	t.Parallel()
	c1 := c1test.Start(t)
	startConnector(t, c1)
	ctx := within(t)
	got, err := c1.Queue(c1test.ActionSchemas()).Wait(ctx)
	require.NoError(t, err)
	var listed v2.ListActionSchemasResponse
	got.Response(t, &listed)
	var names []string
	for _, s := range listed.GetSchemas() {
		names = append(names, s.GetName())
	}
	require.ElementsMatch(t, []string{"echo", "fail", "wait", "release"}, names)

	ended, err := c1.RunAction(ctx, "echo", values(t, map[string]any{"request": "INC-42"}))
	require.NoError(t, err)
	require.True(t, ended.Complete(), ended.Failure())
	require.Equal(t, "INC-42", ended.Text("request"))
	ended, err = c1.RunAction(ctx, "fail", nil)
	require.NoError(t, err)
	require.False(t, ended.Complete())
	require.Contains(t, ended.Failure(), "it cannot be done")
	ended, err = c1.RunAction(ctx, "unknown", nil)
	require.NoError(t, err)
	require.Contains(t, ended.Failure(), "unknown")

	asked := 0
	for _, fails := range []bool{false, true} {
		type answer struct {
			c1test.Action
			err error
		}
		answered, args := make(chan answer, 1), values(t, map[string]any{"fail": fails, "request": "INC-43"})
		go func() {
			got, err := c1.RunAction(ctx, "wait", args)
			answered <- answer{got, err}
		}()
		require.NoError(t, c1.WaitStatusAsked(ctx, asked+1))
		_, err = c1.RunAction(ctx, "release", nil)
		require.NoError(t, err)
		got := <-answered
		require.NoError(t, got.err)
		require.Positive(t, got.Asked)
		asked += got.Asked
		require.Equal(t, !fails, got.Complete(), got.Failure())
		if fails {
			require.Contains(t, got.Failure(), "it took too long")
		} else {
			require.Equal(t, "INC-43", got.Text("request"))
		}
	}
}
