package store

import (
	"time"

	"sentinelone-provisioner/internal/ledger"
)

// RequestsQuery asks for requests of one console. Zero fields do not filter.
type RequestsQuery struct {
	Console string
	Limit   int        // at most so many
	Open    bool       // only the unfinished ones
	Since   *time.Time // asked at or after
}

// LedgerPair is a request with its receipt, whose bodies the caller decodes.
type LedgerPair struct {
	Request ledger.Entry  `json:"request"`
	Receipt *ledger.Entry `json:"receipt,omitempty"` // nil while it is unfinished
}

// StepPlan is the step of a wait for the plan of a request. Other steps are the operations
// of changes, as in "acquire".
const StepPlan = "plan"

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
