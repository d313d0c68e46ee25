package main

import (
	"context"
	"log/slog"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/version"
)

// sealLedger has the store seal the ledger of the console with the worker's key. Beside a SQLite
// database, it makes the key at the first start: not where the ledger is sealed with a key
// that is missing, unless the file of the key before says how to go on.
func sealLedger(ctx context.Context, log *slog.Logger, cfg config.Config, db *store.Store) error {
	s1, err := cfg.Console.Client(version.UserAgent()) // for its name
	if err != nil {
		return err
	}
	keys, err := cfg.Store.LedgerKeys()
	if err != nil {
		return err
	}
	path, made := cfg.Store.LedgerKeyFile()
	if keys.Key == nil && made {
		_, sealed, err := db.LedgerKey(ctx, s1.Console())
		if err != nil {
			return err
		}
		if !sealed || keys.Previous != nil || keys.Lost != nil {
			if keys.Key, err = signing.CreateLedgerKey(path); err != nil {
				return err
			}
			log.Info("Made a key that seals the ledger: keep a copy of its public key outside this machine",
				"file", path, "public_key", keys.Key.Public().String())
		}
	}
	err = db.SealWith(ctx, s1.Console(), store.SealOptions{Key: keys.Key, Previous: keys.Previous, Lost: keys.Lost})
	switch {
	case err != nil:
		return err
	case keys.Key == nil:
		log.Warn("The ledger is not sealed", "meaning", config.Unsealed)
	default:
		log.Info("The ledger is sealed", "key", keys.Key.Public().Fingerprint(), "file", path)
	}
	return nil
}
