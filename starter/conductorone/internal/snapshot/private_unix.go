//go:build unix

package snapshot

import (
	"os"
	"path/filepath"
	"syscall"
)

// tryLock locks a file until it is closed or the process ends, and fails if another process has it.
func tryLock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// makeLock makes the lock of a folder, and holds it. It has its name once it is held: a process that starts at the same
// time takes a lock that nobody holds for that of one that was killed, and removes the folder.
func makeLock(folder string, step func()) (*os.File, error) {
	unheld := filepath.Join(folder, privateNewLock)
	f, err := os.OpenFile(unheld, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	step()
	if err = tryLock(f); err == nil {
		step()
		err = os.Rename(unheld, filepath.Join(folder, privateLock))
	}
	step()
	return f, err
}
