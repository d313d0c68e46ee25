package workflows_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/codec"
	"sentinelone-provisioner/internal/telemetry"
	"sentinelone-provisioner/workflows"
)

const histories = "testdata/histories"

// recordedReleases are the releases with recorded histories, oldest first. Each has a folder
// below histories, into which `make histories RELEASE=x.y.z` records every outcome of every
// workflow, and what is open. Add a release here in the commit that adds its folder.
var recordedReleases = []string{"0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "0.9.0"}

// testKeys are the payload keys of the histories named encrypted_…. They are only for tests.
const testKeys = "testdata/payload-keys-for-tests"

// Every history ever recorded still replays on the workflows as they are now: of workflows that
// ended, of open ones, and of those with encrypted payloads.
func TestReplay_RecordedHistories(t *testing.T) {
	t.Parallel()
	for _, name := range present(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replay(t, name), "deploying this change stops workflows that are running now: "+
				"put it behind a named version predicate and keep the old branch (see CONTRIBUTING.md)")
		})
	}
}

// Traces change no command: what was recorded without them replays with them.
func TestReplay_WithTraces(t *testing.T) {
	t.Parallel()
	var ended tracetest.SpanRecorder
	traces, err := telemetry.NewTraces(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(&ended)))
	require.NoError(t, err)
	var with []interceptor.WorkerInterceptor
	for _, i := range traces.Interceptors() {
		both, is := i.(interceptor.WorkerInterceptor)
		require.True(t, is)
		with = append(with, both)
	}
	for _, name := range present(t) {
		require.NoError(t, replay(t, name, with...), name)
	}
	require.NotEmpty(t, ended.Started())
}

// replay replays a recorded history on the workflows as they are now.
func replay(t *testing.T, name string, with ...interceptor.WorkerInterceptor) error {
	t.Helper()
	var keys codec.Keys
	var err error
	if strings.HasPrefix(filepath.Base(name), "encrypted_") {
		keys, err = codec.ReadKeys(testKeys)
		require.NoError(t, err)
	}
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
		DataConverter: codec.DataConverter(keys), DisableRegistrationAliasing: true, Interceptors: with,
	})
	require.NoError(t, err)
	workflows.Register(replayer)
	return replayer.ReplayWorkflowHistoryFromJSONFile(nil, filepath.Join(histories, name))
}

// isOpen says whether a history is of a workflow that had not ended.
func isOpen(name string) bool {
	return strings.HasPrefix(strings.TrimPrefix(filepath.Base(name), "encrypted_"), "open_")
}

// The releases listed here and the folders agree, so that a lost folder does not pass for a
// proof.
func TestReplay_ReleasesArePresent(t *testing.T) {
	t.Parallel()
	folders := []string{}
	for _, name := range present(t) {
		release, _, _ := strings.Cut(filepath.ToSlash(name), "/")
		if !slices.Contains(folders, release) {
			folders = append(folders, release)
		}
	}
	require.ElementsMatch(t, recordedReleases, folders)
}

// The manifest and the folders agree, so that a lost history does not pass for a proof.
func TestReplay_ManifestIsComplete(t *testing.T) {
	t.Parallel()
	require.Equal(t, inManifest(t), present(t))
}

// Each type of workflow has a history.
func TestReplay_EachWorkflowHasHistories(t *testing.T) {
	t.Parallel()
	recorded := map[string]bool{}
	for _, name := range present(t) {
		recorded[filepath.Base(filepath.Dir(name))] = true
	}
	var types registeredTypes
	workflows.Register(&types)
	for _, kind := range types {
		require.True(t, recorded[kind], "no history of %s: run `make histories`", kind)
	}
}

// From 0.6.0 on, each release has histories of workflows that were open when it came: of grants in
// force, in review and waiting for people, of a writer with a lease, and encrypted ones.
func TestReplay_OpenWorkflowsAreRecorded(t *testing.T) {
	t.Parallel()
	all := present(t)
	for _, release := range recordedReleases {
		if release == "0.4.0" || release == "0.5.0" {
			continue
		}
		for _, name := range []string{
			"Grant/open_active", "Grant/open_awaiting_approval", "Grant/open_in_review", "Grant/open_extension_pending",
			"Grant/open_releasing", "Grant/encrypted_open_active", "Principal/open_lease", "Principal/open_releasing",
			"Principal/encrypted_open_lease", "Revoke/open_awaiting_approval", "Sync/open_quarantined",
		} {
			require.Contains(t, all, filepath.FromSlash(release+"/"+name+".json"))
		}
	}
}

// registeredTypes takes down the workflow types that are registered with it.
type registeredTypes []string

func (r *registeredTypes) RegisterWorkflowWithOptions(_ any, options workflow.RegisterOptions) {
	*r = append(*r, options.Name)
}

// Each history ends with its workflow, and one of an open workflow with what its last task did or
// with what came since: the replayer passes over an open last task without a word.
func TestReplay_HistoriesAreWhole(t *testing.T) {
	t.Parallel()
	ends := regexp.MustCompile(`EVENT_TYPE_WORKFLOW_EXECUTION_(COMPLETED|FAILED|CANCELED)"`)
	tasks := regexp.MustCompile(`EVENT_TYPE_WORKFLOW_TASK_\w+`)
	for _, name := range present(t) {
		body, err := os.ReadFile(filepath.Join(histories, name))
		require.NoError(t, err)
		require.Equal(t, !isOpen(name), ends.Match(body), name)
		all := tasks.FindAllString(string(body), -1)
		require.Equal(t, "EVENT_TYPE_WORKFLOW_TASK_COMPLETED", all[len(all)-1], name)
	}
}

// present are the recorded histories that are there, as release/type/outcome.json.
func present(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(histories, "*", "*", "*.json"))
	require.NoError(t, err)
	out := []string{}
	for _, f := range files {
		name, err := filepath.Rel(histories, f)
		require.NoError(t, err)
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// inManifest are the histories that recording them has listed; none before the first release.
func inManifest(t *testing.T) []string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(histories, "MANIFEST"))
	if len(recordedReleases) == 0 && errors.Is(err, fs.ErrNotExist) {
		return []string{}
	}
	require.NoError(t, err)
	return strings.Fields(string(body))
}
