package signing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"sentinelone-provisioner/internal/access"
)

// ParseReceipt reads the JSON of a receipt, or of a request's result with a receipt in it. It
// refuses unknown fields and names that occur twice: the hash does not cover the first, and
// other readers may take the other value of the second.
func ParseReceipt(text []byte) (access.Receipt, error) {
	var r access.Receipt
	switch text = bytes.TrimSpace(text); {
	case len(text) == 0:
		return r, errors.New("it is empty: write it again with `starter show ID -o json`")
	case text[0] != '{':
		return r, errors.New("it is not JSON, which begins with {: write it with `starter show ID -o json`, " +
			"or with `temporal workflow result -o json`")
	}
	err := checkNames(json.NewDecoder(bytes.NewReader(text)))
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return r, errors.New("it is cut off: copy the whole file again")
	case err != nil:
		return r, err
	}
	type withReceipt struct {
		Receipt json.RawMessage `json:"receipt"`
	}
	var result struct {
		withReceipt

		Result *withReceipt `json:"result"` // as `starter grant -o json` prints it
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
		return r, errors.New("it has no request or no hash: give the whole receipt")
	}
	return withEmptyLists(r), nil
}

// maxDepth is far more than a receipt needs.
const maxDepth = 100

// checkNames reads one JSON value with nothing after it, and refuses a name that occurs twice in
// an object. Names that differ only in case are the same, as they are to the decoder.
func checkNames(dec *json.Decoder) error {
	if err := checkNamesIn(dec, 0); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("extra data follows it")
	}
	return nil
}

func checkNamesIn(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	if depth > maxDepth {
		return fmt.Errorf("it is nested more than %d deep", maxDepth)
	}
	seen := map[string]bool{}
	for dec.More() {
		if open == '{' {
			name, err := dec.Token()
			if err != nil {
				return err
			}
			folded := access.FoldLabel(fmt.Sprint(name))
			if seen[folded] {
				return fmt.Errorf("the name %q occurs twice in it", name)
			}
			seen[folded] = true
		}
		if err := checkNamesIn(dec, depth+1); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}
