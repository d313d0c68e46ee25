package access

// LedgerHead is the newest entry of the ledger at some moment, as it leaves the database: whoever
// has it can tell later that nothing up to that entry was rewritten or removed.
type LedgerHead struct {
	Console string `json:"console"`
	Seq     int64  `json:"seq"`  // number of the entry
	Hash    string `json:"hash"` // of the entry
	// Seal is the worker's signature: the fingerprint of its key, a space, and an ed25519 signature
	// in base64, which `starter ledger verify` turns into the form that ssh-keygen checks; or
	// [Unsealed].
	Seal string `json:"seal"`
}

// Unsealed is the seal of a head in a ledger without a key (LEDGER_KEY_FILE).
const Unsealed = "unsealed"

// Sealed says whether the head carries a signature, which may not hold.
func (h LedgerHead) Sealed() bool { return h.Seal != "" && h.Seal != Unsealed }
