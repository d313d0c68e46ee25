package e2e

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

const (
	tokenCanary        = "CANARY-TOKEN-1f9c0d"  // must not occur anywhere
	registrationCanary = "CANARY-REGISTRATION-" // begins every registration token
)

// A recognisable API token and registration tokens do not occur in any history, log line,
// database file, error, status or output: not in a normal run, not during faults, and not
// when the console rejects the token.
func TestCanary_SecretsAppearNowhere(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 53, Users: 1500, Token: tokenCanary, SecretMark: registrationCanary})
	for _, kind := range consoletest.FaultKinds() {
		if !isFinalFault(kind) {
			s.console.AddFault(consoletest.Fault{Name: kind, Path: "/sites", Times: 1, Delay: 1})
			s.console.AddFault(consoletest.Fault{Name: kind, Path: "/users", Times: 1, Delay: 1})
		}
	}
	s.startWorker()
	var seen []string
	keep := func(a commandResult) { seen = append(seen, a.stdout, a.stderr) }

	run := s.startSync("", wire.SyncInput{})
	s.syncResult(run)
	keep(s.starter("check"))
	keep(s.starter("access", "--role", "Admin"))
	keep(s.starter("export", "--format", "json"))
	keep(s.starter("export", "--format", "csv"))
	keep(commandResult{stdout: toJSON(t, s.syncStatus(run))})

	s.console.AddFault(consoletest.Fault{Name: consoletest.Unauthorized, Path: "/users", Only: consoletest.OnlyPages})
	refused := s.startSync("-refused", wire.SyncInput{})
	err := refused.Get(s.ctx(), nil)
	require.ErrorContains(t, err, "401")
	seen = append(seen, err.Error(), s.workerOutput.String())
	seen = append(seen, historyJSON(t, s, run.GetID()), historyJSON(t, s, refused.GetID()))
	keep(s.starter("sync", "--wait", "--id", s.syncID("-third")))
	keep(s.starter("check"))

	_, err = s.worker.Stop(limit)
	require.NoError(t, err)
	seen = append(seen, databaseBytes(t, s.database)...)
	requireNoSecrets(t, seen)
	require.Contains(t, strings.Join(seen, ""), "Admin", "the search looks at real text")
}

func requireNoSecrets(t *testing.T, seen []string) {
	t.Helper()
	for _, text := range seen {
		require.NotContains(t, text, tokenCanary)
		require.NotContains(t, text, registrationCanary)
	}
}

// The same holds for grants, revokes and the writers of principals: in a normal run, during
// each fault that passes, and when the console rejects the token.
func TestCanary_SecretsAppearNowhereInGrants(t *testing.T) {
	t.Parallel()
	o := grantworld.Options()
	o.Token, o.SecretMark = tokenCanary, registrationCanary
	s := prepareGrantEnv(t, newStack(t, o))
	s.startWorker()
	var seen []string
	runs := []client.WorkflowRun{s.startGrant("/good", s.input("")), s.startRevoke("/none", s.viewer)}
	users := []access.Principal{s.user}
	for i, kind := range consoletest.FaultKinds() {
		if isFinalFault(kind) || listOnlyFaults[kind] {
			continue
		}
		u := s.withUser(fmt.Sprintf("%s@example.com", kind))
		s.console.AddFault(consoletest.Fault{
			Name: kind, Path: "/users/" + u.user.ID, After: 1, Times: 2, Delay: time.Second,
		})
		runs, users = append(runs, u.startOneSecondGrant(strconv.Itoa(i))), append(users, u.user)
	}
	for _, run := range runs {
		got := s.result(run)
		require.NotEmpty(t, got.Receipt.Hash)
		status := s.untilStatus(run, func(wire.RequestStatus) bool { return true })
		seen = append(seen, toJSON(t, got), toJSON(t, status), historyJSON(t, s.stack, run.GetID()))
	}
	s.console.AddFault(consoletest.Fault{Name: consoletest.Unauthorized, Path: "/users"})
	refused := s.startGrant("/refused", s.input("1s"))
	err := refused.Get(s.ctx(), nil)
	require.ErrorContains(t, err, "401")
	seen = append(seen, err.Error(), historyJSON(t, s.stack, refused.GetID()))
	for _, u := range users {
		seen = append(seen, historyJSON(t, s.stack, wire.PrincipalID(s.consoleKey(), u.Kind, u.ID)))
	}
	_, err = s.worker.Stop(limit)
	require.NoError(t, err)
	seen = append(append(seen, s.workerOutput.String()), databaseBytes(t, s.database)...)
	requireNoSecrets(t, seen)
	require.Contains(t, strings.Join(seen, ""), s.requested.RoleID, "the search looks at real text")
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

func historyJSON(t *testing.T, s *stack, id string) string {
	t.Helper()
	h := history(s, id)
	b, err := protojson.Marshal(h)
	require.NoError(t, err)
	// Payloads are base64 in JSON: the text of the events has them in clear.
	var text strings.Builder
	text.Write(b)
	for _, e := range h.Events {
		text.WriteString(e.String())
	}
	return text.String()
}

func databaseBytes(t *testing.T, databaseURL string) []string {
	t.Helper()
	out, err := testbed.DatabaseText(databaseURL)
	require.NoError(t, err)
	return out
}
