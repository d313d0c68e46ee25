package snapshot

import (
	"context"
	"errors"
	"sync"
	"time"

	"sentinelone-provisioner/internal/store"
)

// pinsKept is the number of syncs of ConductorOne whose snapshots a process remembers. There is one at a time.
const pinsKept = 16

// Options say where snapshots come from.
type Options struct {
	// Console is the console's host, and its port if it has one.
	Console string
	// Open opens the database. It is called until it has succeeded once, so that the connector may start before it.
	Open func(ctx context.Context) (*store.Store, error)
	// Syncer has the worker sync the console.
	Syncer Syncer
	// MaxAge is the age from which on a snapshot is not given to ConductorOne, counted from the begin of its sync.
	MaxAge time.Duration
	// Wait bounds the wait for a sync of the console.
	Wait time.Duration
	// Poll is the pause between two looks at a sync that runs.
	Poll time.Duration
	// Now is the clock; nil for time.Now.
	Now func() time.Time
}

// Syncer starts syncs of a console in the worker.
type Syncer interface {
	// Sync starts a sync, or joins the one that runs.
	Sync(ctx context.Context) (Run, error)
}

// Run is a sync of the console that was started or joined.
type Run interface {
	// Check says whether the run has ended, and fails if it did so without a proven snapshot, or if that cannot be
	// told.
	Check(ctx context.Context) (ended bool, err error)
	// Waiting says what the run waits for; "" if nothing is known.
	Waiting(ctx context.Context) string
}

// Store is the source of snapshots in the worker's database. It is safe for use by many goroutines.
type Store struct {
	console string
	options Options
	maxAge  time.Duration
	now     func() time.Time

	opening sync.Mutex
	db      *store.Store

	mu      sync.Mutex
	pins    map[string]*pin
	order   []string
	readers map[string]Reader
}

// pin is the snapshot of one sync of ConductorOne, which several calls of it ask for at the same time.
type pin struct {
	mu sync.Mutex
	id string // "" until it is chosen
}

var _ Source = (*Store)(nil)

// New makes a source. It opens nothing yet.
func New(o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Store{
		console: o.Console, options: o, maxAge: o.MaxAge, now: o.Now,
		pins: map[string]*pin{}, readers: map[string]Reader{},
	}
}

// Console is the host of the console.
func (s *Store) Console() string { return s.console }

// DB is the database.
func (s *Store) DB(ctx context.Context) (*store.Store, error) {
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.db == nil {
		db, err := s.options.Open(ctx)
		if err != nil {
			return nil, err
		}
		s.db = db
	}
	return s.db, nil
}

// Close closes the database.
func (s *Store) Close() error {
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.db == nil {
		return nil
	}
	err := s.db.Close()
	s.db = nil
	return err
}

// Pin implements [Source].
func (s *Store) Pin(ctx context.Context, syncID, snapshotID string) (Reader, error) {
	db, err := s.DB(ctx)
	if err != nil {
		return nil, err
	}
	if snapshotID != "" {
		return s.reader(ctx, db, snapshotID)
	}
	p := s.pinOf(syncID)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.id == "" {
		began, err := s.beganAt(ctx, syncID)
		if err != nil {
			return nil, err
		}
		snap, err := s.fresh(ctx, db, began)
		if err != nil {
			return nil, err
		}
		p.id = snap.ID
	}
	return s.reader(ctx, db, p.id)
}

// pinOf is what is known of a sync. Without an id, each call stands for itself.
func (s *Store) pinOf(syncID string) *pin {
	if syncID == "" {
		return &pin{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, known := s.pins[syncID]; known {
		return p
	}
	if len(s.order) == pinsKept {
		delete(s.pins, s.order[0])
		s.order = s.order[1:]
	}
	p := &pin{}
	s.pins[syncID], s.order = p, append(s.order, syncID)
	return p
}

// reader is the reader of a snapshot, with what it has buffered.
func (s *Store) reader(ctx context.Context, db *store.Store, id string) (Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, known := s.readers[id]; known {
		return r, nil
	}
	pinned, err := db.PinnedTo(ctx, s.console, id)
	if err != nil {
		return nil, err
	}
	clear(s.readers) // buffers of one snapshot at a time
	s.readers[id] = &buffered{Reader: pinned}
	return s.readers[id], nil
}

// Latest implements [Source].
func (s *Store) Latest(ctx context.Context) (Reader, error) {
	db, err := s.DB(ctx)
	if err != nil {
		return nil, err
	}
	snap, err := db.Latest(ctx, s.console, nil)
	if err != nil {
		return nil, err
	}
	return db.PinnedTo(ctx, s.console, snap.ID)
}

// OwnUser implements [Source].
func (s *Store) OwnUser(ctx context.Context) (string, error) {
	db, err := s.DB(ctx)
	if err != nil {
		return "", err
	}
	return db.TokenOwner(ctx, s.console)
}

// Check says whether the database can be read. That there is no snapshot yet is no fault.
func (s *Store) Check(ctx context.Context) error {
	if _, err := s.Latest(ctx); !errors.Is(err, store.ErrNoSnapshot) {
		return err
	}
	return nil
}
