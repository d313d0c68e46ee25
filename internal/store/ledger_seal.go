package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// ErrLedgerKey says that the key given does not fit the keys that the ledger records.
var ErrLedgerKey = errors.New("the key of the ledger does not fit")

// SealOptions say with which key the ledger is sealed.
type SealOptions struct {
	Key *ledger.SealKey // nil: none
	// Previous is the key before, which signs Key when it is new; nil if Key is not new, or
	// the key before was lost.
	Previous *ledger.SealKey
	// Lost is the public half of the key before, where only that is left. What it sealed goes on
	// to count, and verification reports that it has not signed Key.
	Lost *ledger.SealPublic
}

// seals is what a store seals with, and trusts.
type seals struct {
	sync.RWMutex

	key   *ledger.SealKey
	rings map[string]*ledger.Keyring // by console
}

// SealWith seals what is appended from now on, and trusts what the key vouches for: see
// [ledger.KeyHistory.Trusting]. It records the key in the ledger of the console, once.
//
// Where the ledger is sealed already, no key, or a key that the one before has not signed and
// cannot sign now, is [ErrLedgerKey].
func (s *Store) SealWith(ctx context.Context, console string, o SealOptions) error {
	history, err := s.ledgerKeys(ctx, console)
	if err != nil {
		return err
	}
	latest, sealed := history.Latest()
	switch {
	case o.Key == nil && sealed:
		return fmt.Errorf("%w: the ledger of %s is sealed with key %s from entry %d on: "+
			"set LEDGER_KEY_FILE to that key",
			ErrLedgerKey, console, latest.Fingerprint(), history.From())
	case o.Key == nil:
		return nil
	}
	s.seals.Lock()
	s.seals.key = o.Key
	s.seals.Unlock()
	if !history.Records(o.Key.Public()) {
		if err := s.recordKey(ctx, console, o, latest, sealed); err != nil {
			return err
		}
	}
	return s.loadKeyring(ctx, console)
}

func (s *Store) recordKey(
	ctx context.Context, console string, o SealOptions, latest ledger.SealPublic, sealed bool,
) error {
	body := ledger.NewSealingKey(o.Key.Public(), nil)
	switch {
	case !sealed:
	case o.Previous != nil && o.Previous.Public().Fingerprint() == latest.Fingerprint():
		body = ledger.NewSealingKey(o.Key.Public(), o.Previous)
	case o.Lost != nil && o.Lost.Fingerprint() == latest.Fingerprint():
		body.Previous = latest.Fingerprint()
	default:
		return fmt.Errorf("%w: LEDGER_KEY_FILE holds key %s, and the ledger of %s is sealed with key %s: put that key "+
			"into the same file with .old behind its name for one start, and it signs the new one; "+
			"if it is lost, put its public key there: %s",
			ErrLedgerKey, o.Key.Public().Fingerprint(), console, latest.Fingerprint(), latest)
	}
	_, err := s.Append(ctx, console, ledger.NewEntry{Request: ledger.KeysRequest, Key: body.EntryKey(), Body: body})
	return err
}

// ledgerKeys reads the keys that the ledger of a console records.
func (s *Store) ledgerKeys(ctx context.Context, console string) (*ledger.KeyHistory, error) {
	entries, err := s.LedgerOf(ctx, console, ledger.KeysRequest)
	if err != nil {
		return nil, err
	}
	out := &ledger.KeyHistory{}
	for _, e := range entries {
		if e.Kind != ledger.KindLedgerKey {
			continue
		}
		if err := out.Add(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// LedgerKeyring trusts the keys that some keys vouch for in the ledger of a console: see
// [ledger.KeyHistory.Trusting].
func (s *Store) LedgerKeyring(
	ctx context.Context, console string, keys ...ledger.SealPublic,
) (*ledger.Keyring, error) {
	history, err := s.ledgerKeys(ctx, console)
	if err != nil {
		return nil, err
	}
	return history.Trusting(keys...), nil
}

// LedgerKey is the public key that seals the ledger of a console, as the ledger records it; false
// if it is not sealed.
func (s *Store) LedgerKey(ctx context.Context, console string) (ledger.SealPublic, bool, error) {
	history, err := s.ledgerKeys(ctx, console)
	if err != nil {
		return ledger.SealPublic{}, false, err
	}
	key, sealed := history.Latest()
	return key, sealed, nil
}

func (s *Store) loadKeyring(ctx context.Context, console string) error {
	history, err := s.ledgerKeys(ctx, console)
	if err != nil {
		return err
	}
	s.seals.Lock()
	defer s.seals.Unlock()
	if s.seals.rings == nil {
		s.seals.rings = map[string]*ledger.Keyring{}
	}
	s.seals.rings[console] = history.Trusting(s.seals.key.Public())
	return nil
}

// sealOf is the seal of an entry that is about to be written; "" without a key.
func (s *Store) sealOf(e ledger.Entry) string {
	s.seals.RLock()
	defer s.seals.RUnlock()
	if s.seals.key == nil {
		return ""
	}
	return s.seals.key.Seal(e.Console, ledger.Head{Seq: e.Seq, Hash: e.Hash})
}

// VerifySeal says why an entry that was read does not count as written by a worker, as
// [ledger.ErrBadSeal]: its hash does not fit, or no trusted key has sealed it. Without a key of its
// own the store checks the hash only. It reads the database only when another worker's key is
// new to it.
func (s *Store) VerifySeal(ctx context.Context, e ledger.Entry) error {
	s.seals.RLock()
	ring, sealing := s.seals.rings[e.Console], s.seals.key != nil
	s.seals.RUnlock()
	switch fingerprint, _, _ := strings.Cut(e.Seal, " "); {
	case !sealing:
		return ledger.CheckHash(e)
	case ring == nil, fingerprint != "" && !ring.Trusts(fingerprint):
		if err := s.loadKeyring(ctx, e.Console); err != nil {
			return err
		}
		s.seals.RLock()
		ring = s.seals.rings[e.Console]
		s.seals.RUnlock()
	}
	return ring.VerifySeal(e)
}

// LedgerHead is the newest entry of a console's ledger, to be kept outside the database; nil while there
// is none.
func (s *Store) LedgerHead(ctx context.Context, console string) (*access.LedgerHead, error) {
	out := access.LedgerHead{Console: console}
	err := s.r.QueryRowContext(ctx, `SELECT h.seq, h.hash, COALESCE(l.seal, '') FROM ledger_heads h
		LEFT JOIN ledger l ON l.console = h.console AND l.seq = h.seq WHERE h.console = $1`, console).
		Scan(&out.Seq, &out.Hash, &out.Seal)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, s.explain(fmt.Errorf("read the head of the ledger of %s: %w", console, err))
	}
	if out.Seal == "" {
		out.Seal = access.Unsealed
	}
	return &out, nil
}
