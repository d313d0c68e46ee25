package codec

import (
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"
)

// Key is an AES-256 key with the id that payloads refer to.
type Key struct {
	ID string
	// reveal hides the secret in a closure: fmt prints unexported fields of any
	// struct that holds it without asking, and prints a func as an address.
	reveal func() []byte
}

// String returns the id only, never the key.
func (k Key) String() string { return "key " + k.ID }

// Format implements fmt.Formatter: no verb prints the key.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// Keys is an ordered list: the first key encrypts, all decrypt.
type Keys []Key

const keyBytes = 32

// ReadKeys reads a file of "id:base64" lines with 32 bytes each; it skips blank lines and
// comments (#). An empty path returns no keys. It fails for an unreadable file, a
// malformed line, and a file without keys; no error contains a key.
func ReadKeys(path string) (Keys, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("PAYLOAD_KEYS_FILE: %w", err)
	}
	var keys Keys
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, text, _ := strings.Cut(line, ":")
		secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil || len(secret) != keyBytes || id == "" {
			return nil, fmt.Errorf("PAYLOAD_KEYS_FILE: line %d is malformed: write id:base64 of %d bytes",
				i+1, keyBytes)
		}
		keys = append(keys, Key{ID: id, reveal: func() []byte { return secret }})
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("PAYLOAD_KEYS_FILE: %s contains no key: add a line id:base64 of %d bytes",
			path, keyBytes)
	}
	return keys, nil
}

func (ks Keys) find(id string) (Key, error) {
	for _, k := range ks {
		if k.ID == id {
			return k, nil
		}
	}
	return Key{}, fmt.Errorf("payload is encrypted with key %q, which is not in PAYLOAD_KEYS_FILE: add that key", id)
}
