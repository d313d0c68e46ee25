package wire

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// SyncBeginInput is the input of [SyncBeginActivity], which opens a snapshot.
type SyncBeginInput struct {
	Snapshot    string              `json:"snapshot"` // chosen by the workflow
	Collections []access.Collection `json:"collections"`
	StartedAt   time.Time           `json:"startedAt"`
	// Console, if given, must be the one that the worker serves: its host and port, if any.
	Console string `json:"console,omitempty"`
}

// SyncBeginResult names the console of the snapshot.
type SyncBeginResult struct {
	Console string `json:"console"` // host and port, if any
	// Skipped says why there is no snapshot: another sync reads the same; "" if there is one.
	Skipped string `json:"skipped,omitempty"`
}

// SyncCheckInput is the input of [SyncCheckActivity]: what the sync is about to read.
type SyncCheckInput struct {
	Snapshot    string              `json:"snapshot"`
	Collections []access.Collection `json:"collections"`
}

// SyncCheckResult is what the console reports before a sync reads it.
type SyncCheckResult struct {
	// Expected has the console's own count per collection, if it gave one.
	Expected       map[access.Collection]int `json:"expected"`
	TokenExpiresAt *time.Time                `json:"tokenExpiresAt,omitempty"`
	Warnings       []string                  `json:"warnings,omitempty"`
	Requests       int                       `json:"requests"` // sent to the console
}

// SyncDiscardInput is the input of [SyncDiscardActivity], which drops a snapshot.
type SyncDiscardInput struct {
	Snapshot string `json:"snapshot"`
	By       string `json:"by,omitempty"` // who decided, as claimed
	Why      string `json:"why"`
	// Failed says that the sync failed; false: a person discarded it, or nobody decided.
	Failed bool `json:"failed,omitempty"`
}

// SyncDrainInput is the input of [SyncDrainActivity]: the collection to drain.
type SyncDrainInput struct {
	Snapshot   string            `json:"snapshot"`
	Collection access.Collection `json:"collection"`
	// Attempt counts from 1. A higher number than the store knows starts over and drops what
	// the earlier drain received; the same number resumes.
	Attempt int `json:"attempt"`
	// Expected is the console's count before the drain; nil if unknown.
	Expected *int `json:"expected,omitempty"`
	// Limit is the number of rows to ask for at once; 0 for as many as a console gives.
	Limit int `json:"limit,omitempty"`
}

// SyncDrainResult is the result of a complete drain.
type SyncDrainResult struct {
	Pages    int  `json:"pages"`
	Rows     int  `json:"rows"`     // distinct ids
	Expected *int `json:"expected"` // by the console's last count
	// Doubt says why the drain does not prove that every row was received; "" if it does.
	Doubt      string `json:"doubt,omitempty"`
	Unassigned int    `json:"unassigned,omitempty"` // role entries without a role id
	Requests   int    `json:"requests"`             // sent to the console
	// Limit is the Limit of the next drain, as a larger page would not fit into memory; 0 if
	// every page did.
	Limit int `json:"limit,omitempty"`
}

// SyncPromoteInput is the input of [SyncPromoteActivity], which promotes a quarantined snapshot.
type SyncPromoteInput struct {
	Snapshot    string              `json:"snapshot"`
	Collections []access.Collection `json:"collections"`
	By          string              `json:"by"` // who confirmed, as claimed
}

const (
	// MaxDrains is how often a collection is drained in one go before its doubt stands. A console in use settles
	// within one or two.
	MaxDrains = 4
	// MaxRounds bounds how often overtaken collections are drained again.
	MaxRounds = 5
)

// PauseBetweenDrains lets a console that is being edited come to rest.
func PauseBetweenDrains(attempt int) time.Duration {
	return time.Duration(attempt*attempt) * time.Second
}

// SyncSettleInput is the input of [SyncSettleActivity], which promotes or quarantines the
// snapshot once all its collections are drained.
type SyncSettleInput struct {
	Snapshot    string              `json:"snapshot"`
	Collections []access.Collection `json:"collections"`
	// Doubts has the collections whose drain does not prove them complete, with the reason.
	Doubts map[access.Collection]string `json:"doubts,omitempty"`
	// Rechecked says that the collections were drained a second time: role counts that still
	// differ are then a warning only.
	Rechecked bool `json:"rechecked,omitempty"`
	// Attempts has the number of the latest drain of each collection, so that one which the
	// database has lost meanwhile is noticed. None: not known.
	Attempts map[access.Collection]int `json:"attempts,omitempty"`
}

// SyncSettleResult is what happens to the snapshot.
type SyncSettleResult struct {
	State string `json:"state"` // a Settled state, StatePromoted or StateUnchanged
	// Again has the collections to drain once more, in state SettledAgain.
	Again    []access.Collection `json:"again,omitempty"`
	Why      string              `json:"why,omitempty"`     // of Again
	Recheck  bool                `json:"recheck,omitempty"` // see SyncSettleInput.Rechecked
	Reasons  []string            `json:"reasons,omitempty"` // of the quarantine
	Counts   map[string]int      `json:"counts,omitempty"`
	Added    int                 `json:"added"`   // assignments
	Removed  int                 `json:"removed"` // assignments
	Warnings []string            `json:"warnings,omitempty"`
	Requests int                 `json:"requests"` // sent to the console
	At       time.Time           `json:"at"`
	// Drift is as in SyncResult.
	Drift map[string]int `json:"drift,omitempty"`
	// LedgerHead is the head of the ledger then; nil while it is empty.
	LedgerHead *access.LedgerHead `json:"ledgerHead,omitempty"`
	Feed       *FeedMeasure       `json:"feed,omitempty"` // see SyncResult
}

// SyncDeltaInput is the input of [SyncDeltaActivity].
type SyncDeltaInput struct {
	Snapshot string `json:"snapshot"` // chosen by the workflow; the snapshot of what has changed gets it
	// Console, if given, must be the one that the worker serves: its host and port, if any.
	Console string `json:"console,omitempty"`
}

// SyncDeltaResult is what a delta sync changed, or why it changed nothing.
type SyncDeltaResult struct {
	Console string `json:"console"` // host and port, if any
	// Full says why only a full sync can be sure; then nothing was changed. "": the delta is done.
	Full string `json:"full,omitempty"`
	// Settled is what was changed: its state is StatePromoted or StateUnchanged. With Full only Requests is set.
	Settled SyncSettleResult `json:"settled"`
}

// States of a settled snapshot, besides [StatePromoted] and [StateUnchanged].
const (
	SettledAgain       = "again"
	SettledQuarantined = "quarantined"
)
