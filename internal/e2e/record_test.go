//go:build record

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/workflows"
)

// TestRecordHistories records one history per outcome of a sync, from our worker
// on a real dev server, into workflows/testdata/histories/$RELEASE/Sync. Run it
// with `make histories RELEASE=…` on code that has landed; a recorded file is
// never edited and never recorded over.
func TestRecordHistories(t *testing.T) { //nolint:paralleltest // one recording after the other
	root, err := testbed.ModuleRoot()
	require.NoError(t, err)
	release := os.Getenv("RELEASE")
	require.NotEmpty(t, release, "say which release this is: make histories RELEASE=0.1.0")
	dir := filepath.Join(root, "workflows", "testdata", "histories", release, workflows.SyncType)
	require.NoError(t, os.MkdirAll(dir, 0o755))

	for name, scenario := range map[string]func(*stack) string{
		"promoted":               recordPromoted,
		"unchanged":              recordUnchanged,
		"some_collections":       recordSubset,
		"walked_again":           recordWalkedAgain,
		"waited_out":             recordWaitedOut,
		"quarantined_confirmed":  recordConfirmed,
		"quarantined_discarded":  recordDiscarded,
		"quarantined_cancelled":  recordCancelledInQuarantine,
		"forbidden":              recordForbidden,
		"cancelled_while_paging": recordCancelled,
		"unknown_collection":     recordUnknownCollection,
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, name+".json")
			require.NoFileExists(t, file, "a recorded history is never recorded over")
			s := newStack(t, consoletest.Options{Seed: 71, Users: 60})
			s.startWorker()
			id := scenario(s)
			h := history(s, id)
			body, err := protojson.MarshalOptions{Indent: " "}.Marshal(h)
			require.NoError(t, err)
			var stable json.RawMessage = body // protojson varies its white space on purpose
			body, err = json.MarshalIndent(stable, "", " ")
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(file, append(anonymous(body), '\n'), 0o644))
		})
	}
	writeManifest(t, filepath.Join(root, "workflows", "testdata", "histories"))
}

// Where a history says on which machine it was recorded: who took or sent
// something, and the sticky queue, which is named after the host.
var (
	identity = regexp.MustCompile(`"identity": "[^"]*"`)
	sticky   = regexp.MustCompile(`"name": "[^"]*",(\s*"kind": "TASK_QUEUE_KIND_STICKY")`)
)

func anonymous(body []byte) []byte {
	body = identity.ReplaceAll(body, []byte(`"identity": "recorder"`))
	return sticky.ReplaceAll(body, []byte(`"name": "sticky",$1`))
}

// writeManifest lists every recorded history, so that a lost one is noticed.
func writeManifest(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*.json"))
	require.NoError(t, err)
	for i, f := range files {
		files[i], err = filepath.Rel(dir, f)
		require.NoError(t, err)
	}
	slices.Sort(files)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "MANIFEST"), []byte(strings.Join(files, "\n")+"\n"), 0o644))
}

func recordPromoted(s *stack) string {
	run := s.startSync("", workflows.SyncInput{})
	require.Equal(s.t, workflows.StatePromoted, s.result(run).State)
	return run.GetID()
}

func recordUnchanged(s *stack) string {
	s.sync("-first")
	run := s.startSync("", workflows.SyncInput{})
	require.Equal(s.t, workflows.StateUnchanged, s.result(run).State)
	return run.GetID()
}

func recordSubset(s *stack) string {
	run := s.startSync("", workflows.SyncInput{Collections: []string{"users", "roles"}})
	require.Equal(s.t, workflows.StatePromoted, s.result(run).State)
	return run.GetID()
}

func recordWalkedAgain(s *stack) string {
	s.console.AddFault(consoletest.Fault{
		Name: consoletest.Vanish, Path: "/users", Only: consoletest.OnlyPages, Times: 1,
	})
	return recordPromoted(s)
}

func recordWaitedOut(s *stack) string {
	s.console.AddFault(consoletest.Fault{
		Name: consoletest.RateLimited, Path: "/users", Times: 2, RetryAfter: time.Second,
	})
	return recordPromoted(s)
}

func recordQuarantined(s *stack) string {
	s.sync("-first")
	s.console.RemoveUsers(30)
	run := s.startSync("", workflows.SyncInput{})
	s.untilState(run, workflows.StateQuarantined)
	return run.GetID()
}

func recordConfirmed(s *stack) string { return recordDecided(s, "confirm") }
func recordDiscarded(s *stack) string { return recordDecided(s, "discard") }

func recordDecided(s *stack, decision string) string {
	id := recordQuarantined(s)
	got := s.starter(decision, "--id", id, "--by", "carol@example.com")
	require.Zero(s.t, got.code, got.stderr)
	require.NoError(s.t, s.client.GetWorkflow(s.ctx(), id, "").Get(s.ctx(), nil))
	return id
}

func recordCancelledInQuarantine(s *stack) string {
	id := recordQuarantined(s)
	require.NoError(s.t, s.client.CancelWorkflow(s.ctx(), id, ""))
	require.Error(s.t, s.client.GetWorkflow(s.ctx(), id, "").Get(s.ctx(), nil))
	return id
}

func recordForbidden(s *stack) string {
	s.console.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: "/users", Only: consoletest.OnlyPages})
	run := s.startSync("", workflows.SyncInput{})
	require.Error(s.t, run.Get(s.ctx(), nil))
	return run.GetID()
}

func recordCancelled(s *stack) string {
	s.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users", Only: consoletest.OnlyPages})
	run := s.startSync("", workflows.SyncInput{})
	require.NoError(s.t, s.console.WaitForRequests(s.ctx(), 2, pageOf("/users")))
	require.NoError(s.t, s.client.CancelWorkflow(s.ctx(), run.GetID(), ""))
	require.Error(s.t, run.Get(s.ctx(), nil))
	return run.GetID()
}

func recordUnknownCollection(s *stack) string {
	run := s.startSync("", workflows.SyncInput{Collections: []string{"groups"}})
	require.Error(s.t, run.Get(s.ctx(), nil))
	return run.GetID()
}
