package store

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// ModeDelta is the mode of a snapshot that a delta sync made; that of other syncs is "".
const ModeDelta = "delta"

// Feed is how far the activity feed of a console is read, and how much it missed.
type Feed struct {
	// Wanted says that a delta sync was asked for once; before that, nothing of the feed is read.
	Wanted bool
	// Why says why the next delta sync must be a full one; "" if it can go on from the watermark.
	Why       string
	Types     []int             // those that are read
	Watermark time.Time         // greatest time of an activity seen, by the console's clock; zero: none was there
	ReadAt    time.Time         // when the feed was read last, by the worker's clock; zero: never
	Entry     int64             // number of the last entry of the ledger at that time; 0: none
	LastEntry int64             // number of the last entry of the ledger now; 0: none
	Counted   access.Collection // whose rows the last delta sync counted
	// Missed of Changes were not named by the feed between the last two full syncs: measured at MeasuredAt, which
	// is zero before the first measurement.
	Missed, Changes int
	MeasuredAt      time.Time
	// Unfinished says that a full sync has begun, and neither ended nor been overtaken.
	Unfinished bool
	// Running is when the latest of these began, if it is neither ended nor quarantined; zero for none.
	Running time.Time
	// Counts are the rows that readers see, per collection.
	Counts map[access.Collection]int
	// Base identifies what readers see, and how far the feed is read. See [DeltaInput].
	Base string

	held    int // assignments that readers see
	changed int // rows that delta syncs changed since the last full sync
}

// FeedMark is where the feed stood before a full sync read anything.
type FeedMark struct {
	Snapshot string    // id of the full sync
	Types    []int     // to read from now on
	At       time.Time // of the newest activity; zero if there is none
	TakenAt  time.Time // by the worker's clock
	// Why says why the feed cannot be read; "" if it can.
	Why string
}

// SeenActivity is an activity that was read.
type SeenActivity struct {
	ID string
	At time.Time // of its creation, by the console's clock
}

// FeedProgress is how far a delta sync has read the feed.
type FeedProgress struct {
	Watermark time.Time // zero: as it was
	ReadAt    time.Time // when the reading began
	Seen      []SeenActivity
	Counted   access.Collection // "" as it was
	Entry     int64             // [Feed.LastEntry] from before anything was read
}

// PrincipalRef names a principal.
type PrincipalRef struct {
	Kind access.Kind
	ID   string
}

// DeltaPart is what a delta sync received of one collection.
type DeltaPart struct {
	Entities []access.Entity
	Gone     []string // ids that the console no longer has
	// Complete says that Entities are all rows of the collection: rows that are not among them are gone.
	Complete bool
}

// DeltaInput is the input of [Store.ApplyDelta].
type DeltaInput struct {
	Console    string
	ID         string // of the snapshot, chosen by the caller; unique over all consoles
	WorkflowID string // see [BeginInput]
	StartedAt  time.Time
	// Base is [Feed.Base] from before anything was read. If it is another one now, nothing is changed.
	Base    string
	Parts   map[access.Collection]DeltaPart
	Authors map[PrincipalRef][]string // whom the feed names, of the principals in Parts
	Feed    FeedProgress
	// Allow judges what would be lost; reasons hold the change back. nil allows everything.
	Allow func(losses []Loss, counts map[string]int) (reasons []string)
}

// DeltaResult is the result of [Store.ApplyDelta].
type DeltaResult struct {
	Promotion

	Changed int // rows that are new, changed or gone
	// Reasons hold the change back; if there are any, nothing was changed.
	Reasons []string
	// Overtaken says that another sync was promoted meanwhile, or is under way: nothing was changed.
	Overtaken bool
}

// FeedMeasure is how much the feed missed between two full syncs.
type FeedMeasure struct {
	Missed  int // of Changes: rows whose change no activity named
	Changes int
}
