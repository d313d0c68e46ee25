package workflows

import "go.temporal.io/sdk/workflow"

// Named versions: each is one change of the commands of workflows that may have been running
// when it landed. Histories from before it replay on the old branch, which stays, tested, until
// no release that lacks the change can have left an open workflow. A name is never used again.
const (
	// inputLimitsVersion: inputs are held to limits (see checkInput).
	inputLimitsVersion = "inputLimits"
	// stopsAreRecorded: an activity verifies and records who cancels or ends a request before
	// the workflow acts on it.
	stopsAreRecorded = "stops-are-recorded"
	// quarantineIsRecorded: the same for decisions about a quarantined snapshot.
	quarantineIsRecorded = "quarantine-decisions-are-recorded"
	// writersUpgrade: a writer wakes now and then, and moves to a new build of the worker.
	writersUpgrade = "writers-upgrade"
)

// since says that a workflow runs with a change of that name: all do that reach it from now
// on, and none whose history was recorded before.
func since(ctx workflow.Context, change string) bool {
	return workflow.GetVersion(ctx, change, workflow.DefaultVersion, 1) != workflow.DefaultVersion
}
