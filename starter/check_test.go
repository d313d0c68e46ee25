//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/consoletest"
)

const canary = "CANARY-token-in-no-output"

// consoleAt configures a simulated console and no database and no Temporal.
func consoleAt(t *testing.T, s *consoletest.Server) (host string) {
	t.Helper()
	environ(t, map[string]string{
		"SENTINELONE_BASE_URL": s.URL + "/", "SENTINELONE_API_TOKEN": canary,
		"DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "none.db"),
	})
	return strings.TrimPrefix(s.URL, "http://")
}

func TestCheck_NeedsOnlyTheConsole(t *testing.T) {
	s := consoletest.Start(t, consoletest.Options{Token: canary})
	host := consoleAt(t, s)
	got := run(t, "check")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Contains(t, got.out, "✓  console             "+host+" answers, version ")
	require.Contains(t, got.out, "✓  API token           expires in ")
	require.Contains(t, got.out, "✓  Users.view          20 rows")
	require.Contains(t, got.out, "✓  Service Users.view  10 rows")
	require.Contains(t, got.out, "✗  Temporal            temporal does not answer at 127.0.0.1:1")
	require.Contains(t, got.out, "–  worker              not tested")
	require.Contains(t, got.out, "✗  database            ")
	require.Contains(t, got.errOut, "needs Users.edit and Service Users.edit, which cannot be tested")
	require.NotContains(t, got.out+got.errOut, canary)

	strict := run(t, "check", "--strict")
	require.Equal(t, exitFailed, strict.code)
	require.Contains(t, strict.errOut, "error: temporal does not answer")
}

// Without allowed signers check says what that means; with them, it names their file.
func TestCheck_SaysWhetherNamesAreVerified(t *testing.T) {
	s := consoletest.Start(t, consoletest.Options{Token: canary})
	consoleAt(t, s)
	got := run(t, "check")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Contains(t, got.out, "✗  signatures          ALLOWED_SIGNERS is not set: names are claims")
	require.Contains(t, got.out, "one person can be the requester, both approvers and the reviewer")

	file := filepath.Join("..", "internal", "signing", "testdata", "allowed_signers")
	t.Setenv("ALLOWED_SIGNERS", file)
	require.Contains(t, run(t, "check").out, "✓  signatures          required, by the keys in "+file)
	t.Setenv("ALLOWED_SIGNERS", file+".none")
	require.Contains(t, run(t, "check").out, "✗  signatures          ALLOWED_SIGNERS: "+file+".none: cannot be read")
}

// A database that other users may open is a warning, with what to do.
func TestCheck_WarnsAboutAnOpenDatabase(t *testing.T) {
	s := consoletest.Start(t, consoletest.Options{Token: canary})
	consoleAt(t, s)
	path := filepath.Join(t.TempDir(), "open.db")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Chmod(path, 0o644))
	t.Setenv("DATABASE_URL", "sqlite://"+path)
	got := run(t, "check")
	require.Contains(t, got.errOut,
		"warning: every user of this machine may open the database file "+path+" (mode 0644)")
	require.Len(t, decode[checkAnswer](t, run(t, "check", "-o", "json")).Warnings, 1)

	policy := policyFile(t, somePolicy)
	require.NoError(t, os.Chmod(policy, 0o666))
	t.Setenv("POLICY_FILE", policy)
	require.Contains(t, run(t, "check").errOut, "warning: POLICY_FILE: every user of this machine may write "+policy)
}

func TestCheck_NamesEveryMissingPermission(t *testing.T) {
	s := consoletest.Start(t, consoletest.Options{Token: canary})
	for _, path := range []string{"/rbac/roles", "/service-users"} {
		s.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: path})
	}
	consoleAt(t, s)
	got := run(t, "check")
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "note: "+writeNote+"\nerror: the token's role lacks Roles.view and Service Users.view: "+
		"add them to the role of the token's owner, or leave these collections out\n", got.errOut)
	require.Contains(t, got.out, "✗  Roles.view")
	require.Contains(t, got.out, "✓  Users.view")
}

func TestCheck_RefusedToken(t *testing.T) {
	s := consoletest.Start(t, consoletest.Options{Token: "another"})
	consoleAt(t, s)
	got := run(t, "check")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.out, "✓  console ")
	require.Contains(t, got.out, "✗  API token ")
	require.Contains(t, got.out, "–  Users.view          not tested")
	require.Equal(t, 1, strings.Count(got.errOut, "error: "), got.errOut)
	require.NotContains(t, got.out+got.errOut, canary)
}

func TestCheck_NobodyAnswers(t *testing.T) {
	s := consoletest.Start(t, consoletest.Options{Token: canary})
	consoleAt(t, s)
	s.Close()
	got := run(t, "check")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.out, "✗  console ")
	require.Contains(t, got.out, "–  API token ")
}

func TestCheck_JSON(t *testing.T) {
	s := consoletest.Start(t, consoletest.Options{Token: canary})
	s.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: "/sites"})
	host := consoleAt(t, s)
	got := run(t, "check", "-o", "json")
	require.Equal(t, exitFailed, got.code)
	answer := decode[checkAnswer](t, got)
	require.False(t, answer.OK)
	require.Equal(t, host, answer.Console)
	require.NotNil(t, answer.TokenExpiresAt)
	require.Empty(t, answer.Warnings)
	require.Len(t, answer.Permissions, 5)
	require.Equal(t, "Sites.view", answer.Permissions[1].Name)
	require.False(t, answer.Permissions[1].Granted)
	require.Equal(t, 20, *answer.Permissions[3].Total)
	require.Contains(t, got.out, `"warnings": []`)
}
