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

// Folder is a [Sink] that writes <folder>/<console>/<id>.token atomically: mode 0600, in
// a folder of mode 0700. The file contains the token and nothing else.
type Folder string

const (
	folderMode = 0o700
	suffix     = ".token"
	unfinished = ".unfinished-*" // pattern for the name of a file that is being written
)

// Kind implements [Sink].
func (Folder) Kind() string { return "file" }

// Check implements [Sink]: it writes and removes an empty file.
func (f Folder) Check(console string) error {
	if err := safeNames(console, "0"); err != nil {
		return err
	}
	folder, err := f.ensureFolder(console)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, unfinished)
	if err != nil {
		return fmt.Errorf("SERVICE_USER_TOKEN_DIR: cannot create a file in it: %w", err)
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// ensureFolder creates the console's folder if it is missing, and sets its mode.
func (f Folder) ensureFolder(console string) (string, error) {
	folder := filepath.Join(string(f), console)
	err := os.MkdirAll(folder, folderMode)
	if err == nil {
		err = os.Chmod(folder, folderMode)
	}
	if err != nil {
		return "", fmt.Errorf("SERVICE_USER_TOKEN_DIR: cannot create the folder: %w", err)
	}
	return folder, nil
}

// Put implements [Sink].
func (f Folder) Put(_ context.Context, t Token) (access.TokenPlace, error) {
	place := access.TokenPlace{Sink: f.Kind(), Path: filepath.Join(t.Console, t.ID+suffix), ExpiresAt: t.ExpiresAt}
	if err := t.check(); err != nil {
		return place, err
	}
	folder, err := f.ensureFolder(t.Console)
	if err != nil {
		return place, err
	}
	if err := writeAtomically(folder, filepath.Join(string(f), place.Path), t.Secret.Reveal()); err != nil {
		return place, fmt.Errorf("SERVICE_USER_TOKEN_DIR: could not write the token of service user %s: %w", t.ID, err)
	}
	return place, nil
}

// writeAtomically writes and syncs a temporary file in folder, then renames it to path.
func writeAtomically(folder, path, text string) (err error) {
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

// syncFolder makes a rename survive a crash of the machine.
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
