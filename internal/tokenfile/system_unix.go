//go:build unix

package tokenfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// chownLike gives the file the owner and group of another one, if it has others.
func chownLike(file *os.File, like fs.FileInfo) error {
	is, err := file.Stat()
	if err != nil {
		return err
	}
	have, known := is.Sys().(*syscall.Stat_t)
	want, wanted := like.Sys().(*syscall.Stat_t)
	if !known || !wanted || have.Uid == want.Uid && have.Gid == want.Gid {
		return nil
	}
	return file.Chown(int(want.Uid), int(want.Gid))
}

// tryLock locks an open file until it is closed.
func tryLock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}
