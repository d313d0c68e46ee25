package tokensink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sentinelone-provisioner/internal/access"
)

// Folder is a sink that writes <folder>/<console>/<id>.token: mode 0600, in a folder of
// mode 0700, whole or not at all. The file holds the token and nothing else.
type Folder string

const (
	folderMode = 0o700
	suffix     = ".token"
	unfinished = ".unfinished-*" // the name of a file that is being written
)

// Kind implements [Sink].
func (Folder) Kind() string { return "file" }

// Check implements [Sink] by writing an empty file.
func (f Folder) Check(console string) error {
	if err := safeNames(console, "0"); err != nil {
		return err
	}
	folder, err := f.open(console)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, unfinished)
	if err != nil {
		return fmt.Errorf("SERVICE_USER_TOKEN_DIR: no file can be made in it: %w", err)
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// open makes the console's folder where it is missing, and closes it to others.
func (f Folder) open(console string) (string, error) {
	folder := filepath.Join(string(f), console)
	err := os.MkdirAll(folder, folderMode)
	if err == nil {
		err = os.Chmod(folder, folderMode)
	}
	if err != nil {
		return "", fmt.Errorf("SERVICE_USER_TOKEN_DIR: the folder cannot be made: %w", err)
	}
	return folder, nil
}

// Put implements [Sink].
func (f Folder) Put(_ context.Context, t Token) (access.TokenPlace, error) {
	place := access.TokenPlace{Sink: f.Kind(), Path: filepath.Join(t.Console, t.ID+suffix), ExpiresAt: t.ExpiresAt}
	if err := t.check(); err != nil {
		return place, err
	}
	folder, err := f.open(t.Console)
	if err != nil {
		return place, err
	}
	if err := write(folder, filepath.Join(string(f), place.Path), t.Secret.Reveal()); err != nil {
		return place, fmt.Errorf("SERVICE_USER_TOKEN_DIR: the token of service user %s was not written: %w", t.ID, err)
	}
	return place, nil
}

// write puts the text into a file of its own, on the disk, and then in its place.
func write(folder, path, text string) (err error) {
	file, err := os.CreateTemp(folder, unfinished) // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	_, err = file.WriteString(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err = os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes the new name outlast a crash of the machine.
func syncFolder(folder string) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Drop implements [Sink].
func (f Folder) Drop(console, id string) error {
	if err := safeNames(console, id); err != nil {
		return err
	}
	err := os.Remove(filepath.Join(string(f), console, id+suffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
