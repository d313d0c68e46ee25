package ledger

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// SealingKey records the key that seals entries from this one on.
type SealingKey struct {
	Key string `json:"key"` // as OpenSSH writes it: "ssh-ed25519 AAAA…"
	// Previous is the fingerprint of the key before; "" for the first.
	Previous string `json:"previous,omitempty"`
	// Signature is by the key before, over [SealingKey.Text]; "" where that key was lost.
	Signature string `json:"signature,omitempty"`
}

// Kind implements [Body].
func (SealingKey) Kind() Kind { return KindLedgerKey }

// KeysRequest is what entries about keys are filed under: they belong to no request.
const KeysRequest = "ledger"

// NewSealingKey records a key. previous is the key before; nil for the first one.
func NewSealingKey(key SealPublic, previous *SealKey) SealingKey {
	out := SealingKey{Key: key.String()}
	if previous != nil {
		out.Previous = previous.public.Fingerprint()
		out.Signature = base64.StdEncoding.EncodeToString(previous.sign(out.Text()))
	}
	return out
}

// EntryKey is the key of the entry: a key is recorded once.
func (k SealingKey) EntryKey() string {
	sum := sha256.Sum256([]byte(k.Key))
	return string(KindLedgerKey) + "/" + hex.EncodeToString(sum[:])
}

// Text is what the previous key signs.
func (k SealingKey) Text() string {
	return "sentinelone-ledger-key-1\nkey " + k.Key + "\nprevious " + k.Previous + "\n"
}

func (k SealingKey) check() error {
	_, err := ParseSealPublic(k.Key)
	if err != nil {
		return fmt.Errorf("the ledger key: %w", err)
	}
	if k.Signature != "" && k.Previous == "" {
		return errors.New("a signature without a previous key")
	}
	return nil
}

func (k SealingKey) differs(kept Body) string {
	is, _ := kept.(SealingKey)
	return difference(field{"key", is.Key, k.Key})
}

// KeyHistory follows the keys that a ledger records.
type KeyHistory struct {
	entries []keyEntry
}

type keyEntry struct {
	entry Entry
	body  SealingKey
	key   SealPublic
}

// Add notes an entry of kind [KindLedgerKey].
func (h *KeyHistory) Add(e Entry) error {
	body, err := DecodeAs[SealingKey](e)
	if err != nil {
		return err
	}
	key, err := ParseSealPublic(body.Key)
	if err != nil {
		return err
	}
	h.entries = append(h.entries, keyEntry{e, body, key})
	return nil
}

// Latest is the key recorded last; false if there is none.
func (h *KeyHistory) Latest() (SealPublic, bool) {
	if len(h.entries) == 0 {
		return SealPublic{}, false
	}
	return h.entries[len(h.entries)-1].key, true
}

// Records says whether the ledger records the key.
func (h *KeyHistory) Records(p SealPublic) bool {
	_, known := h.byFingerprint(p.Fingerprint())
	return known
}

// From is the number of the first entry that must be sealed; 0 if the ledger records no key.
func (h *KeyHistory) From() int64 {
	if len(h.entries) == 0 {
		return 0
	}
	return h.entries[0].entry.Seq
}

// Trusting is the keyring of the keys that are trusted because some are: a key that a trusted
// one has signed, and the key before a trusted one, since the holder of the latter has sealed the
// entry that names it.
func (h *KeyHistory) Trusting(keys ...SealPublic) *Keyring {
	out := NewKeyring(h.From(), keys...)
	for changed := true; changed; {
		changed = false
		for _, e := range h.entries {
			before, known := h.byFingerprint(e.body.Previous)
			if !known {
				continue
			}
			if out.Trusts(e.body.Previous) && before.verify(e.body.Text(), " "+e.body.Signature) {
				changed = out.trust(e.key) || changed
			}
			if out.Trusts(e.key.Fingerprint()) && NewKeyring(0, e.key).VerifySeal(e.entry) == nil {
				changed = out.trust(before) || changed
			}
		}
	}
	return out
}

func (h *KeyHistory) byFingerprint(f string) (SealPublic, bool) {
	for _, e := range h.entries {
		if e.key.Fingerprint() == f {
			return e.key, true
		}
	}
	return SealPublic{}, false
}
