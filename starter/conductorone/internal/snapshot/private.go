package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sentinelone-provisioner/internal/store"
)

const (
	// privatePattern is the name of the folders that hold private databases.
	privatePattern = "baton-sentinelone-provisioner-standalone-*"
	privateFile    = "console.db"
	privateLock    = "lock"
	privateNewLock = privateLock + ".new" // until it is held

	// unlockedFor is the age from which a folder without a lock is one of a process that was killed while it made or
	// removed the folder: either takes milliseconds.
	unlockedFor = time.Hour
)

// private is a database for this process alone, in a folder of its own that only its user may read.
type private struct {
	folder string
	lock   *os.File // held while the process lives
	db     *store.Store
}

// openPrivate makes an empty database in a new folder below parent ("" for that of temporary files). It removes what
// processes that were killed have left there.
func openPrivate(ctx context.Context, parent string) (_ *private, err error) {
	p, err := makePrivate(parent, func() {})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	p.db, err = store.Open(ctx, "sqlite://"+filepath.Join(p.folder, privateFile))
	return p, err
}

// makePrivate makes the folder, which other processes leave alone while this one lives. It calls step after each thing
// that other processes can see, so that a test does then what they may do.
func makePrivate(parent string, step func()) (p *private, err error) {
	if parent == "" {
		parent = os.TempDir()
	}
	removeLeftover(parent)
	folder, err := os.MkdirTemp(parent, privatePattern) // mode 0700
	if err != nil {
		return nil, fmt.Errorf("no folder for what is read from the console: %w: make %s writable, or set TMPDIR to a "+
			"folder that is", err, parent)
	}
	step()
	p = &private{folder: folder}
	if p.lock, err = makeLock(folder, step); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// close removes the database.
func (p *private) close() error {
	var faults []error
	if p.db != nil {
		faults = append(faults, p.db.Close())
	}
	faults = append(faults, removeFolder(p.folder))
	if p.lock != nil {
		faults = append(faults, p.lock.Close())
	}
	return errors.Join(faults...)
}

// removeLeftover removes the folders of its user that no process holds: in another's, links may lead anywhere. What it
// cannot remove, the next start tries again.
func removeLeftover(parent string) {
	found, _ := filepath.Glob(filepath.Join(parent, privatePattern))
	for _, folder := range found {
		info, err := os.Lstat(folder)
		if err != nil || !info.IsDir() || !isOurs(info) { // a link is not ours
			continue
		}
		lock, left := takeOver(folder, time.Since(info.ModTime()) > unlockedFor)
		if left {
			_ = removeFolder(folder)
		}
		if lock != nil {
			_ = lock.Close()
		}
	}
}

// removeFolder removes the database first: a folder without a lock that holds one is no leftover, but that of a process
// whose lock somebody has removed.
func removeFolder(folder string) error {
	var faults []error
	found, _ := filepath.Glob(filepath.Join(folder, privateFile+"*"))
	for _, file := range found {
		faults = append(faults, os.Remove(file))
	}
	return errors.Join(append(faults, os.RemoveAll(folder))...)
}

// takeOver reports whether no process holds a folder, and returns the lock that it took, if the folder has one. A
// folder without one may be that of a process that makes it now, unless it is old.
func takeOver(folder string, old bool) (lock *os.File, left bool) {
	names := []string{privateLock}
	if old {
		names = []string{privateNewLock, privateLock} // in the order in which a process names its lock
	}
	for _, name := range names {
		f, err := openLock(filepath.Join(folder, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, false // a link, or another user's
		}
		return f, tryLock(f) == nil
	}
	_, err := os.Lstat(filepath.Join(folder, privateFile))
	return nil, old && errors.Is(err, fs.ErrNotExist)
}
