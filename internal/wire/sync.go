package wire

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// SyncInput is the input of workflow Sync.
type SyncInput struct {
	// Collections are those to sync, as in "users"; empty: all.
	Collections []string `json:"collections,omitempty"`
	// Console is the console to sync: its host and port, if any. The worker of another console
	// fails the sync with Conflict. "" is the console that the worker serves.
	Console string `json:"console,omitempty"`
	// Mode is ModeFull or ModeDelta; "" is ModeFull. A delta sync covers all collections, and becomes a full one where
	// it cannot be sure that it sees every change.
	Mode string `json:"mode,omitempty"`
	// By is who starts the sync, as claimed; "" for a schedule. This person does not confirm
	// it if it is quarantined.
	By string `json:"by,omitempty"`
}

// UnmarshalJSON fails on unknown fields, so that a misspelt "colections" is an error and not a
// full sync.
func (in *SyncInput) UnmarshalJSON(data []byte) error {
	type plain SyncInput
	return strict(data, (*plain)(in))
}

// Modes of a sync.
const (
	ModeFull  = "full"
	ModeDelta = "delta"
)

// States of a sync. It ends promoted, unchanged, failed, or quarantined if the snapshot was
// discarded or nobody decided in time.
const (
	StatePromoted    = "promoted"
	StateUnchanged   = "unchanged"
	StateQuarantined = "quarantined"
	StateChecking    = "checking"
	StateDraining    = "draining"
	StateSettling    = "settling"
	StateFailed      = "failed"
)

// SyncResult is the result of workflow Sync.
type SyncResult struct {
	Snapshot   string    `json:"snapshot"`
	State      string    `json:"state"` // promoted, unchanged or quarantined
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`
	// Counts has the number of rows per synced collection, and of "assignments".
	Counts   map[string]int    `json:"counts"`
	Changes  AssignmentChanges `json:"changes"`
	Requests int               `json:"requests"` // sent to the console
	Warnings []string          `json:"warnings"`
	// Drift counts the assignments that the ledger does not explain, by kind: "overdue", "unexplained",
	// "missing" and "unauthorized"; nil where that could not be told, and in results of versions up to 0.5.0.
	Drift map[string]int `json:"drift,omitempty"`
	// LedgerHead is the head of the ledger when the sync was settled; nil while the ledger is empty.
	LedgerHead *access.LedgerHead `json:"ledgerHead,omitempty"`
	// Mode is ModeDelta for the result of a delta sync; "" for one of a full sync.
	Mode string `json:"mode,omitempty"`
	// FullBecause says why a delta sync became a full one; "" if none was asked for.
	FullBecause string `json:"fullBecause,omitempty"`
	// Skipped says why a sync that a schedule has started read nothing: another one, which was under way, reads the
	// same. "" if it was not skipped.
	Skipped string `json:"skipped,omitempty"`
	// Feed is how much the console's activity feed missed since the last full sync; nil where that was not measured.
	Feed *FeedMeasure `json:"feed,omitempty"`
}

// FeedMeasure says how many changes between two full syncs the activity feed did not name: delta syncs cannot see
// those.
type FeedMeasure struct {
	Missed  int `json:"missed"`  // of Changes
	Changes int `json:"changes"` // rows that were new, changed or gone, each time that a sync found one so
}

// AssignmentChanges counts the assignments that were added and removed between two snapshots.
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
	// Waiting says in a sentence what the sync waits for; "" if for nothing.
	Waiting string `json:"waiting,omitempty"`
	// TokenExpiresAt is when the API token expires; nil if the console does not say.
	TokenExpiresAt *time.Time  `json:"tokenExpiresAt,omitempty"`
	Quarantine     *Quarantine `json:"quarantine,omitempty"`
	Warnings       []string    `json:"warnings"`
	Result         *SyncResult `json:"result,omitempty"` // nil until the sync has ended
}

// CollectionStatus is the progress of one collection.
type CollectionStatus struct {
	State string `json:"state"` // waiting, draining, proven or doubtful
	// Attempt is the number of drains, from 1: over 1 if it was drained again.
	Attempt  int    `json:"attempt,omitempty"`
	Pages    int    `json:"pages"`
	Rows     int    `json:"rows"`
	Expected *int   `json:"expected,omitempty"` // by the console's own count
	Waiting  string `json:"waiting,omitempty"`  // the last error, until a retry succeeds
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
	Until    time.Time `json:"until"`              // the snapshot is discarded then, unless someone decides
	Decision string    `json:"decision,omitempty"` // confirm or discard
	By       string    `json:"by,omitempty"`       // as claimed
}

// QuarantineDecision is the payload of [ConfirmUpdate] and [DiscardUpdate].
type QuarantineDecision struct {
	By      string `json:"by"` // who decides; a claim, unless it is signed
	Comment string `json:"comment,omitempty"`

	Signed
}

// UnmarshalJSON fails on unknown fields.
func (d *QuarantineDecision) UnmarshalJSON(data []byte) error {
	type plain QuarantineDecision
	return strict(data, (*plain)(d))
}

// QuarantineAnswer answers [ConfirmUpdate] and [DiscardUpdate].
type QuarantineAnswer struct {
	Snapshot string `json:"snapshot"`
	Decision string `json:"decision"` // confirm or discard
	By       string `json:"by"`
	State    string `json:"state"` // of the sync afterwards
	// Pending says which confirmations are still missing, as in "for 1 of 2 from owners"; "" if
	// none are.
	Pending string `json:"pending,omitempty"`
}
