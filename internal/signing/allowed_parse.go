package signing

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// signer is one line of an allowed_signers file.
type signer struct {
	line       int
	principals string  // pattern-list
	namespaces *string // pattern-list; nil for any
	after      time.Time
	before     time.Time // still valid at that second
	key        ssh.PublicKey
}

const blank = " \t"

// parseSigners reads an allowed_signers file. Where OpenSSH passes over a line that it
// cannot read, this is an error: each fault is one, with its line.
func parseSigners(text []byte) ([]signer, error) {
	var out []signer
	var faults []error
	for n, line := range lines(text) {
		s, err := parseSigner(line)
		if err != nil {
			faults = append(faults, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		s.line = n
		out = append(out, s)
	}
	if len(out)+len(faults) == 0 {
		faults = append(faults, errors.New("no signer is in it, so nobody could sign: "+
			"write lines such as `carol@example.com ssh-ed25519 AAAA…`"))
	}
	return out, errors.Join(faults...)
}

// lines yields what is on each line that is neither empty nor a comment, by number.
func lines(text []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range bytes.Lines(text) {
			n++
			s := strings.TrimRight(string(line), "\r\n"+blank)
			s = strings.TrimLeft(s, blank)
			if s != "" && s[0] != '#' && !yield(n, s) {
				return
			}
		}
	}
}

func parseSigner(line string) (signer, error) {
	var s signer
	principals, rest, err := cutPrincipals(line)
	if err != nil {
		return s, err
	}
	s.principals = principals
	if !isKey(rest) {
		options, after := cutOptions(rest)
		if err := s.options(options); err != nil {
			return s, err
		}
		rest = after
	}
	if s.key, err = parseKey(rest); err != nil {
		return s, err
	}
	return s, usable(s.key)
}

// cutPrincipals takes the first field, which may stand in double quotes as a whole.
func cutPrincipals(line string) (principals, rest string, err error) {
	if quoted, ok := strings.CutPrefix(line, `"`); ok {
		principals, rest, ok = strings.Cut(quoted, `"`)
		if !ok {
			return "", "", errors.New("the quote around the principals does not end")
		}
	} else if i := strings.IndexAny(line, blank); i >= 0 {
		principals, rest = line[:i], line[i:]
	} else {
		principals = line
	}
	rest = strings.TrimLeft(rest, blank)
	switch {
	case principals == "":
		return "", "", errors.New("it names no principal")
	case isKey(line):
		return "", "", errors.New("it begins with a key: " +
			"write first whose it is, as in `carol@example.com ssh-ed25519 AAAA…`")
	case rest == "":
		return "", "", errors.New("it has no key: write `carol@example.com ssh-ed25519 AAAA…`")
	}
	return principals, rest, nil
}

// isKey tells a key from options by the beginning of its type.
func isKey(text string) bool {
	for _, prefix := range []string{"ssh-", "ecdsa-", "sk-"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// cutOptions takes all up to the first space outside double quotes.
func cutOptions(text string) (options, rest string) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && text[i+1] == '"':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && strings.IndexByte(blank, c) >= 0:
			return text[:i], strings.TrimLeft(text[i:], blank)
		}
	}
	return text, ""
}

// parseKey reads "type base64 comment".
func parseKey(text string) (ssh.PublicKey, error) {
	fields := strings.Fields(text)
	if len(fields) < 2 || !isKey(fields[0]) {
		return nil, errors.New("it has no key: write its type and base64, such as `ssh-ed25519 AAAA…`")
	}
	kind := fields[0]
	if strings.Contains(kind, certificateMark) {
		return nil, errors.New("it lists a certificate, which is not supported: list the plain key")
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return nil, fmt.Errorf("its %s key is not whole base64", kind)
	}
	key, err := ssh.ParsePublicKey(blob)
	if err != nil {
		return nil, fmt.Errorf("its %s key cannot be read", kind)
	}
	if key.Type() != kind {
		return nil, fmt.Errorf("it says %s, but the key is of type %s", kind, key.Type())
	}
	return key, nil
}
