package store

import (
	"context"
	"errors"
	"time"

	"sentinelone-provisioner/internal/access"
)

var errTODO = errors.New("not written yet")

// Store is a database of snapshots. It is safe for use by many goroutines.
type Store struct{}

// Open opens the database, creates it where it does not exist and brings its
// schema up to date.
func Open(ctx context.Context, databaseURL string) (*Store, error) { return nil, errTODO }

// OpenReader opens an existing database for reading; it neither creates nor
// migrates one.
func OpenReader(ctx context.Context, databaseURL string) (*Store, error) { return nil, errTODO }

// Close ends all connections.
func (s *Store) Close() error { return errTODO }

// Begin opens a snapshot; repeating it changes nothing.
func (s *Store) Begin(ctx context.Context, in BeginInput) error { return errTODO }

// StartDrain creates or resumes the drain of one collection.
func (s *Store) StartDrain(ctx context.Context, id string, c access.Collection, attempt int) (Drain, error) {
	return Drain{}, errTODO
}

// SavePage keeps a page and the cursor of the next in one transaction.
func (s *Store) SavePage(ctx context.Context, in SavePageInput) error { return errTODO }

// LoadPage turns the oldest saved page into rows.
func (s *Store) LoadPage(ctx context.Context, id string, c access.Collection, attempt int) (bool, error) {
	return false, errTODO
}

// Drained sums up a finished drain.
func (s *Store) Drained(ctx context.Context, id string, c access.Collection, attempt int) (DrainSummary, error) {
	return DrainSummary{}, errTODO
}

// Note records why a drain waits.
func (s *Store) Note(ctx context.Context, id string, c access.Collection, n Note) error { return errTODO }

// Members counts the members of each role, by role id.
func (s *Store) Members(ctx context.Context, id string) (map[string]RoleMembers, error) {
	return nil, errTODO
}

// Assess tells what promoting would do.
func (s *Store) Assess(ctx context.Context, id string) (Assessment, error) {
	return Assessment{}, errTODO
}

// Promote makes a snapshot visible.
func (s *Store) Promote(ctx context.Context, id string, in PromoteInput) (Promotion, error) {
	return Promotion{}, errTODO
}

// Quarantine holds a snapshot back for a person to decide.
func (s *Store) Quarantine(ctx context.Context, id string, reasons []string) error { return errTODO }

// Discard ends a snapshot without promoting it.
func (s *Store) Discard(ctx context.Context, id string, in DiscardInput) error { return errTODO }

// Progress tells how far a snapshot has come.
func (s *Store) Progress(ctx context.Context, id string) (Progress, error) { return Progress{}, errTODO }

// Consoles lists the consoles with something to read.
func (s *Store) Consoles(ctx context.Context) ([]string, error) { return nil, errTODO }

// Latest is the last proven snapshot.
func (s *Store) Latest(ctx context.Context, console string, asOf *time.Time) (Snapshot, error) {
	return Snapshot{}, errTODO
}

// Quarantined lists the snapshots that wait for a decision.
func (s *Store) Quarantined(ctx context.Context, console string) ([]Snapshot, error) {
	return nil, errTODO
}

// Access answers who has which role where.
func (s *Store) Access(ctx context.Context, q AccessQuery) ([]AccessRow, error) { return nil, errTODO }

// Changes lists what changed.
func (s *Store) Changes(ctx context.Context, q ChangesQuery) ([]Change, error) { return nil, errTODO }

// Export streams everything, sorted.
func (s *Store) Export(ctx context.Context, console string, asOf *time.Time, w ExportSink) error {
	return errTODO
}
