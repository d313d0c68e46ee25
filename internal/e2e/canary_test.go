package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/workflows"
)

const (
	tokenCanary        = "CANARY-TOKEN-1f9c0d"  // finding it anywhere is the failure
	registrationCanary = "CANARY-REGISTRATION-" // begins every registration token
)

// With a token and registration tokens that can be recognised, neither occurs in
// any history, log line, database file, error text, status or output: not on the
// good path, not while faults are waited out, not when the token is refused.
func TestCanary_SecretsAppearNowhere(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 53, Users: 1500, Token: tokenCanary, SecretMark: registrationCanary})
	for _, kind := range consoletest.FaultKinds() {
		if !final(kind) {
			s.console.AddFault(consoletest.Fault{Name: kind, Path: "/sites", Times: 1, Delay: 1})
			s.console.AddFault(consoletest.Fault{Name: kind, Path: "/users", Times: 1, Delay: 1})
		}
	}
	s.startWorker()
	var seen []string
	keep := func(a answer) { seen = append(seen, a.stdout, a.stderr) }

	run := s.startSync("", workflows.SyncInput{})
	s.result(run)
	keep(s.starter("check"))
	keep(s.starter("access", "--role", "Admin"))
	keep(s.starter("export", "--format", "json"))
	keep(s.starter("export", "--format", "csv"))
	keep(answer{stdout: inJSON(t, s.status(run))})

	s.console.AddFault(consoletest.Fault{Name: consoletest.Unauthorized, Path: "/users", Only: consoletest.OnlyPages})
	refused := s.startSync("-refused", workflows.SyncInput{})
	err := refused.Get(s.ctx(), nil)
	require.ErrorContains(t, err, "401")
	seen = append(seen, err.Error(), s.said.String())
	seen = append(seen, historyJSON(t, s, run.GetID()), historyJSON(t, s, refused.GetID()))
	keep(s.starter("sync", "--wait", "--id", s.id("-third")))
	keep(s.starter("check"))

	_, err = s.worker.Stop(limit)
	require.NoError(t, err)
	seen = append(seen, databaseBytes(t, s.database)...)
	for _, text := range seen {
		require.NotContains(t, text, tokenCanary)
		require.NotContains(t, text, registrationCanary)
	}
	require.Contains(t, strings.Join(seen, ""), "Admin", "the search looks at real text")
}

func inJSON(t *testing.T, v any) string {
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
	// Payloads are base64 in JSON; look at what is in them too.
	var text strings.Builder
	text.Write(b)
	for _, e := range h.Events {
		text.WriteString(e.String())
	}
	return text.String()
}

func databaseBytes(t *testing.T, databaseURL string) []string {
	t.Helper()
	files, err := filepath.Glob(strings.TrimPrefix(databaseURL, "sqlite://") + "*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	out := make([]string, 0, len(files))
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		out = append(out, string(b))
	}
	return out
}
