package wire

import "time"

// SyncInput says what to sync.
type SyncInput struct {
	// Collections to walk; all of them if empty.
	Collections []string `json:"collections,omitempty"`
	// Console to sync, as host and port, if any. A worker of another one ends the
	// sync with Conflict; if empty, whichever console the worker serves is synced.
	Console string `json:"console,omitempty"`
}

// UnmarshalJSON refuses fields it does not know, so that a misspelt "colections"
// is an error and not a full sync.
func (in *SyncInput) UnmarshalJSON(data []byte) error {
	type plain SyncInput
	return strict(data, (*plain)(in))
}

// States of a sync. The first three are also how it ends.
const (
	StatePromoted    = "promoted"
	StateUnchanged   = "unchanged"
	StateQuarantined = "quarantined"
	StateChecking    = "checking"
	StateDraining    = "draining"
	StateSettling    = "settling"
	StateFailed      = "failed"
)

// SyncResult is what one sync came to.
type SyncResult struct {
	Snapshot   string    `json:"snapshot"`
	State      string    `json:"state"` // promoted, unchanged or quarantined
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`
	// Counts has a row count per collection synced, and one of "assignments".
	Counts   map[string]int    `json:"counts"`
	Changes  AssignmentChanges `json:"changes"`
	Requests int               `json:"requests"` // sent to the console
	Warnings []string          `json:"warnings"`
}

// AssignmentChanges counts assignments that came and went between two snapshots.
type AssignmentChanges struct {
	Added   int `json:"added"`
	Removed int `json:"removed"`
}

// SyncStatus answers [StatusQuery] on a Sync.
type SyncStatus struct {
	State       string                      `json:"state"`
	Console     string                      `json:"console,omitempty"`
	Snapshot    string                      `json:"snapshot"`
	StartedAt   time.Time                   `json:"startedAt"`
	Collections map[string]CollectionStatus `json:"collections"`
	// Waiting says what the sync is waiting for, in a sentence; "" while it moves.
	Waiting string `json:"waiting,omitempty"`
	// TokenExpiresAt is when the console's API token ends, where it says so.
	TokenExpiresAt *time.Time  `json:"tokenExpiresAt,omitempty"`
	Quarantine     *Quarantine `json:"quarantine,omitempty"`
	Warnings       []string    `json:"warnings"`
	Result         *SyncResult `json:"result,omitempty"`
}

// CollectionStatus is how far one collection is.
type CollectionStatus struct {
	State string `json:"state"` // waiting, draining, proven or doubtful
	// Attempt counts from 1; more than 1 means that it was drained again.
	Attempt  int    `json:"attempt,omitempty"`
	Pages    int    `json:"pages"`
	Rows     int    `json:"rows"`
	Expected *int   `json:"expected,omitempty"` // by the console's own count
	Waiting  string `json:"waiting,omitempty"`  // the last error, while it is waited out
}

// States of a collection.
const (
	CollectionWaiting  = "waiting"
	CollectionDraining = "draining"
	CollectionProven   = "proven"
	CollectionDoubtful = "doubtful"
)

// Quarantine says why a snapshot is held back and who decided about it.
type Quarantine struct {
	Reasons  []string  `json:"reasons"`
	Until    time.Time `json:"until"`              // dropped then, if nobody has decided
	Decision string    `json:"decision,omitempty"` // confirm or discard
	By       string    `json:"by,omitempty"`       // as claimed
}

// QuarantineDecision is the payload of [ConfirmUpdate] and [DiscardUpdate].
type QuarantineDecision struct {
	By string `json:"by"` // who decides
}

// UnmarshalJSON refuses fields it does not know.
func (d *QuarantineDecision) UnmarshalJSON(data []byte) error {
	type plain QuarantineDecision
	return strict(data, (*plain)(d))
}

// Decided answers a decision: what the sync came to by it.
type QuarantineAnswer struct {
	Snapshot string `json:"snapshot"`
	Decision string `json:"decision"` // confirm or discard
	By       string `json:"by"`
	State    string `json:"state"` // of the sync afterwards
}
