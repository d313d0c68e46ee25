package signing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"sentinelone-provisioner/internal/access"
)

// ParseReceipt reads the JSON of a receipt, or of a request's result that has it in.
// What this program does not know, or what stands there twice, is refused: the hash
// would not cover it, and somebody else would read it otherwise.
func ParseReceipt(text []byte) (access.Receipt, error) {
	var r access.Receipt
	if err := onceEach(json.NewDecoder(bytes.NewReader(text))); err != nil {
		return r, err
	}
	type withReceipt struct {
		Receipt json.RawMessage `json:"receipt"`
	}
	var result struct {
		withReceipt

		Result *withReceipt `json:"result"` // of what `starter grant -o json` and its like print
	}
	if err := json.Unmarshal(text, &result); err != nil {
		return r, err
	}
	if result.Result != nil && result.Receipt == nil {
		result.Receipt = result.Result.Receipt
	}
	if result.Receipt != nil {
		text = result.Receipt
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return r, err
	}
	if r.Request == "" || r.Hash == "" {
		return r, errors.New("it has no request and no hash")
	}
	return r, nil
}

// mostNested is far more than a receipt needs.
const mostNested = 100

// onceEach reads one JSON value and nothing behind it, in which no object has a name
// twice. Names that differ in case alone are one, as they are when it is decoded.
func onceEach(dec *json.Decoder) error {
	if err := onceIn(dec, 0); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

func onceIn(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	if depth > mostNested {
		return fmt.Errorf("it is nested more than %d deep", mostNested)
	}
	seen := map[string]bool{}
	for dec.More() {
		if open == '{' {
			name, err := dec.Token()
			if err != nil {
				return err
			}
			folded := access.Fold(fmt.Sprint(name))
			if seen[folded] {
				return fmt.Errorf("%q is in it twice", name)
			}
			seen[folded] = true
		}
		if err := onceIn(dec, depth+1); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}
