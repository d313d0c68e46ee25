package signing

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/textfile"
)

// signer is one line of an allowed_signers file.
type signer struct {
	line       int
	principals string  // pattern-list
	namespaces *string // pattern-list; nil allows every namespace
	after      time.Time
	before     time.Time // inclusive, to the second
	key        ssh.PublicKey

	fingerprint string
}

const blank = " \t"

// parseSigners reads an allowed_signers file. OpenSSH skips a line that it cannot read; here
// each is an error that names the line, so that a typing error does not go unnoticed.
func parseSigners(text []byte) ([]signer, error) {
	if _, err := textfile.Text(text); err != nil {
		return nil, err
	}
	var out []signer
	var faults []error
	for n, line := range lines(text) {
		s, err := parseSigner(line)
		if err != nil {
			faults = append(faults, &lineError{n, err})
			continue
		}
		s.line = n
		out = append(out, s)
	}
	if len(out)+len(faults) == 0 {
		faults = append(faults, errors.New("it lists no signer, so every signature would be refused: "+
			"add lines such as `carol@example.com ssh-ed25519 AAAA…`"))
	}
	return out, errors.Join(faults...)
}

// lines yields the number and the text of each line that is neither empty nor a comment.
func lines(text []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n := 0
		if plain, err := textfile.Text(text); err == nil {
			text = plain
		}
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
	if err := checkLine(line); err != nil {
		return s, err
	}
	principals, rest, err := cutPrincipals(line)
	if err != nil {
		return s, err
	}
	if err := checkPrincipals(principals); err != nil {
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
	s.fingerprint = fingerprint(s.key)
	return s, checkKeyType(s.key)
}

// curlyQuotes are those that word processors and chats put in the place of plain ones.
const curlyQuotes = "\u201c\u201d\u201e\u2018\u2019"

// checkLine refuses a line that hides another one behind a carriage return or whatever else editors show as a line's
// end, since what follows a key counts as its comment, a line in another encoding, and one in which nothing prints.
func checkLine(line string) error {
	if strings.ContainsRune(line, '\r') {
		return errors.New("a carriage return stands inside it: save the file with line ends LF or CRLF")
	}
	if !utf8.ValidString(line) {
		return errors.New("it is not UTF-8: save the file as UTF-8")
	}
	for _, r := range line {
		if unicode.IsControl(r) && r != '\t' || r == '\u2028' || r == '\u2029' { // editors break the line at some
			return fmt.Errorf("it contains U+%04X, which is no line end of a text file: type it again, "+
				"with line ends LF", r)
		}
	}
	if strings.TrimFunc(line, access.Invisible) == "" {
		return errors.New("nothing in it prints: remove the line")
	}
	return nil
}

// checkPrincipals refuses names that nobody can type, which would match nobody.
func checkPrincipals(principals string) error {
	if strings.ContainsAny(principals, curlyQuotes) {
		return errors.New(`its names stand in quotes of a word processor: remove them, or write plain ones (")`)
	}
	if i := strings.IndexFunc(principals, access.Invisible); i >= 0 {
		r, _ := utf8.DecodeRuneInString(principals[i:])
		return fmt.Errorf("its names contain U+%04X, which prints nothing: type them again", r)
	}
	return nil
}

// cutPrincipals takes the first field, which may be in double quotes as a whole.
func cutPrincipals(line string) (principals, rest string, err error) {
	if quoted, ok := strings.CutPrefix(line, `"`); ok {
		principals, rest, ok = strings.Cut(quoted, `"`)
		if !ok {
			return "", "", errors.New("the closing quote after the principals is missing")
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
			"write the owner's name before it, as in `carol@example.com ssh-ed25519 AAAA…`")
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

// cutOptions takes everything up to the first blank outside double quotes.
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
		return nil, fmt.Errorf("its %s key is not complete base64: copy the whole line of the .pub file", kind)
	}
	key, err := ssh.ParsePublicKey(blob)
	if err != nil {
		return nil, fmt.Errorf("its %s key cannot be read: copy the whole line of the .pub file", kind)
	}
	if key.Type() != kind {
		return nil, fmt.Errorf("it says %s, but the key is of type %s: copy the whole line of the .pub file",
			kind, key.Type())
	}
	return key, nil
}
