package store

import (
	"errors"
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// ErrStale says that another attempt of the same drain is ahead of the caller, which must
// stop and drop what it has not saved.
var ErrStale = errors.New("another attempt of this drain is ahead")

// ErrDecided says that the snapshot has ended already, in another state than requested.
var ErrDecided = errors.New("the snapshot is already decided")

// ErrNoSnapshot says that the snapshot is unknown, or that the console has no proven one.
var ErrNoSnapshot = errors.New("no such snapshot")

// ErrNoEntry says that the ledger has no entry of that key.
var ErrNoEntry = errors.New("no such entry in the ledger")

// ErrBrokenLedger says that someone has changed the tables of the ledger in a way that
// leaves no place to append at.
var ErrBrokenLedger = errors.New("the ledger is broken")

// ErrNewerSchema says that a newer version of this program has migrated the database.
var ErrNewerSchema = errors.New("the database is newer than this program")

// ErrNotReady says that the database does not exist, is empty or must be migrated first.
var ErrNotReady = errors.New("there is nothing to read yet")

// NoMatchError says that a name in a query matches nothing.
type NoMatchError struct {
	What    string   // principal, user, service user, role or scope
	Name    string   // as given
	Similar []string // similar names, at most five
}

// Error implements error.
func (e *NoMatchError) Error() string {
	msg := fmt.Sprintf("no %s is called %q", e.What, e.Name)
	if len(e.Similar) == 0 {
		return msg + ": check the spelling, or give its id"
	}
	typable := make([]string, len(e.Similar))
	for i, name := range e.Similar {
		typable[i] = describe.Text(access.Typable(name))
	}
	return msg + "; did you mean " + strings.Join(typable, ", ") + "?"
}
