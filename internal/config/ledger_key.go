package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"sentinelone-provisioner/internal/signing"
)

// LedgerKeyFile is the file of the key that seals the ledger: LEDGER_KEY_FILE, or beside a SQLite
// database. made says that the worker makes it at its first start; "" means that there is none.
func (s Store) LedgerKeyFile() (path string, made bool) {
	if s.LedgerKey != "" {
		return s.LedgerKey, false
	}
	if file, ok := strings.CutPrefix(s.URL, "sqlite://"); ok && file != "" {
		return file + ".key", true
	}
	return "", false
}

// LedgerKeys reads the key that seals the ledger; there is none without a file. LEDGER_KEY_FILE
// must exist: the workers of one database need the same file.
func (s Store) LedgerKeys() (signing.LedgerKeys, error) {
	path, made := s.LedgerKeyFile()
	if path == "" {
		return signing.LedgerKeys{}, nil
	}
	if file := strings.TrimSuffix(path, ".key"); made { // a fault of the database's path is not one of the key
		if _, err := os.Stat(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return signing.LedgerKeys{}, fmt.Errorf("DATABASE_URL: the database file %q cannot be reached: %w: "+
				"name one in a folder that this user may enter", file, errors.Unwrap(err))
		}
	}
	if _, err := os.Stat(path); !made && errors.Is(err, os.ErrNotExist) {
		return signing.LedgerKeys{}, fmt.Errorf("LEDGER_KEY_FILE: there is no file %s: make a key with "+
			"`ssh-keygen -t ed25519 -N '' -f %s`, and give all workers the same file", path, path)
	}
	keys, err := signing.LoadLedgerKeys(path)
	if err != nil {
		err = fmt.Errorf("LEDGER_KEY_FILE: %w", err)
	}
	return keys, err
}

// Unsealed says what it means that the ledger has no key, and what to do.
const Unsealed = "the ledger is not sealed: whoever owns the database can rewrite it unnoticed; " +
	"set LEDGER_KEY_FILE (docs/security.md)"
