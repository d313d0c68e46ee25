package store

import (
	"errors"
	"fmt"
	"strings"
)

// ErrStale says that another attempt of the same drain is ahead of the caller,
// which must stop: nothing it still has in hand is wanted.
var ErrStale = errors.New("another attempt of this drain is ahead")

// ErrDecided says that the snapshot has ended already, in another way than asked.
var ErrDecided = errors.New("the snapshot is already decided")

// ErrNoSnapshot says that there is no such snapshot, or no proven one.
var ErrNoSnapshot = errors.New("no such snapshot")

// ErrNoEntry says that the ledger has no entry of that key.
var ErrNoEntry = errors.New("no such entry in the ledger")

// ErrBrokenLedger says that someone has changed the tables of the ledger in a way that
// leaves no place to append at.
var ErrBrokenLedger = errors.New("the ledger is broken")

// ErrNewerSchema says that a newer version of this program has written the
// database.
var ErrNewerSchema = errors.New("the database is newer than this program")

// ErrNotReady says that there is no database to read yet.
var ErrNotReady = errors.New("there is nothing to read yet")

// NoMatchError says that a name in a question matches nothing.
type NoMatchError struct {
	What    string   // principal, user, service user, role or scope
	Name    string   // as asked
	Similar []string // names that look like it, at most five
}

// Error implements error.
func (e *NoMatchError) Error() string {
	msg := fmt.Sprintf("no %s is called %q", e.What, e.Name)
	if len(e.Similar) == 0 {
		return msg + ": check the spelling, or give its id"
	}
	return msg + "; did you mean " + strings.Join(e.Similar, ", ") + "?"
}
