package workflows

// Every name in this file is on the wire: in histories, in people's scripts and
// in running workflows. Renaming one breaks them; add a new one instead.

// Workflow types.
const (
	SyncType = "Sync"
)

// Messages.
const (
	// StatusQuery answers with everything a person wants to know, on every workflow.
	StatusQuery = "status"
	// ConfirmUpdate promotes a quarantined snapshot.
	ConfirmUpdate = "confirm"
	// DiscardUpdate drops a quarantined snapshot.
	DiscardUpdate = "discard"
)

// DefaultTaskQueue is where workflows and reads wait unless TASK_QUEUE says
// otherwise.
const DefaultTaskQueue = "sentinelone"

const syncPrefix = "sync/"

// SyncID is the customary workflow id of a console's sync; any other works too.
// The console is its host and port, as in "acmeco.sentinelone.net".
func SyncID(console string) string { return syncPrefix + console }
