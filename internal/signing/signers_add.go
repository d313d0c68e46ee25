package signing

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/access"
)

// NewSigner is a line to add to an allowed_signers file.
type NewSigner struct {
	By          string    // the name, literally
	Key         []byte    // the text of a .pub file
	ValidBefore time.Time // zero for no end; later than Now
	// SamePerson says that the key may serve another name already: the names are one person.
	SamePerson bool
	Now        time.Time
}

// AddedSigner is the line that [AddSigner] added.
type AddedSigner struct {
	Text        []byte // of the whole file, with the line
	Line        int    // its number, from 1
	Added       string // the line, without a newline
	Before      string // the line before it; "" if it is the first
	Fingerprint string
}

// KeyServesOthersError says that the key is there for another name.
type KeyServesOthersError struct {
	Fingerprint string
	Line        int    // from 1
	Names       string // as the line has them
}

// Error implements error.
func (e *KeyServesOthersError) Error() string {
	return fmt.Sprintf("line %d lets the key %s sign for %s already: one key is one person, so the two names "+
		"could never approve one request", e.Line, e.Fingerprint, e.Names)
}

// AddSigner appends a line to the text of an allowed_signers file, which may be empty. It
// changes nothing that is there. revoked is the text of a file of revoked keys, or nil. It
// fails where a file has faults, where the name would not stand for one person, where the key
// is revoked, too weak, or there already, and with [KeyServesOthersError] where the key is
// there for another name.
func AddSigner(text, revoked []byte, add NewSigner) (AddedSigner, error) {
	if err := checkSignerName(add.By); err != nil {
		return AddedSigner{}, err
	}
	key, comment, err := publicKey(add.Key)
	if err != nil {
		return AddedSigner{}, err
	}
	if !add.ValidBefore.IsZero() && !add.ValidBefore.After(add.Now) {
		return AddedSigner{}, fmt.Errorf("the key would never be valid: %s is past", instant(add.ValidBefore))
	}
	gone, err := parseRevoked(revoked)
	if err != nil {
		return AddedSigner{}, fmt.Errorf("the file of revoked keys has faults; correct them first: %w", err)
	}
	if line, is := gone[string(key.Marshal())]; is {
		return AddedSigner{}, fmt.Errorf("the key %s is revoked (line %d of the file of revoked keys): make a new key",
			fingerprint(key), line)
	}
	if err := add.checkPresent(text, key); err != nil {
		return AddedSigner{}, err
	}
	return add.appendTo(text, key, comment)
}

// checkPresent refuses a key that is in the file already: for another name, or for this one
// for as long.
func (add NewSigner) checkPresent(text []byte, key ssh.PublicKey) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	signers, err := parseSigners(text)
	if len(signers) == 0 && onlyComments(text) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the file has faults; correct them first: %w", err)
	}
	for _, s := range signers {
		if !bytes.Equal(s.key.Marshal(), key.Marshal()) {
			continue
		}
		if s.principals != add.By {
			if !add.SamePerson {
				return &KeyServesOthersError{Fingerprint: fingerprint(key), Line: s.line, Names: s.principals}
			}
			continue
		}
		longer := s.before.IsZero() || !add.ValidBefore.IsZero() && !add.ValidBefore.After(s.before)
		if s.forUs() && longer {
			return fmt.Errorf("line %d lets the key %s sign for %s already: there is nothing to add",
				s.line, fingerprint(key), add.By)
		}
	}
	return nil
}

func onlyComments(text []byte) bool {
	for range lines(text) {
		return false
	}
	return true
}

// appendTo writes the line, and reads the whole text again as the worker does.
func (add NewSigner) appendTo(text []byte, key ssh.PublicKey, comment string) (AddedSigner, error) {
	options := `namespaces="` + Namespace + `"`
	if !add.ValidBefore.IsZero() {
		options += `,valid-before="` + add.ValidBefore.UTC().Format("20060102150405") + `Z"`
	}
	line := strings.TrimRight(strings.Join([]string{
		add.By, options, key.Type(), base64.StdEncoding.EncodeToString(key.Marshal()), comment,
	}, " "), " ")
	out := AddedSigner{Added: line, Fingerprint: fingerprint(key), Text: slices.Clone(text)}
	if n := len(out.Text); n > 0 && out.Text[n-1] != '\n' {
		out.Text = append(out.Text, '\n')
	}
	if before := strings.Split(strings.TrimSuffix(string(out.Text), "\n"), "\n"); len(out.Text) > 0 {
		out.Before, out.Line = before[len(before)-1], len(before)
	}
	out.Line++
	out.Text = append(append(out.Text, line...), '\n')
	signers, err := parseSigners(out.Text)
	if err != nil {
		return AddedSigner{}, fmt.Errorf("the line would not be readable: %w", err)
	}
	if _, err := findSigner(signers, key, add.By, add.Now); err != nil {
		return AddedSigner{}, fmt.Errorf("the line would not let %s sign: %w", add.By, err)
	}
	return out, nil
}

// checkSignerName refuses what a line would not take for the name of one person.
func checkSignerName(name string) error {
	if err := access.ValidPerson("the name", name); err != nil {
		return err
	}
	if strings.ContainsAny(name, `*?!,"#\`) || strings.ContainsFunc(name, unicode.IsSpace) {
		return fmt.Errorf("%q is not the name of one person: leave out blanks, quotes, commas and the pattern "+
			"characters * ? ! # \\", name)
	}
	return nil
}

// publicKey reads the text of a .pub file, with its comment.
func publicKey(text []byte) (key ssh.PublicKey, comment string, err error) {
	if bytes.Contains(text, []byte("PRIVATE KEY")) {
		return nil, "", errors.New("the file holds a private key: give the file of the public key, which ends in .pub")
	}
	n := 0
	for _, line := range lines(text) {
		if n++; n > 1 {
			return nil, "", errors.New("the file holds several lines: give a file with one public key")
		}
		if key, err = parseKey(line); err != nil {
			return nil, "", fmt.Errorf("the file holds no public key: %w", err)
		}
		comment = strings.Join(strings.Fields(line)[2:], " ")
	}
	if n == 0 {
		return nil, "", errors.New("the file is empty: give the file of a public key, which ends in .pub")
	}
	comment = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, comment)
	return key, comment, checkKeyType(key)
}

// FingerprintOf is the fingerprint of the one public key in a text, as in SHA256:….
func FingerprintOf(text []byte) (string, error) {
	key, _, err := publicKey(text)
	if err != nil {
		return "", err
	}
	return fingerprint(key), nil
}

// IsFingerprint says that a text has the form of a fingerprint, as in SHA256:….
func IsFingerprint(text string) bool {
	sum, is := strings.CutPrefix(text, "SHA256:")
	raw, err := base64.RawStdEncoding.DecodeString(sum)
	return is && err == nil && len(raw) == sha256.Size
}
