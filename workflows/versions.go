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
	// reviewsLeaveTheIndex: search attributes are updated when a review is over and the access
	// goes on.
	reviewsLeaveTheIndex = "reviews-leave-the-index"
	// waitersAreWoken: the writer wakes the activity that waits for its answer. Before, that
	// activity held a slot of a worker for a minute, and asked again.
	waitersAreWoken = "waiters-are-woken"
	// overdueAfterAMinute: a writer releases a lease a minute after its end, not fifteen minutes.
	overdueAfterAMinute = "overdue-after-a-minute"
	// endsRelease: a request whose access may be on the console releases it, however it ends.
	endsRelease = "ends-release"
	// confirmationsMakeRoom: a writer that reads again and again whether a principal is gone gives
	// up its turn when its history is long. Its next run goes on.
	confirmationsMakeRoom = "confirmations-make-room"
	// windowsEnd: the time to decide ends when the requested window is over.
	windowsEnd = "windows-end"
	// denialsStand: a request that is cancelled while an earlier denial is recorded ends denied.
	denialsStand = "denials-stand"
	// writersAskOnce: a run of a writer takes all older changes with this one, since each is an
	// event and an update of the index. While nothing is leased it looks after no new build: it
	// ends with the change under way.
	writersAskOnce = "writers-ask-once"
)

// since says that a workflow runs with a change of that name: all do that reach it from now
// on, and none whose history was recorded before.
func since(ctx workflow.Context, change string) bool {
	return workflow.GetVersion(ctx, change, workflow.DefaultVersion, 1) != workflow.DefaultVersion
}

// ReleaseOf is the first release whose workflows have a change of that name, such as 0.6.0; "" for
// changes from before 0.6.0, and for names of others. While a release may have to be rolled back,
// workers let no workflow take a change that the release before does not know (ROLLBACK_TO).
func ReleaseOf(change string) string {
	switch change {
	case writersUpgrade, reviewsLeaveTheIndex, waitersAreWoken, overdueAfterAMinute, endsRelease,
		confirmationsMakeRoom, windowsEnd, denialsStand:
		return "0.6.0"
	case writersAskOnce:
		return "0.9.0"
	case nextBuildStep:
		return "99.0.0"
	default:
		return ""
	}
}
