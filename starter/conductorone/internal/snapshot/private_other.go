//go:build !unix

package snapshot

import (
	"os"
	"path/filepath"
)

// tryLock does nothing: where files that are open cannot be removed, a process that lives keeps its folder.
func tryLock(*os.File) error { return nil }

// makeLock makes the file by which others know a folder.
func makeLock(folder string, _ func()) (*os.File, error) {
	return os.OpenFile(filepath.Join(folder, privateLock), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}
