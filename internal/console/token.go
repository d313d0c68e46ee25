package console

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"unicode"

	"sentinelone-provisioner/internal/textfile"
)

const (
	redacted = "[redacted]"
	// maxTokenFile bounds the token file, in bytes; the longest tokens seen are JWTs of
	// about 1 KiB.
	maxTokenFile = 64 << 10
)

// TokenSource returns the API token for each request. The sources of this package print as
// "[redacted]" in every format, in JSON and in slog.
type TokenSource interface {
	// Token returns the current token, or an error that says why there is none.
	Token() (string, error)
	// Reload reads the token again and reports whether it changed. The client calls it
	// when the console responds with 401.
	Reload() (changed bool, err error)
}

// StaticToken returns a source whose token never changes, such as one from the environment.
// White space around the token is removed.
func StaticToken(token string) TokenSource {
	token = strings.TrimSpace(token)
	return &staticToken{reveal: func() string { return token }}
}

// TokenFile returns a source that reads the token from a file of at most 64 KiB, on first use
// and on every Reload, so that a rotated secret needs no restart. White space around the
// token is removed. While the file cannot be read, the last good token stays in use.
func TokenFile(path string) TokenSource { return &fileToken{path: path} }

// staticToken keeps its token in a closure: fmt prints the unexported fields of a struct that
// holds it without calling its methods, but prints a func as an address.
type staticToken struct {
	hidden
	reveal func() string
}

func (t *staticToken) Token() (string, error) {
	token := t.reveal()
	if err := checkToken(token); err != nil {
		return "", fmt.Errorf("the API token %w", err)
	}
	return token, nil
}

func (t *staticToken) Reload() (bool, error) { return false, nil }

type fileToken struct {
	hidden
	path   string
	mu     sync.Mutex
	reveal func() string // nil until the file was read
}

func (t *fileToken) Token() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reveal != nil {
		return t.reveal(), nil
	}
	token, err := readToken(t.path)
	if err != nil {
		return "", err
	}
	t.reveal = func() string { return token }
	return token, nil
}

func (t *fileToken) Reload() (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	token, err := readToken(t.path)
	if err != nil {
		return false, err
	}
	changed := t.reveal == nil || t.reveal() != token
	t.reveal = func() string { return token }
	return changed, nil
}

func readToken(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the file of the API token: %w", err)
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenFile+1))
	if err != nil {
		return "", fmt.Errorf("cannot read the file of the API token: %w", err)
	}
	if len(text) > maxTokenFile {
		return "", fmt.Errorf("the file %s is larger than 64 KiB: it must hold only the API token", path)
	}
	text, err = textfile.Text(text)
	if err != nil {
		return "", fmt.Errorf("the file %s of the API token: %w", path, err)
	}
	token := string(bytes.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' }))
	if err := checkToken(token); err != nil {
		return "", fmt.Errorf("the API token in %s %w", path, err)
	}
	return token, nil
}

// checkToken rejects what cannot be sent in a header, and what stands around a token that was copied: the console
// answers to it as to a token that has expired. It checks nothing else: tokens are JWTs or older opaque strings.
func checkToken(token string) error {
	if token == "" {
		return errors.New("is empty: write the token of a service user or user of the console")
	}
	for _, r := range token {
		switch {
		case strings.ContainsRune("\"'`<>{}", r):
			return errors.New("has quotes or brackets in it: write only the token, with nothing around it")
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			return errors.New("has white space inside: write only the token, on one line, without the word ApiToken")
		case r < '!' || r > '~':
			return errors.New("has a character that tokens do not have: copy it from the console again, as plain text")
		}
	}
	if strings.HasPrefix(token, "SENTINELONE_") && strings.Contains(token, "=") {
		return errors.New("begins with the name of a variable: write only the token, without what is before the =")
	}
	return nil
}

// hidden redacts the type that embeds it, in every way that Go prints a value.
type hidden struct{}

func (hidden) String() string               { return redacted }
func (hidden) GoString() string             { return redacted }
func (hidden) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, redacted) }
func (hidden) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (hidden) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (hidden) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
