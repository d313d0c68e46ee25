package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrBadEntry says that an entry cannot be written as it is, now or later.
var ErrBadEntry = errors.New("the entry cannot go into the ledger")

// Entry is one row of the ledger, which is append-only: each entry is chained to the one
// before by its hash, one chain per console.
type Entry struct {
	Console string          `json:"console"`
	Seq     int64           `json:"seq"`     // from 1, without gaps, per console
	At      time.Time       `json:"at"`      // UTC, microseconds
	Request string          `json:"request"` // workflow id it belongs to, such as grant/INC-42
	Kind    Kind            `json:"kind"`    // says of which type the body is
	Key     string          `json:"key"`     // unique per console, so that repeating an append does nothing
	Body    json.RawMessage `json:"body"`    // exactly the bytes that were hashed; see [Decode]
	Prev    string          `json:"prev"`    // hash of the entry before; "" for the first
	Hash    string          `json:"hash"`    // over all of the above; see [Entry.Digest]
	// Seal is the worker's signature over number and hash: see [SealKey.Seal]. "" in a ledger
	// that is not sealed.
	Seal string `json:"seal,omitempty"`
	// Subject is the principal that the entry is about, as the store finds it by: see
	// [SubjectOf]. It is not in the hash, since it follows from the body.
	Subject string `json:"-"`
}

// NewEntry is an entry to append. Its kind is its body's.
type NewEntry struct {
	Request string    // workflow id
	Key     string    // from the functions of this package: it must be one that the body's kind can have
	At      time.Time // kept to the microsecond; the time of the append, if zero
	Body    Body
	// Unless names a key: while there is an entry of that key, this one is not written, and
	// that one is returned in its place.
	Unless string
}

// Head is the last entry of a chain: noted elsewhere, it proves later that nothing up to
// it has been rewritten. It is zero for an empty chain.
type Head struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// Entry is the new entry with its body encoded, without its place in the chain. It stands
// at n.At, or at now where that is zero.
//
// One without console, request, key or body, with a NUL or bytes that are not UTF-8 in one
// of them, with a key of another kind or request, or with a body that cannot be encoded is
// [ErrBadEntry].
func (n NewEntry) Entry(console string, now time.Time) (Entry, error) {
	if n.Body == nil {
		return Entry{}, fmt.Errorf("%w: %q has no body", ErrBadEntry, n.Key)
	}
	at := n.At
	if at.IsZero() {
		at = now
	}
	e := Entry{
		Console: console, Request: n.Request, Kind: n.Body.Kind(), Key: n.Key,
		At: time.UnixMicro(at.UnixMicro()).UTC(), Subject: SubjectOf(n.Body),
	}
	if err := e.check(); err != nil {
		return Entry{}, err
	}
	body, err := Encode(n.Body)
	if err != nil {
		return Entry{}, fmt.Errorf("%w: encode the body of %s %q: %w", ErrBadEntry, e.Kind, e.Key, err)
	}
	e.Body = body
	return e, nil
}

func (e Entry) check() error {
	for _, f := range []struct{ name, value string }{
		{"console", e.Console}, {"request", e.Request}, {"kind", string(e.Kind)}, {"key", e.Key},
	} {
		if f.value == "" {
			return fmt.Errorf("%w: the %s of %s %q is empty", ErrBadEntry, f.name, e.Kind, e.Key)
		}
		if strings.ContainsRune(f.value, 0) || !utf8.ValidString(f.value) {
			return fmt.Errorf("%w: the %s %q is not text: take out the NUL or make it UTF-8",
				ErrBadEntry, f.name, f.value)
		}
	}
	return e.checkKey()
}

// Chain puts an entry behind the head: it fills in number, predecessor and hash, and
// returns the head from then on.
func (h Head) Chain(e Entry) (Entry, Head) {
	e.Seq, e.Prev = h.Seq+1, h.Hash
	e.Hash = e.Digest()
	return e, Head{Seq: e.Seq, Hash: e.Hash}
}

// digestForm names the canonical form below. A new form gets a new name.
const digestForm = "sentinelone-ledger-1"

// Digest computes the hash that an entry must have: the SHA-256, in lower-case hex, of
// these nine strings, each written as a netstring (its length in bytes in decimal, a
// colon, the bytes, a comma), so that no two entries share a form:
//
//	"sentinelone-ledger-1", console, seq in decimal, at in microseconds since 1970 UTC
//	in decimal, request, kind, key, body, prev
//
// The body counts byte by byte, as encoding/json wrote it: compact, with <, > and &
// escaped. An export that was indented has to be compacted first.
func (e Entry) Digest() string {
	form := netstrings(
		digestForm, e.Console, strconv.FormatInt(e.Seq, 10), strconv.FormatInt(e.At.UnixMicro(), 10),
		e.Request, string(e.Kind), e.Key, string(e.Body), e.Prev,
	)
	sum := sha256.Sum256(form)
	return hex.EncodeToString(sum[:])
}
