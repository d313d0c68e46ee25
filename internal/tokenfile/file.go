package tokenfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	variable   = "SENTINELONE_API_TOKEN_FILE"
	unfinished = ".unfinished-*" // pattern for the name of a file that is being written
	lockSuffix = ".lock"
	lockMode   = 0o600
)

// ErrLocked says that another attempt, of this process or another one, holds the lock of the file.
var ErrLocked = errors.New("another attempt replaces the token in " + variable + " at present")

// errVariable says why a token that is no file cannot be replaced.
var errVariable = errors.New("the worker has its token from SENTINELONE_API_TOKEN, which it cannot change: put the " +
	"token into a file that the worker may replace, and set " + variable)

// File is the file that holds the worker's own token; "" where the token comes from a variable.
type File string

// Check returns an error if [File.Replace] would fail for lack of a file or of rights. It changes nothing, and does
// not see that the file itself is mounted, which [File.Rewrite] does.
func (f File) Check() error {
	path, info, err := f.resolve()
	if err != nil {
		return err
	}
	name, err := stage(path, info, "")
	if err == nil {
		err = os.Remove(name)
	}
	return f.readOnly(err)
}

// Rewrite replaces the file by one with the same content, which proves that it can be replaced.
func (f File) Rewrite() error {
	path, _, err := f.resolve()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return f.readOnly(err)
	}
	return f.Replace(string(text))
}

// Replace writes the token durably, with the owner and the mode that the file has. No error contains the token.
func (f File) Replace(token string) error {
	path, info, err := f.resolve()
	if err != nil {
		return err
	}
	name, err := stage(path, info, token)
	if err != nil {
		return f.readOnly(err)
	}
	if err := os.Rename(name, path); err != nil {
		return f.readOnly(errors.Join(err, os.Remove(name)))
	}
	dir, err := os.Open(filepath.Dir(path)) // so that the rename survives a crash of the machine
	if err != nil {
		return f.readOnly(err)
	}
	return f.readOnly(errors.Join(dir.Sync(), dir.Close()))
}

// Lock takes the lock beside the file, without waiting: while another attempt on this machine holds it, the error is
// [ErrLocked]. The end of the process ends it too.
func (f File) Lock() (unlock func(), err error) {
	path, _, err := f.resolve()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path+lockSuffix, os.O_CREATE|os.O_RDWR, lockMode)
	if err != nil {
		return nil, f.readOnly(err)
	}
	if err := tryLock(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() { _ = file.Close() }, nil
}

// resolve follows links, so that the file is replaced and not the link.
func (f File) resolve() (path string, info fs.FileInfo, err error) {
	if f == "" {
		return "", nil, errVariable
	}
	if path, err = filepath.EvalSymlinks(string(f)); err == nil {
		info, err = os.Stat(path)
	}
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	return path, info, f.readOnly(err)
}

func (f File) readOnly(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: the worker cannot replace the token in its file: %w; keep the token in a folder of its own "+
		"that the worker may write, not in a mounted secret", variable, err)
}

// stage writes and syncs a file with that content beside path, with the owner and the mode of the file there.
func stage(path string, like fs.FileInfo, text string) (name string, err error) {
	file, err := os.CreateTemp(filepath.Dir(path), unfinished) // mode 0600
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if err = chownLike(file, like); err == nil {
		_, err = file.WriteString(text)
	}
	if err == nil {
		err = file.Chmod(like.Mode().Perm())
	}
	if err == nil {
		err = file.Sync()
	}
	return file.Name(), errors.Join(err, file.Close())
}
