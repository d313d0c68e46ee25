package wire

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// SyncBeginInput opens a snapshot.
type SyncBeginInput struct {
	Snapshot    string              `json:"snapshot"` // chosen by the workflow
	Collections []access.Collection `json:"collections"`
	StartedAt   time.Time           `json:"startedAt"`
	// Console, if given, must be the one the worker serves.
	Console string `json:"console,omitempty"`
}

// SyncBeginResult says whose snapshot it is.
type SyncBeginResult struct {
	Console string `json:"console"` // host and port, if any
}

// SyncCheckInput says what a sync is about to read.
type SyncCheckInput struct {
	Snapshot    string              `json:"snapshot"`
	Collections []access.Collection `json:"collections"`
}

// SyncCheckResult is what the console said of itself.
type SyncCheckResult struct {
	// Expected has the console's own count per collection, where it gave one.
	Expected       map[access.Collection]int `json:"expected"`
	TokenExpiresAt *time.Time                `json:"tokenExpiresAt,omitempty"`
	Warnings       []string                  `json:"warnings,omitempty"`
	Requests       int                       `json:"requests"`
}

// SyncDiscardInput drops a snapshot.
type SyncDiscardInput struct {
	Snapshot string `json:"snapshot"`
	By       string `json:"by,omitempty"` // who decided, as claimed
	Why      string `json:"why"`
	// Failed tells a sync that broke off from one that someone discarded.
	Failed bool `json:"failed,omitempty"`
}

// SyncDrainInput says which collection to walk.
type SyncDrainInput struct {
	Snapshot   string            `json:"snapshot"`
	Collection access.Collection `json:"collection"`
	// Attempt counts from 1. A higher one than the store knows starts over and
	// drops what the earlier one received; the same one resumes.
	Attempt int `json:"attempt"`
	// Expected is the console's count from before the walk; nil if unknown.
	Expected *int `json:"expected,omitempty"`
}

// SyncDrainResult is what a whole walk came to.
type SyncDrainResult struct {
	Pages    int  `json:"pages"`
	Rows     int  `json:"rows"`     // distinct ids
	Expected *int `json:"expected"` // by the console's last count
	// Doubt says why the walk does not prove that every row was seen; "" if it
	// does.
	Doubt      string `json:"doubt,omitempty"`
	Unassigned int    `json:"unassigned,omitempty"` // role entries without a role id
	Requests   int    `json:"requests"`
}

// SyncPromoteInput promotes a quarantined snapshot.
type SyncPromoteInput struct {
	Snapshot    string              `json:"snapshot"`
	Collections []access.Collection `json:"collections"`
	By          string              `json:"by"` // who confirmed, as claimed
}

// SyncSettleInput asks for the end of a sync whose collections have all been walked.
type SyncSettleInput struct {
	Snapshot    string              `json:"snapshot"`
	Collections []access.Collection `json:"collections"`
	// Doubts has the collections that still do not balance, each with the reason.
	Doubts map[access.Collection]string `json:"doubts,omitempty"`
	// Rechecked says that the collections were drained a second time already: role counts
	// that still differ are a warning then.
	Rechecked bool `json:"rechecked,omitempty"`
}

// SyncSettleResult is what a snapshot came to.
type SyncSettleResult struct {
	State string `json:"state"` // see the states below
	// Again has the collections to drain once more, with state "again".
	Again    []access.Collection `json:"again,omitempty"`
	Why      string              `json:"why,omitempty"`     // of Again
	Recheck  bool                `json:"recheck,omitempty"` // see SyncSettleInput.Rechecked
	Reasons  []string            `json:"reasons,omitempty"` // of the quarantine
	Counts   map[string]int      `json:"counts,omitempty"`
	Added    int                 `json:"added"`   // assignments
	Removed  int                 `json:"removed"` // assignments
	Warnings []string            `json:"warnings,omitempty"`
	Requests int                 `json:"requests"`
	At       time.Time           `json:"at"`
}

// States of a settled snapshot, beside the store's promoted and unchanged.
const (
	SettledAgain       = "again"
	SettledQuarantined = "quarantined"
)
