package store

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// The states of a snapshot.
const (
	StateDraining    = "draining"    // pages are still arriving, or the snapshot is not yet decided
	StateQuarantined = "quarantined" // a person must promote or discard it
	StatePromoted    = "promoted"    // proven and visible: it changed something
	StateUnchanged   = "unchanged"   // proven: it changed nothing
	StateDiscarded   = "discarded"   // a person discarded it
	StateFailed      = "failed"      // the sync ended without a decision
)

// The states of one collection within a snapshot.
const (
	CollectionWaiting  = "waiting"  // not begun
	CollectionDraining = "draining" // pages arrive or are not loaded yet
	CollectionDrained  = "drained"  // the last page is saved and every page is loaded
)

// Assignments is the key of assignments in counts and losses, beside the collections.
const Assignments = "assignments"

// BeginInput is the input of [Store.Begin].
type BeginInput struct {
	Console string // host (and port, if any) of the base URL
	ID      string // idempotency key chosen by the caller; unique over all consoles
	// Collections are those that the snapshot covers; all if empty.
	Collections []access.Collection
	StartedAt   time.Time
	// WorkflowID is the workflow to which people send their decision; optional.
	WorkflowID string
}

// Drain is how far the pagination of one collection is.
type Drain struct {
	Attempt   int    `json:"attempt"`
	Pages     int    `json:"pages"`     // saved so far; also the number of the next page
	Rows      int    `json:"rows"`      // received so far, repeated ids included
	Cursor    string `json:"cursor"`    // of the next page; "" before the first
	LastSaved bool   `json:"lastSaved"` // the last page is saved
	Requests  int    `json:"requests"`  // to the console, of this attempt
	// FirstTotal and LastTotal are the totalItems of the first and the latest page; nil
	// if the console sent none.
	FirstTotal *int `json:"firstTotal,omitempty"`
	LastTotal  *int `json:"lastTotal,omitempty"`
	// TotalsMoved says that totalItems changed between pages.
	TotalsMoved bool `json:"totalsMoved,omitempty"`
}

// SavePageInput is one page of a collection, with the cursor of the next one.
type SavePageInput struct {
	Snapshot   string
	Collection access.Collection
	Attempt    int
	Page       int    // from 0; must equal Drain.Pages
	Cursor     string // of the next page; "" with the last
	Last       bool
	Total      *int // totalItems of the page; nil if the console sent none
	Requests   int  // to the console for this page, failed ones included
	Entities   []access.Entity
	Unassigned int // scope roles in the page that named no role; they are not stored
}

// DrainSummary is what a complete drain received. Its fields are those of [Drain].
type DrainSummary struct {
	Distinct    int  `json:"distinct"` // different ids
	Pages       int  `json:"pages"`
	Rows        int  `json:"rows"` // repeats included
	Requests    int  `json:"requests"`
	Unassigned  int  `json:"unassigned,omitempty"`
	FirstTotal  *int `json:"firstTotal,omitempty"`
	LastTotal   *int `json:"lastTotal,omitempty"`
	TotalsMoved bool `json:"totalsMoved,omitempty"`
	// Stale says that a snapshot begun later is proven. The rows of this one may be
	// cleared already, so Distinct proves nothing: leave the collection out.
	Stale bool `json:"stale,omitempty"`
}

// Note says why a drain, or a whole snapshot, is delayed.
type Note struct {
	Text    string     `json:"text"`
	At      time.Time  `json:"at"`                // now, if zero
	NextTry *time.Time `json:"nextTry,omitempty"` // of the next automatic attempt; nil if unknown
	// Requests were sent to the console and returned no page. Note adds them to the
	// count of the collection; they are not part of the stored note.
	Requests int `json:"-"`
}

// RoleMembers counts the holders of a role.
type RoleMembers struct {
	Users        int `json:"users"`        // different users
	ServiceUsers int `json:"serviceUsers"` // different service users
	Assignments  int `json:"assignments"`  // pairs of principal and scope, of both kinds
}

// Loss is the number of rows of one collection, or of assignments, that promoting a
// snapshot would remove.
type Loss struct {
	What   string `json:"what"`   // a collection, or "assignments"
	Before int    `json:"before"` // visible now
	Gone   int    `json:"gone"`   // of these, no longer on the console
	// Explained counts those that are gone as requests of ours have ended them; zero before [Store.ExplainLosses].
	Explained int `json:"explained,omitempty"`
}

// Assessment is what promoting a snapshot would change.
type Assessment struct {
	// Losses has an entry for each collection that would be promoted, and one for
	// the assignments of the principals among them.
	Losses  []Loss `json:"losses,omitempty"`
	Added   int    `json:"added"`   // assignments
	Removed int    `json:"removed"` // assignments
	// Counts are the rows that readers would see afterwards, per collection and for
	// "assignments". A collection that was never synced has no entry.
	Counts map[string]int `json:"counts"`
	// Stale collections must be left out: a snapshot of them begun later is proven.
	Stale []access.Collection `json:"stale,omitempty"`
	// Moved collections must be drained again: another promotion has changed the rows
	// with which their drain was compared.
	Moved []access.Collection `json:"moved,omitempty"`
	// Drained has the attempt of each drain that is complete, stale ones left out. One that was
	// complete and is not any more, or is of an earlier attempt, was lost with the server's
	// latest transactions: losses count nothing then.
	Drained map[access.Collection]int `json:"drained,omitempty"`
}

// PromoteInput is the input of [Store.Promote].
type PromoteInput struct {
	By string // who decided; "" if the sync itself did
	// Collections to promote; the others of the snapshot are dropped.
	Collections []access.Collection
}

// Promotion is the result of [Store.Promote].
type Promotion struct {
	State   string         `json:"state"` // promoted or unchanged; "" when Moved is not empty
	Counts  map[string]int `json:"counts,omitempty"`
	Added   int            `json:"added"`   // assignments
	Removed int            `json:"removed"` // assignments
	At      time.Time      `json:"at"`
	// Moved lists the collections that moved or became stale after the assessment. If it
	// is not empty, nothing was changed: assess again.
	Moved []access.Collection `json:"moved,omitempty"`
}

// DiscardInput is the input of [Store.Discard].
type DiscardInput struct {
	By    string
	Why   string
	State string // discarded or failed
}

// Progress is how far a snapshot is.
type Progress struct {
	State       string                                   `json:"state"`
	Note        *Note                                    `json:"note,omitempty"`
	Collections map[access.Collection]CollectionProgress `json:"collections"`
}

// CollectionProgress is how far one collection of a snapshot is.
type CollectionProgress struct {
	State    string `json:"state"` // waiting, draining or drained
	Attempt  int    `json:"attempt"`
	Pages    int    `json:"pages"`
	Rows     int    `json:"rows"`               // received
	Expected *int   `json:"expected,omitempty"` // the latest totalItems; nil if the console sent none
	Note     *Note  `json:"note,omitempty"`
	Requests int    `json:"requests"`
}
