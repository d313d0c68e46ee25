package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite" // also registers the driver "sqlite"
)

const (
	// A writer waits this long for another process; then the activity fails and is retried.
	sqliteBusy = 15 * time.Second

	sqliteBusyCode = 5 // SQLITE_BUSY, https://www.sqlite.org/rescode.html#busy

	sqliteReaders = 4
	// Page caches in KiB, of the writer and of each reader: large enough for the indexes that
	// a large load uses, and small in total compared with the worker's memory. A reader sorts in
	// pieces of its cache and merges them: with more, a large answer took 100 MiB.
	writerCache = 16 << 10
	readerCache = 1 << 10
)

func openSQLite(ctx context.Context, path string, reader bool) (*Store, error) {
	if err := checkPath(path, reader); err != nil {
		return nil, err
	}
	if !reader {
		if err := protectFiles(path); err != nil {
			return nil, err
		}
	}
	// Mode rw never creates a file, and reads only if the file is write-protected.
	w, err := sql.Open("sqlite", sqliteDSN(path, "rw", writerCache, !reader))
	if err != nil {
		return nil, fmt.Errorf("open the database file %q: %w", path, err)
	}
	w.SetMaxOpenConns(1)
	if err := pingUntilFree(ctx, w); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database file %q: %w; "+
			"check that it is a SQLite database and that this user may write it and its folder", path, err), w.Close())
	}
	r, err := sql.Open("sqlite", sqliteDSN(path, "rw", readerCache, false))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database file %q: %w", path, err), w.Close())
	}
	r.SetMaxOpenConns(sqliteReaders)
	return &Store{w: w, r: r, now: time.Now, few: fewRows, where: fmt.Sprintf("database file %q", path)}, nil
}

// pingUntilFree opens the first connection. SQLite does not wait while two processes switch
// a new file to WAL mode at the same time, it returns "busy"; so this retries.
func pingUntilFree(ctx context.Context, db *sql.DB) error {
	deadline := time.Now().Add(sqliteBusy)
	for {
		err := db.PingContext(ctx)
		var busy *sqlite.Error
		if !errors.As(err, &busy) || busy.Code()&0xff != sqliteBusyCode || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// checkPath gives the reasons for which SQLite would only say "unable to open".
func checkPath(path string, reader bool) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("the database file %q is a folder: name a file in it", path)
	case err == nil && !info.Mode().IsRegular(): // opening it would change its mode, for the whole machine
		return fmt.Errorf("the database file %q is a device, a pipe or a socket: name a regular file", path)
	case err == nil:
		return readable(path)
	case reader && errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no database file %q: start the worker and run a sync first: %w", path, ErrNotReady)
	case !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("the database file %q cannot be reached: %w: name one in a folder that this user may enter",
			path, errors.Unwrap(err))
	}
	if to, err := os.Readlink(path); err == nil {
		return fmt.Errorf("the database file %q is a link to %q, which is not there: remove the link, or create "+
			"that file", path, to)
	}
	folder := filepath.Dir(path)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return fmt.Errorf("the database file %q cannot be created, because there is no folder %q: create it first",
			path, folder)
	}
	return nil
}

// readable fails for a file whose permissions keep this user from it. It does not open the file: to close it would take
// away the locks that SQLite has on it for other connections of this process.
func readable(path string) error {
	if mayRead(path) {
		return nil // SQLite says what else is wrong
	}
	return fmt.Errorf("the database file %q cannot be read: permission denied: have its owner run this program, "+
		"or give the file to this user (chown)", path)
}

// sqliteDSN is the data source name of a connection; cache is in KiB. In WAL mode readers
// and the writer do not wait for each other, and synchronous=NORMAL loses nothing if the
// process is killed.
func sqliteDSN(path, mode string, cache int, writer bool) string {
	q := url.Values{"mode": {mode}}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", sqliteBusy.Milliseconds()))
	q.Add("_pragma", fmt.Sprintf("cache_size(-%d)", cache))
	if writer {
		q.Add("_pragma", "temp_store(MEMORY)")
		q.Set("_txlock", "immediate")
		q.Add("_pragma", "journal_mode(WAL)")
		q.Add("_pragma", "synchronous(NORMAL)")
		// In pages of 4 KiB: with 32 MB a large load syncs the disk a few times, not hundreds.
		q.Add("_pragma", "wal_autocheckpoint(8000)")
	} else {
		q.Add("_pragma", "temp_store(FILE)") // sorts large answers, in TMPDIR
		q.Add("_pragma", "query_only(1)")
	}
	// PathEscape also escapes '?' and '#', which would end the path; SQLite unescapes it.
	return "file:" + url.PathEscape(path) + "?" + q.Encode()
}
