//go:build unix

package snapshot

import (
	"io/fs"
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

// isOurs reports whether nobody but the user of this process can change what is in a folder: another user could put a
// link there, or in its place, and have files elsewhere opened or removed.
func isOurs(folder fs.FileInfo) bool {
	is, ok := folder.Sys().(*syscall.Stat_t)
	return ok && int64(is.Uid) == int64(os.Geteuid()) && folder.Mode().Perm()&0o077 == 0
}

// openLock opens the lock of a folder, and no file elsewhere.
func openLock(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}
