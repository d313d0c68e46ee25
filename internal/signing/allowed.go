package signing

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/crypto/ssh"
)

// AllowedSigners lists which key may sign for whom: an allowed_signers file, and a file of
// revoked keys if there is one. Both are read for each signature, so that an edit counts
// at once. Safe for concurrent use.
type AllowedSigners struct{ path, revoked string }

// Verified is the key that signed a statement.
type Verified struct {
	Fingerprint string `json:"fingerprint"` // such as "SHA256:…"
	KeyType     string `json:"keyType"`     // such as "ssh-ed25519"
	// Principal is the pattern of the allowed_signers file that the name matched.
	Principal string `json:"principal"`
}

// FileError means that a file cannot be used, so that nothing is known about the signature.
type FileError struct {
	Path string
	Err  error
}

// Faults returns each fault of the file as an error of its own that begins with the path.
func (e *FileError) Faults() []error {
	causes := []error{e.Err}
	if all, ok := e.Err.(interface{ Unwrap() []error }); ok {
		causes = all.Unwrap()
	}
	out := make([]error, len(causes))
	for i, cause := range causes {
		out[i] = fmt.Errorf("%s: %w", e.Path, cause)
	}
	return out
}

// Error returns a line for each fault.
func (e *FileError) Error() string { return errors.Join(e.Faults()...).Error() }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// LoadAllowedSigners reads both files once and fails with every fault in them, one a line.
// path is an allowed_signers file, revoked a file of public keys or "".
func LoadAllowedSigners(path, revoked string) (*AllowedSigners, error) {
	a := &AllowedSigners{path: path, revoked: revoked}
	_, signersErr := a.signers()
	_, revokedErr := a.revocations()
	if err := errors.Join(signersErr, revokedErr); err != nil {
		return nil, err
	}
	return a, nil
}

// Verify returns the key that signed a statement. It fails where that key may not sign for
// s.By at that time, or is revoked; the error is a sentence that names the reason. A
// [FileError] means that a file cannot be used and the signature was not verified.
func (a *AllowedSigners) Verify(s Statement, armored string, at time.Time) (Verified, error) {
	signers, err := a.signers()
	if err != nil {
		return Verified{}, err
	}
	revoked, err := a.revocations()
	if err != nil {
		return Verified{}, err
	}
	if err := s.Validate(); err != nil {
		return Verified{}, err
	}
	key, err := signedBy(s, armored)
	if err != nil {
		return Verified{}, err
	}
	if line, ok := revoked[string(key.Marshal())]; ok {
		return Verified{}, fmt.Errorf("key %s is revoked (line %d of %s)", fingerprint(key), line, a.revoked)
	}
	principal, err := findSigner(signers, key, s.By, at)
	if err != nil {
		return Verified{}, err
	}
	return Verified{Fingerprint: fingerprint(key), KeyType: key.Type(), Principal: principal}, nil
}

// findSigner looks for a line that lets the key sign for by. Its error names the line that came
// nearest to that.
func findSigner(signers []signer, key ssh.PublicKey, by string, at time.Time) (principal string, err error) {
	name, listedForBy := fingerprint(key), false
	nearest := fmt.Errorf("key %s is not in the file of allowed signers", name)
	for _, s := range signers {
		if !bytes.Equal(s.key.Marshal(), key.Marshal()) {
			continue
		}
		principal, ok := matchList(by, s.principals)
		if ok {
			listedForBy, nearest = true, s.validAt(name, at)
			if nearest == nil {
				return principal, nil
			}
		} else if !listedForBy {
			nearest = fmt.Errorf("key %s may not sign for %q: line %d allows it for other names "+
				"(names there are case-sensitive)", name, by, s.line)
		}
	}
	return "", nearest
}

// validAt fails where a line does not allow its key for our namespace, or not at that time.
func (s signer) validAt(name string, at time.Time) error {
	at = at.Truncate(time.Second)
	if !s.forNamespace() {
		return fmt.Errorf("key %s may not sign here: line %d allows it for namespaces other than %q",
			name, s.line, Namespace)
	}
	if !s.after.IsZero() && at.Before(s.after) {
		return fmt.Errorf("key %s is not valid yet: line %d allows it from %s", name, s.line, instant(s.after))
	}
	if !s.before.IsZero() && at.After(s.before) {
		return fmt.Errorf("key %s is no longer valid: line %d allows it until %s", name, s.line, instant(s.before))
	}
	return nil
}

func (a *AllowedSigners) signers() ([]signer, error) {
	text, err := os.ReadFile(a.path)
	if err != nil {
		return nil, &FileError{a.path, unreadable(err)}
	}
	out, err := parseSigners(text)
	if err != nil {
		return nil, &FileError{a.path, err}
	}
	return out, nil
}

// unreadable drops the path from the error: the caller's message begins with it.
func unreadable(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return fmt.Errorf("cannot be read: %w", p.Err)
	}
	return err
}
