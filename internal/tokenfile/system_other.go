//go:build !unix

package tokenfile

import (
	"errors"
	"io/fs"
	"os"
)

func chownLike(*os.File, fs.FileInfo) error { return nil }

func tryLock(*os.File) error {
	return errors.New("this system has no locks of files: rotate the token by hand")
}
