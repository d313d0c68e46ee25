package signing

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/textfile"
)

// OldKey is behind the name of the file of the ledger's key, for the key before: the private one,
// which then signs the new one, or the public one where the private one is lost.
const OldKey = ".old"

// LoadLedgerKey reads the private key that seals the ledger, as ssh-keygen writes it: of type
// ed25519, without a passphrase. It refuses a file that other users can read.
func LoadLedgerKey(path string) (*ledger.SealKey, error) {
	if err := checkPermissions(path); err != nil {
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	text, err := textfile.Read(path)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", path, unreadable(err))
	}
	text = bytes.TrimLeft(text, " \t\r\n")
	raw, err := ssh.ParseRawPrivateKey(text)
	if _, encrypted := errors.AsType[*ssh.PassphraseMissingError](err); encrypted {
		return nil, fmt.Errorf("key %s is encrypted, and a worker has nobody to ask for the passphrase: "+
			"take it off with `ssh-keygen -p -N '' -f %s`, and protect the file by its mode", path, path)
	}
	if err != nil {
		return nil, fmt.Errorf("key %s cannot be read: %w; or make one with `ssh-keygen -t ed25519 -N '' -f NEW`",
			path, notPrivate(text, err))
	}
	private, ok := raw.(*ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key %s is a %T, and the ledger needs ed25519: "+
			"make one with `ssh-keygen -t ed25519 -N '' -f %s`", path, raw, path)
	}
	return ledger.NewSealKey(*private), nil
}

// LedgerKeys are the keys of a ledger as the files have them.
type LedgerKeys struct {
	Key      *ledger.SealKey    // nil: there is no file
	Previous *ledger.SealKey    // the key before, if its private half is there
	Lost     *ledger.SealPublic // the key before, if only its public half is
}

// LoadLedgerKeys reads the key of a file and the one before, if it is there. A missing file is no
// key.
func LoadLedgerKeys(path string) (LedgerKeys, error) {
	var out LedgerKeys
	key, err := LoadLedgerKey(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return out, err
	default:
		out.Key = key
	}
	text, err := textfile.Read(path + OldKey)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return out, nil
	case err != nil:
		return out, fmt.Errorf("key %s: %w", path+OldKey, unreadable(err))
	}
	if public, err := ledger.ParseSealPublic(string(text)); err == nil {
		out.Lost = &public
		return out, nil
	}
	out.Previous, err = LoadLedgerKey(path + OldKey)
	return out, err
}

// CreateLedgerKey makes a key and writes it into a new file, which only its owner can read. Where
// another process has made the file meanwhile, that is the key.
func CreateLedgerKey(path string) (*ledger.SealKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key for the ledger: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "sentinelone-provisioner ledger")
	if err != nil {
		return nil, fmt.Errorf("make a key for the ledger: %w", err)
	}
	if err := writeNew(path, pem.EncodeToMemory(block)); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("write the key of the ledger %s: %w: set LEDGER_KEY_FILE to a file that can be written",
			path, err)
	}
	return LoadLedgerKey(path)
}

// writeNew writes a file completely or not at all; one that exists stays.
func writeNew(path string, text []byte) error {
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = draft.Write(text)
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	return os.Link(draft.Name(), path)
}
