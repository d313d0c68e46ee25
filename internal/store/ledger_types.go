package store

import (
	"encoding/json"
	"time"
)

// LedgerEntry is one row of the ledger, which is append-only: each entry is chained
// to the one before by its hash, one chain per console.
type LedgerEntry struct {
	Console string          `json:"console"`
	Seq     int64           `json:"seq"`     // from 1, without gaps, per console
	At      time.Time       `json:"at"`      // UTC, microseconds
	Request string          `json:"request"` // workflow id it belongs to, such as grant/INC-42 or principal/…
	Kind    string          `json:"kind"`    // a short word: request, plan, decision, write, readback, receipt, …
	Key     string          `json:"key"`     // what makes repeating an append do nothing; unique per console
	Body    json.RawMessage `json:"body"`    // exactly the bytes that were hashed
	Prev    string          `json:"prev"`    // hash of the entry before; "" for the first
	Hash    string          `json:"hash"`    // over all of the above; see [LedgerEntry.Digest]
}

// The kinds that [Store.Requests] reads. All other kinds are the caller's words.
const (
	LedgerRequest = "request" // what was asked for; opens
	LedgerReceipt = "receipt" // how it ended; closes
)

// NewLedgerEntry is an entry to append.
type NewLedgerEntry struct {
	Request string
	Kind    string
	Key     string
	At      time.Time // kept to the microsecond; now, if zero
	Body    any       // encoded once, with encoding/json
	// Unless names a key: while there is an entry of that key, this one is not written, and
	// that one is returned in its place.
	Unless string
}

// LedgerHead is the last entry of a chain: noted elsewhere, it proves later that
// nothing up to it has been rewritten. It is zero for an empty chain.
type LedgerHead struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// LedgerReport is what verifying one chain found.
type LedgerReport struct {
	Console string        `json:"console"`
	Entries int64         `json:"entries"`
	Head    LedgerHead    `json:"head"`             // of the entries there are
	Faults  []LedgerFault `json:"faults,omitempty"` // none: the chain is whole. After a hundred they are only counted
}

// LedgerFault is something that is wrong with a chain.
type LedgerFault struct {
	Seq  int64  `json:"seq"`  // of the entry that is wrong, or the first one missing
	Text string `json:"text"` // a sentence
}

// RequestsQuery asks for requests of one console. Zero fields do not filter.
type RequestsQuery struct {
	Console string
	Limit   int        // at most so many
	Open    bool       // only the unfinished ones
	Since   *time.Time // asked at or after
}

// LedgerPair is a request with its receipt, whose bodies the caller decodes.
type LedgerPair struct {
	Request LedgerEntry  `json:"request"`
	Receipt *LedgerEntry `json:"receipt,omitempty"` // nil while it is unfinished
}

// Wait says why a piece of work is waiting, for status and for ordering. It is not
// evidence: one row per console, request and step, replaced each time.
type Wait struct {
	Console   string     `json:"console"`
	Request   string     `json:"request"` // workflow id
	Step      string     `json:"step"`
	Release   bool       `json:"release"` // the work takes a role away
	Attempt   int        `json:"attempt"`
	Since     time.Time  `json:"since"`             // it waits
	At        time.Time  `json:"at"`                // of the latest attempt
	NextTry   *time.Time `json:"nextTry,omitempty"` // nil: not known
	Text      string     `json:"text"`              // a sentence
	Temporary bool       `json:"temporary"`         // goes away by itself
}
