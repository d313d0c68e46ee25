package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// DecodeError says that an entry cannot be read, and what to do about it.
type DecodeError struct {
	Seq  int64
	Kind Kind
	Key  string
	Err  error // why
}

// Error implements error.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("entry %d of the ledger (%s, key %q) cannot be read: %v", e.Seq, kindText(e.Kind), e.Key, e.Err)
}

// Unwrap says why.
func (e *DecodeError) Unwrap() error { return e.Err }

func kindText(k Kind) string {
	if k == "" {
		return "without a kind"
	}
	return fmt.Sprintf("kind %q", string(k))
}

// Encode is the JSON of a body, as an entry holds it. It is UTF-8.
func Encode(b Body) (json.RawMessage, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	// A json.Marshaler's text passes as it is, and PostgreSQL keeps UTF-8 only.
	return bytes.ToValidUTF8(text, []byte("\uFFFD")), nil
}

// decoders holds one decoder for each kind.
var decoders = map[Kind]func(Entry) (Body, error){
	KindRequest:          decoder[Request],
	KindSignature:        decoder[Signature],
	KindDecision:         decoder[Decision],
	KindDelegation:       decoder[Delegation],
	KindWrite:            decoder[Write],
	KindAnswer:           decoder[Answer],
	KindToken:            decoder[Token],
	KindProof:            decoder[Proof],
	KindExtensionRequest: decoder[ExtensionRequest],
	KindExtension:        decoder[Extension],
	KindConfirmation:     decoder[Confirmation],
	KindCancelled:        decoder[Cancelled],
	KindUnauthorized:     decoder[Unauthorized],
	KindStop:             decoder[Stop],
	KindFreeze:           decoder[Freeze],
	KindOverdue:          decoder[Overdue],
	KindDrift:            decoder[Drift],
	KindReceipt:          decoder[Receipt],
	KindNotification:     decoder[Notification],
	KindLedgerKey:        decoder[SealingKey],
}

// Kinds lists all kinds, sorted.
func Kinds() []Kind { return slices.Sorted(maps.Keys(decoders)) }

func decoder[T Body](e Entry) (Body, error) {
	out, err := DecodeAs[T](e)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Decode reads the body of an entry of any kind. The body's type is the one that its
// kind's documentation names. Every error is a [DecodeError]: the kind or a field is not
// known to this version, a value is of the wrong type, or something follows the body.
func Decode(e Entry) (Body, error) {
	decode, known := decoders[e.Kind]
	if !known {
		return nil, failed(e, errors.New("this version does not know the kind: "+
			"use the version that wrote the entry, or a newer one"))
	}
	return decode(e)
}

// DecodeAs reads the body of an entry that must be of T's kind. Every error is a
// [DecodeError].
func DecodeAs[T Body](e Entry) (T, error) {
	var out, none T
	if want := out.Kind(); e.Kind != want {
		return none, failed(e, fmt.Errorf("an entry of kind %q is expected under this key: "+
			"run `starter ledger verify`, and report it if the ledger is whole", string(want)))
	}
	if err := strictly(e.Body, &out); err != nil {
		return none, failed(e, fmt.Errorf("%w: use the version that wrote the entry, or a newer one; "+
			"if that does not help, run `starter ledger verify`", err))
	}
	return out, nil
}

func failed(e Entry, err error) *DecodeError {
	return &DecodeError{Seq: e.Seq, Kind: e.Kind, Key: e.Key, Err: err}
}

// strictly decodes one JSON object, knows all its fields, and finds nothing behind it.
func strictly(body []byte, into any) error {
	if text := bytes.TrimLeft(body, " \t\r\n"); len(text) == 0 || text[0] != '{' {
		return errors.New("the body is not a JSON object")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the body")
	}
	if c, ok := into.(interface{ check() error }); ok {
		return c.check()
	}
	return nil
}
