package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	// ownerOnly is the mode of a new database file. SQLite gives the same mode to the files
	// beside it: see sqliteSuffixes.
	ownerOnly fs.FileMode = 0o600

	othersMay fs.FileMode = 0o007 // bits for every user of the machine
	groupMay  fs.FileMode = 0o070
)

// sqliteSuffixes are the names of the files that make up a database, behind its path.
var sqliteSuffixes = []string{"", "-wal", "-shm", "-journal"}

// protectFiles creates a missing database file and closes an existing one, and the files
// beside it, to the other users of the machine, whatever the umask. It leaves the group's
// permissions on a file that is closed to others: an operator sets them so that a group may
// read the database, which works while the worker has it open. A file of another owner
// cannot be closed; [FileNotes] names it.
func protectFiles(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, ownerOnly)
	switch {
	case err == nil:
		return file.Close()
	case !errors.Is(err, fs.ErrExist):
		return fmt.Errorf("create the database file %q: %w; check that this user may write its folder", path, err)
	}
	for _, name := range databaseFiles(path) {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() || info.Mode()&othersMay == 0 {
			continue // missing, no file, or closed
		}
		_ = os.Chmod(name, ownerOnly) // the database works without it; FileNotes looks again
	}
	return nil
}

// databaseFiles are the paths of the files that make up a database. SQLite follows a symbolic
// link before it names those beside it.
func databaseFiles(path string) []string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	out := make([]string, len(sqliteSuffixes))
	for i, suffix := range sqliteSuffixes {
		out[i] = path + suffix
	}
	return out
}

// FileNotes says which files of a SQLite database other users of the machine may read or
// write, one sentence each with what to do. It is empty for PostgreSQL and for files that
// only their owner may open. It changes nothing.
func FileNotes(databaseURL string) []string {
	path, ok := strings.CutPrefix(databaseURL, "sqlite://")
	if !ok {
		return nil
	}
	var notes []string
	for _, name := range databaseFiles(path) {
		info, err := os.Stat(name)
		if err != nil {
			continue
		}
		switch mode := info.Mode().Perm(); {
		case mode&othersMay != 0:
			notes = append(notes, fmt.Sprintf("every user of this machine may open the database file %s (mode %04o): "+
				"the worker closes it when it starts as the file's owner, or run chmod 600 on it", name, mode))
		case mode&groupMay != 0:
			notes = append(notes, fmt.Sprintf("the group of the database file %s may open it (mode %04o): "+
				"run chmod 600 on it unless you share it on purpose", name, mode))
		}
	}
	return notes
}
