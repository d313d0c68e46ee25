package workflows_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"

	"sentinelone-provisioner/internal/codec"
	"sentinelone-provisioner/workflows"
)

const histories = "testdata/histories"

// Every history ever recorded still replays on the workflows as they are now.
func TestReplay_RecordedHistories(t *testing.T) {
	t.Parallel()
	for _, name := range recorded(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
				DataConverter:               codec.DataConverter(nil),
				DisableRegistrationAliasing: true,
			})
			require.NoError(t, err)
			workflows.Register(replayer)
			err = replayer.ReplayWorkflowHistoryFromJSONFile(nil, filepath.Join(histories, name))
			require.NoError(t, err, "deploying this change stops workflows that are running now: "+
				"put it behind a named version predicate and keep the old branch (see CONTRIBUTING.md)")
		})
	}
}

// The manifest and the folder agree, so that a lost history does not pass for a
// proof.
func TestReplay_ManifestIsComplete(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(histories, "*", "*", "*.json"))
	require.NoError(t, err)
	for i, f := range files {
		files[i], err = filepath.Rel(histories, f)
		require.NoError(t, err)
	}
	slices.Sort(files)
	require.Equal(t, recorded(t), files)
}

// Each history ends with its workflow: the replayer passes over an open last task
// without a word.
func TestReplay_HistoriesAreWhole(t *testing.T) {
	t.Parallel()
	for _, name := range recorded(t) {
		body, err := os.ReadFile(filepath.Join(histories, name))
		require.NoError(t, err)
		require.Regexp(t, `EVENT_TYPE_WORKFLOW_EXECUTION_(COMPLETED|FAILED|CANCELED)`, string(body), name)
	}
}

func recorded(t *testing.T) []string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(histories, "MANIFEST"))
	require.NoError(t, err)
	return strings.Fields(string(body))
}
