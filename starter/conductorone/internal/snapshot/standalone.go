package snapshot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	gosync "sync"
	"time"

	"github.com/segmentio/ksuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/activities/sync"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Standalone is a source that needs neither worker nor Temporal: it reads the console itself, by the code of the
// worker's sync, into a database of its own, which goes with the process. Each sync of ConductorOne reads the console
// anew. What does not balance is an error, and never an answer.
type Standalone struct {
	*Store

	reader *consoleReader
}

var _ Source = (*Standalone)(nil)

// StandaloneOptions are those of [NewStandalone].
type StandaloneOptions struct {
	// Client reads the console.
	Client *console.Client
	// Folder is where the database is made; "" for the folder of temporary files.
	Folder string
	// Wait bounds the wait for a console that does not answer.
	Wait time.Duration
	Log  *slog.Logger
}

// NewStandalone makes a source. It sends nothing and makes no file yet.
func NewStandalone(o StandaloneOptions) *Standalone {
	r := &consoleReader{options: o}
	return &Standalone{
		reader: r,
		Store: New(Options{
			Console: o.Client.Console(), Open: r.open, Syncer: r, Wait: o.Wait, Poll: PollInterval,
		}),
	}
}

// Latest implements [Source]. It reads the console if nothing was read yet.
func (s *Standalone) Latest(ctx context.Context) (Reader, error) {
	r, err := s.Store.Latest(ctx)
	if !errors.Is(err, store.ErrNoSnapshot) {
		return r, err
	}
	return s.Pin(ctx, "", "")
}

// Pin implements [Source].
func (s *Standalone) Pin(ctx context.Context, syncID, snapshotID string) (Reader, error) {
	r, err := s.Store.Pin(ctx, syncID, snapshotID)
	if snapshotID != "" && errors.Is(err, store.ErrNoSnapshot) {
		return nil, kinds.New(kinds.Conflict, errors.New("what this sync began with is gone, since the connector runs "+
			"with --standalone and was started anew: start a new sync, with another --file if you start it by hand"))
	}
	return r, err
}

// OwnUser implements [Source]: for tokens of service users, the console may not tell.
func (s *Standalone) OwnUser(ctx context.Context) (string, error) {
	own, err := s.reader.options.Client.Self(ctx)
	if answer, is := errors.AsType[*console.Error](err); is && !answer.Temporary() {
		return "", nil
	}
	return own.ID, err
}

// Check says whether the console answers and takes the token. The permissions are checked when a sync begins.
func (s *Standalone) Check(ctx context.Context) error {
	_, err := s.reader.options.Client.SystemInfo(ctx)
	return err
}

// Close removes the database.
func (s *Standalone) Close() error { return s.reader.close() }

// UnprovenError says that what was read does not balance, so that ConductorOne gets none of it.
type UnprovenError struct {
	Console string
	Reasons []string
}

func (e *UnprovenError) Error() string {
	return fmt.Sprintf("what was read from %s is not complete: %s: sync again; if it stays so and it is right, start "+
		"the connector anew, which then compares with nothing", e.Console, strings.Join(e.Reasons, "; "))
}

// GRPCStatus makes it final for ConductorOne.
func (e *UnprovenError) GRPCStatus() *status.Status {
	return status.New(codes.FailedPrecondition, e.Error())
}

// consoleReader is the [Syncer] that reads the console itself.
type consoleReader struct {
	options StandaloneOptions

	mu      gosync.Mutex
	private *private
	run     *sync.Outside // one that the console's limit has interrupted
	id      string        // of the snapshot of run
}

func (r *consoleReader) open(ctx context.Context) (*store.Store, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.private != nil {
		return r.private.db, nil
	}
	p, err := openPrivate(ctx, r.options.Folder)
	if err != nil {
		return nil, err
	}
	r.private = p
	return p.db, nil
}

func (r *consoleReader) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.private == nil {
		return nil
	}
	err := r.private.close()
	r.private, r.run = nil, nil
	return err
}

// Sync implements [Syncer]: it returns when the console is read. Where the console limits requests, the next call goes
// on with what this one has saved.
func (r *consoleReader) Sync(ctx context.Context) (Run, error) {
	db, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run == nil {
		r.id = ksuid.New().String()
		r.run = sync.NewOutside(r.options.Client, db, sync.OutsideOptions{
			Snapshot: r.id, Log: r.options.Log, Patience: r.options.Wait,
		})
	}
	out, err := r.run.Run(ctx)
	if err != nil && fault.KindOf(err) == kinds.RateLimited {
		return nil, err
	}
	r.run = nil
	if err == nil && out.State == wire.SettledQuarantined {
		err = &UnprovenError{Console: r.options.Client.Console(), Reasons: out.Reasons}
	}
	if err != nil {
		r.discard(ctx, db, err)
		return nil, err
	}
	return done{}, nil
}

// discard drops what a sync has received that failed. The next one does not need that to succeed.
func (r *consoleReader) discard(ctx context.Context, db *store.Store, cause error) {
	ctx, release := attempt.ForLastWrite(ctx)
	defer release()
	err := db.Discard(ctx, r.id, store.DiscardInput{Why: cause.Error(), State: store.StateFailed})
	if err != nil && !errors.Is(err, store.ErrNoSnapshot) {
		r.options.Log.Warn("What a failed sync received was not dropped", "error", err)
	}
}

// done is a run that has ended.
type done struct{}

// Check implements [Run].
func (done) Check(context.Context) (bool, error) { return true, nil }

// Waiting implements [Run].
func (done) Waiting(context.Context) string { return "" }
