package store

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// The states of a snapshot.
const (
	StateDraining    = "draining"    // pages are still arriving, or wait for promotion
	StateQuarantined = "quarantined" // a person must confirm or discard it
	StatePromoted    = "promoted"    // proven, and it changed something
	StateUnchanged   = "unchanged"   // proven, and everything was as before
	StateDiscarded   = "discarded"   // a person dropped it
	StateFailed      = "failed"      // the sync ended without an answer
)

// The states of one collection within a snapshot.
const (
	CollectionWaiting  = "waiting"  // not begun
	CollectionDraining = "draining" // pages arrive or wait to be loaded
	CollectionDrained  = "drained"  // the last page is saved and every page is loaded
)

// Assignments is the name under which assignments stand beside the collections in
// counts and losses.
const Assignments = "assignments"

// BeginInput opens a snapshot.
type BeginInput struct {
	Console string // host (and port, if any) of the base URL
	ID      string // chosen by the caller, unique over all consoles: the idempotency key
	// Collections are what the snapshot covers; all of them when empty.
	Collections []access.Collection
	StartedAt   time.Time
	// WorkflowID is the workflow that people tell their decision; optional.
	WorkflowID string
}

// Drain is how far the walk through one collection has come.
type Drain struct {
	Attempt   int    `json:"attempt"`
	Pages     int    `json:"pages"`     // saved so far; the number of the next page
	Rows      int    `json:"rows"`      // received so far, repeats included
	Cursor    string `json:"cursor"`    // of the next page; "" before the first
	LastSaved bool   `json:"lastSaved"` // the last page is saved
	Requests  int    `json:"requests"`  // to the console, of this attempt
	// FirstTotal and LastTotal are the console's own count with the first and the
	// latest page; nil while it gave none.
	FirstTotal *int `json:"firstTotal,omitempty"`
	LastTotal  *int `json:"lastTotal,omitempty"`
	// TotalsMoved says that the count changed from one page to a later one.
	TotalsMoved bool `json:"totalsMoved,omitempty"`
}

// SavePageInput is one page of a collection with the cursor of the next.
type SavePageInput struct {
	Snapshot   string
	Collection access.Collection
	Attempt    int
	Page       int    // 0-based, must equal Drain.Pages
	Cursor     string // of the next page; "" with the last
	Last       bool
	Total      *int // the console's count of the collection; nil if it gave none
	Requests   int  // made for this page, failed ones included
	Entities   []access.Entity
	Unassigned int // scope roles that named no role and could not be kept
}

// DrainSummary is what a finished drain received.
type DrainSummary struct {
	Distinct    int  `json:"distinct"` // different ids
	Pages       int  `json:"pages"`
	Rows        int  `json:"rows"` // repeats included
	Requests    int  `json:"requests"`
	Unassigned  int  `json:"unassigned,omitempty"`
	FirstTotal  *int `json:"firstTotal,omitempty"`
	LastTotal   *int `json:"lastTotal,omitempty"`
	TotalsMoved bool `json:"totalsMoved,omitempty"`
	// Stale says that a sync begun later has been promoted meanwhile. What this one
	// received may be cleared already, so Distinct proves nothing; leave it out.
	Stale bool `json:"stale,omitempty"`
}

// Note says why a drain, or a whole snapshot, waits.
type Note struct {
	Text    string     `json:"text"`
	At      time.Time  `json:"at"`                // now when zero
	NextTry *time.Time `json:"nextTry,omitempty"` // when it goes on by itself
	// Requests were made without a page to show for; they are added to the count of
	// the collection and not shown again.
	Requests int `json:"-"`
}

// RoleMembers counts who holds a role, as one snapshot sees it.
type RoleMembers struct {
	Users        int `json:"users"`        // different users
	ServiceUsers int `json:"serviceUsers"` // different service users
	Assignments  int `json:"assignments"`  // principal and scope pairs of both
}

// Loss is how much of one thing a snapshot would take away.
type Loss struct {
	What   string `json:"what"`   // a collection, or "assignments"
	Before int    `json:"before"` // now visible
	Gone   int    `json:"gone"`   // of these, no longer there
}

// Assessment is what promoting a snapshot would do.
type Assessment struct {
	// Losses has an entry for each collection that would be promoted, and one for
	// the assignments of the principals among them.
	Losses  []Loss `json:"losses,omitempty"`
	Added   int    `json:"added"`   // assignments
	Removed int    `json:"removed"` // assignments
	// Counts is what the console would have afterwards, per collection and for
	// "assignments". A collection that was never synced has no entry.
	Counts map[string]int `json:"counts"`
	// Stale collections must be left out: a sync begun later has been promoted.
	Stale []access.Collection `json:"stale,omitempty"`
	// Moved collections must be drained again: what they were compared with has
	// changed since their drain began.
	Moved []access.Collection `json:"moved,omitempty"`
}

// PromoteInput says who promotes what.
type PromoteInput struct {
	By string // a person, or "" when the sync itself decides
	// Collections are promoted; the other ones of the snapshot are dropped.
	Collections []access.Collection
}

// Promotion is what promoting did.
type Promotion struct {
	State   string         `json:"state"` // promoted or unchanged; "" when Moved is not empty
	Counts  map[string]int `json:"counts,omitempty"`
	Added   int            `json:"added"`   // assignments
	Removed int            `json:"removed"` // assignments
	At      time.Time      `json:"at"`
	// Moved is not empty when nothing was done, because these collections moved or
	// went stale after the assessment. Assess again.
	Moved []access.Collection `json:"moved,omitempty"`
}

// DiscardInput says who drops a snapshot and why.
type DiscardInput struct {
	By    string
	Why   string
	State string // discarded or failed
}

// Progress is how far a snapshot has come.
type Progress struct {
	State       string                                   `json:"state"`
	Note        *Note                                    `json:"note,omitempty"`
	Collections map[access.Collection]CollectionProgress `json:"collections"`
}

// CollectionProgress is how far one collection of a snapshot has come.
type CollectionProgress struct {
	State    string `json:"state"` // waiting, draining or drained
	Attempt  int    `json:"attempt"`
	Pages    int    `json:"pages"`
	Rows     int    `json:"rows"`               // received
	Expected *int   `json:"expected,omitempty"` // the console's own count
	Note     *Note  `json:"note,omitempty"`
	Requests int    `json:"requests"`
}
