//go:build !unix

package snapshot

import (
	"io/fs"
	"os"
	"path/filepath"
)

// tryLock does nothing: where files that are open cannot be removed, a process that lives keeps its folder.
func tryLock(*os.File) error { return nil }

// makeLock makes the file by which others know a folder.
func makeLock(folder string, _ func()) (*os.File, error) {
	return os.OpenFile(filepath.Join(folder, privateLock), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}

// isOurs is true: the folder of temporary files is the user's own.
func isOurs(fs.FileInfo) bool { return true }

// openLock opens the lock of a folder.
func openLock(name string) (*os.File, error) { return os.OpenFile(name, os.O_RDWR, 0) }
