package codec

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"sentinelone-provisioner/internal/textfile"
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

// lost stands in the place of a key that nobody has any more.
const lost = "lost"

// KeyFile is what the file of the keys says.
type KeyFile struct {
	Keys Keys
	// Lost are the ids of keys that are given up, from lines "id:lost".
	Lost []string
}

// ReadKeys returns the keys of [ReadKeyFile].
func ReadKeys(path string) (Keys, error) {
	file, err := ReadKeyFile(path)
	return file.Keys, err
}

// ReadKeyFile reads a file of "id:base64" lines with 32 bytes each, or "id:lost"; it skips blank
// lines and comments (#). An empty path returns no keys. It fails for an unreadable file, a
// malformed line, an id that repeats, and a file without keys; no error contains a key.
func ReadKeyFile(path string) (KeyFile, error) {
	if path == "" {
		return KeyFile{}, nil
	}
	data, err := textfile.Read(path)
	if errors.Is(err, textfile.ErrUTF16) {
		return KeyFile{}, fmt.Errorf("PAYLOAD_KEYS_FILE: %s: %w", path, err)
	}
	if err != nil {
		return KeyFile{}, fmt.Errorf("PAYLOAD_KEYS_FILE: %w", err)
	}
	var file KeyFile
	lines := map[string]int{} // of each id
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, text, _ := strings.Cut(line, ":")
		if at := strings.IndexFunc(id, unprintable); at >= 0 {
			hidden, _ := utf8.DecodeRuneInString(id[at:])
			return KeyFile{}, fmt.Errorf("PAYLOAD_KEYS_FILE: line %d: its id contains U+%04X, which prints nothing: "+
				"type the line again; if payloads were encrypted under this id (`starter keys status`), keep the "+
				"old version until none needs it", i+1, hidden)
		}
		if first, repeated := lines[id]; repeated {
			return KeyFile{}, fmt.Errorf("PAYLOAD_KEYS_FILE: line %d repeats the id of line %d: "+
				"give each key an id of its own", i+1, first)
		}
		lines[id] = i + 1
		if strings.TrimSpace(text) == lost {
			file.Lost = append(file.Lost, id)
			continue
		}
		secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil || len(secret) != keyBytes || id == "" {
			return KeyFile{}, fmt.Errorf("PAYLOAD_KEYS_FILE: line %d is malformed: write id:base64 of %d bytes",
				i+1, keyBytes)
		}
		file.Keys = append(file.Keys, Key{ID: id, reveal: func() []byte { return secret }})
	}
	if len(file.Keys) == 0 {
		return KeyFile{}, fmt.Errorf("PAYLOAD_KEYS_FILE: %s contains no key: add a line id:base64 of %d bytes",
			path, keyBytes)
	}
	return file, nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }

func (ks Keys) find(id string) (Key, error) {
	for _, k := range ks {
		if k.ID == id {
			return k, nil
		}
	}
	return Key{}, fmt.Errorf("payload is encrypted with key %q, which is not in PAYLOAD_KEYS_FILE: add that key", id)
}
