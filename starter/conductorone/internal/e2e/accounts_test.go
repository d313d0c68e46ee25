package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/crypto/providers/jwk"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/testbed"
)

// tokensByConductorOne asks nobody for grants, and for no token that conductorone rotates.
const tokensByConductorOne = "rules:\n  - {name: all, for: [grant, rotateToken], permanent: true, autoApprove: true}\n"

func (e *provisionEnv) createAccount(c types.ConnectorServer, kind string, profile map[string]any) (
	*v2.CreateAccountResponse, error,
) {
	e.t.Helper()
	return c.CreateAccount(e.ctx(), v2.CreateAccountRequest_builder{
		ResourceTypeId: kind, AccountInfo: v2.AccountInfo_builder{Profile: fields(e.t, profile)}.Build(),
		CredentialOptions: noPassword(),
	}.Build())
}

// fields are a profile or arguments, as ConductorOne sends them.
func fields(t *testing.T, in map[string]any) *structpb.Struct {
	t.Helper()
	out, err := structpb.NewStruct(in)
	require.NoError(t, err)
	return out
}

// noPassword is the only way in which a console makes accounts and tokens: by itself.
func noPassword() *v2.CredentialOptions {
	return v2.CredentialOptions_builder{NoPassword: &v2.CredentialOptions_NoPassword{}}.Build()
}

// A user is created once, is there already when asked again, and is deleted; a service user's token goes to the worker.
func TestAccounts_CreateAgainDelete(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, testbed.AutoApprove, "SERVICE_USER_TOKEN_DIR="+t.TempDir())
	e.sync()
	c := e.connect()
	profile := map[string]any{
		"email": "dan@example.com", "first_name": "Dan", "last_name": "Lind", "role": e.soc.RoleID,
		"scope": e.soc.ScopeID, "level": "site", "name": "ci builds", "token_life": "90d",
	}
	for _, kind := range []string{"user", "service_user"} {
		made, err := e.createAccount(c, kind, profile)
		require.NoError(t, err)
		id := made.GetSuccess().GetResource().GetId()
		require.NotEmpty(t, id.GetResource(), made)
		again, err := e.createAccount(c, kind, profile)
		require.NoError(t, err)
		require.Equal(t, id.GetResource(), again.GetAlreadyExists().GetResource().GetId().GetResource(), again)
		for range 2 { // deleted, and gone already
			_, err = c.DeleteResource(e.ctx(), v2.DeleteResourceRequest_builder{ResourceId: id}.Build())
			require.NoError(t, err)
		}
		for _, p := range e.console.Truth().Principals {
			require.NotEqual(t, id.GetResource(), p.ID)
		}
	}
}

func (e *provisionEnv) action(c types.ConnectorServer, name string, args map[string]any) map[string]any {
	e.t.Helper()
	out, err := c.InvokeAction(e.ctx(), v2.InvokeActionRequest_builder{
		Name: name, Args: fields(e.t, args), InlineWait: durationpb.New(limit),
	}.Build())
	require.NoError(e.t, err)
	require.Equal(e.t, v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE, out.GetStatus(), out.GetResponse())
	return out.GetResponse().AsMap()
}

// Access for a time is given, extended and ended by actions.
func TestActions_GrantForExtendEnd(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, testbed.AutoApprove)
	c := e.connect()
	named := func(kind, id string) map[string]any {
		return map[string]any{"resource_type_id": kind, "resource_id": id}
	}
	given := e.action(c, "grant_for", map[string]any{
		"principal": named("user", e.ana.ID), "role": named("role", e.soc.RoleID),
		"scope": named("site", e.soc.ScopeID), "duration": "4h", "reason": "INC-42",
	})
	require.Equal(t, true, given["success"], given)
	require.True(t, e.holds(e.ana, e.soc))
	more := e.action(c, "extend", map[string]any{"request": given["request"], "duration": "1h"})
	require.NotEqual(t, given["ends_at"], more["ends_at"])
	ended := e.action(c, "end", map[string]any{"request": given["request"]})
	require.Equal(t, "ended", ended["state"])
	require.False(t, e.holds(e.ana, e.soc))
}

// The token that ConductorOne decrypts is the one that works now, and neither log nor database nor history has it.
func TestAccounts_Rotate(t *testing.T) {
	t.Parallel()
	key := sshtest.New(t)
	allowed := filepath.Join(t.TempDir(), "allowed_signers")
	require.NoError(t, os.WriteFile(allowed, []byte("conductorone "+key.Public()+"\n"), 0o600))
	e := newProvisionEnv(t, tokensByConductorOne, "ALLOWED_SIGNERS="+allowed)
	e.connectorSettings.SigningKey = key.Save(t, "")
	ci, err := e.console.AddServiceUser(access.Principal{Name: "ci builds"})
	require.NoError(t, err)
	provider := &jwk.JWKEncryptionProvider{}
	config, private, err := provider.GenerateKey(e.ctx())
	require.NoError(t, err)
	got, err := e.connect().RotateCredential(e.ctx(), v2.RotateCredentialRequest_builder{
		ResourceId:        v2.ResourceId_builder{ResourceType: "service_user", Resource: ci}.Build(),
		CredentialOptions: noPassword(),
		EncryptionConfigs: []*v2.EncryptionConfig{config},
	}.Build())
	require.NoError(t, err)
	require.Len(t, got.GetEncryptedData(), 1)
	plain, err := provider.Decrypt(e.ctx(), got.GetEncryptedData()[0], private)
	require.NoError(t, err)
	token := string(plain.GetBytes())
	require.NotEmpty(t, token)
	require.Equal(t, e.console.ServiceUserToken(ci), token)
	require.NotContains(t, e.workerOutput.String(), token)
	file := strings.TrimPrefix(e.database, "sqlite://")
	for _, name := range []string{file, file + "-wal"} {
		text, err := os.ReadFile(name)
		if !os.IsNotExist(err) {
			require.NoError(t, err)
		}
		require.NotContains(t, string(text), token)
	}
}
