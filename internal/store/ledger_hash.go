package store

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// ledgerForm names the canonical form below. A new form gets a new name.
const ledgerForm = "sentinelone-ledger-1"

// Digest computes the hash that an entry must have: the SHA-256, in lower-case hex,
// of these nine strings, each written as a netstring (its length in bytes in decimal,
// a colon, the bytes, a comma), so that no two entries share a form:
//
//	"sentinelone-ledger-1", console, seq in decimal, at in microseconds since 1970 UTC
//	in decimal, request, kind, key, body, prev
//
// The body counts byte by byte, as encoding/json wrote it: compact, with <, > and &
// escaped. An export that was indented has to be compacted first.
func (e LedgerEntry) Digest() string {
	form := make([]byte, 0, 512+len(e.Body))
	for _, field := range [...]string{
		ledgerForm, e.Console, strconv.FormatInt(e.Seq, 10), strconv.FormatInt(micros(e.At), 10),
		e.Request, e.Kind, e.Key, string(e.Body), e.Prev,
	} {
		form = strconv.AppendInt(form, int64(len(field)), 10)
		form = append(form, ':')
		form = append(form, field...)
		form = append(form, ',')
	}
	sum := sha256.Sum256(form)
	return hex.EncodeToString(sum[:])
}
