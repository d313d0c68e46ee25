package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/tokenseal"
)

const tokensFree = "rules:\n  - {name: all, for: [grant, rotateToken], permanent: true, autoApprove: true}\n"

// A worker replaces its own token, signed for, and goes on with the new one; nothing prints or stores it. Before that,
// the token of another service user is encrypted to its recipient, who reads it from what the command prints.
func TestOwnToken(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{OwnerIsServiceUser: true, ServiceUserTokens: true, ServiceUsers: -1})
	s.setPolicy(tokensFree)
	own := s.addTenantUser("svc.worker", time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC))
	ci := s.addTenantUser("svc.ci", time.Date(2035, 1, 1, 0, 0, 0, 0, time.UTC))
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(s.console.Token()), 0o600))
	keys, signers := sshtest.People(t, "bob@example.com")
	s.extraEnv = []string{
		"SENTINELONE_API_TOKEN=", "SENTINELONE_API_TOKEN_FILE=" + file, "ALLOWED_SIGNERS=" + signers,
	}
	s.startWorker()
	signed := []string{
		"--token-until", "90d", "--requester", "bob@example.com", "--key", keys["bob@example.com"].Save(t, ""), "--yes",
	}

	key, err := tokenseal.NewKey()
	require.NoError(t, err)
	sealed := s.starter(append([]string{"service-user", "rotate", ci, "--recipient", key.Recipient()}, signed...)...)
	require.Zero(t, sealed.code, sealed.stderr)
	at := strings.Index(sealed.stdout, "-----BEGIN AGE ENCRYPTED FILE-----")
	require.GreaterOrEqual(t, at, 0, sealed.stdout)
	token, err := key.Open(sealed.stdout[at:])
	require.NoError(t, err)
	require.Equal(t, s.console.ServiceUserToken(ci), token)

	unnamed := s.starter(append([]string{"service-user", "rotate", own, "--id", "OWN-0"}, signed...)...)
	require.Equal(t, 1, unnamed.code)
	require.Contains(t, unnamed.stderr, "--own")

	replaced := s.starter(append([]string{"service-user", "rotate", own, "--own", "--id", "OWN-1"}, signed...)...)
	require.Zero(t, replaced.code, replaced.stderr)
	require.Contains(t, replaced.stdout, "in the worker's own token file, and in use, expires at ")
	fresh, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NotEqual(t, s.console.Token(), string(fresh))
	var left []string
	for _, p := range s.console.Truth().Principals {
		if strings.HasPrefix(p.Name, "svc.worker") {
			left = append(left, p.ID)
			require.Equal(t, s.console.ServiceUserToken(p.ID), string(fresh))
		}
	}
	require.Len(t, left, 1)
	require.NotEqual(t, own, left[0])

	verified := s.starter("verify", "OWN-1", "--policy", s.policyFile)
	require.Zero(t, verified.code, verified.stdout+verified.stderr)
	synced := s.starter("sync", "--wait")
	require.Zero(t, synced.code, synced.stderr)
	shown := s.starter("access", "--service-user", left[0], "-o", "json")
	require.Contains(t, shown.stdout, left[0])
	for _, text := range []string{
		sealed.stdout, replaced.stdout, replaced.stderr, verified.stdout, s.workerOutput.String(),
	} {
		require.NotContains(t, text, string(fresh))
		require.NotContains(t, text, token)
	}
}

// addTenantUser adds a service user with the role Admin at the tenant.
func (s *stack) addTenantUser(name string, ends time.Time) string {
	s.t.Helper()
	for _, r := range s.console.Truth().Roles {
		if r.Predefined && r.Name == "Admin" {
			id, err := s.console.AddServiceUser(access.Principal{
				Name: name, Level: access.Tenant, Held: []access.HeldRole{{RoleID: r.ID}}, TokenExpiresAt: &ends,
			})
			require.NoError(s.t, err)
			return id
		}
	}
	require.Fail(s.t, "the console has no role Admin")
	return ""
}
