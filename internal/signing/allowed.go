package signing

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/crypto/ssh"
)

// AllowedSigners says whose keys count: an allowed_signers file, and a file of revoked
// keys if there is one. Both are read anew for each signature, so that an edit counts
// at once. Safe for concurrent use.
type AllowedSigners struct{ path, revoked string }

// Verified says by which key a statement was signed.
type Verified struct {
	Fingerprint string `json:"fingerprint"` // "SHA256:…"
	KeyType     string `json:"keyType"`     // "ssh-ed25519"
	// Principal is the pattern of the file that the name matched.
	Principal string `json:"principal"`
}

// FileError says that a file cannot be used, which is no fault of the signature.
type FileError struct {
	Path string
	Err  error
}

// Faults are the single ones, each with the path before it.
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

// Error has a line for each fault.
func (e *FileError) Error() string { return errors.Join(e.Faults()...).Error() }

// Unwrap gives the cause.
func (e *FileError) Unwrap() error { return e.Err }

// LoadAllowedSigners reads both files once and fails with every fault in them, each on
// its line. revoked may be "".
func LoadAllowedSigners(path, revoked string) (*AllowedSigners, error) {
	a := &AllowedSigners{path: path, revoked: revoked}
	_, faulty := a.signers()
	_, faultyRevoked := a.revocations()
	if err := errors.Join(faulty, faultyRevoked); err != nil {
		return nil, err
	}
	return a, nil
}

// Verify says by which key a statement was signed, if that key may sign for s.By, at
// that time, and is not revoked. What is wrong is said in a sentence; a [FileError]
// means that it cannot be told.
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
	key, err := check(s, armored)
	if err != nil {
		return Verified{}, err
	}
	if line, ok := revoked[string(key.Marshal())]; ok {
		return Verified{}, fmt.Errorf("key %s is revoked (line %d of %s)", fingerprint(key), line, a.revoked)
	}
	principal, err := allow(signers, key, s.By, at)
	if err != nil {
		return Verified{}, err
	}
	return Verified{Fingerprint: fingerprint(key), KeyType: key.Type(), Principal: principal}, nil
}

// allow looks for a line that lets the key sign for by, and says what was nearest.
func allow(signers []signer, key ssh.PublicKey, by string, at time.Time) (principal string, err error) {
	name, mine := fingerprint(key), false
	nearest := fmt.Errorf("key %s is of no allowed signer", name)
	for _, s := range signers {
		if !bytes.Equal(s.key.Marshal(), key.Marshal()) {
			continue
		}
		principal, ok := matchList(by, s.principals)
		if ok {
			mine, nearest = true, s.counts(name, at)
			if nearest == nil {
				return principal, nil
			}
		} else if !mine {
			nearest = fmt.Errorf("key %s may not sign for %q: line %d allows it for somebody else "+
				"(upper and lower case are told apart there)", name, by, s.line)
		}
	}
	return "", nearest
}

// counts says why a line does not count at that time.
func (s signer) counts(name string, at time.Time) error {
	at = at.Truncate(time.Second)
	if s.namespaces != nil {
		if _, ok := matchList(Namespace, *s.namespaces); !ok {
			return fmt.Errorf("key %s may not be used here: line %d allows it for other namespaces than %q",
				name, s.line, Namespace)
		}
	}
	if !s.after.IsZero() && at.Before(s.after) {
		return fmt.Errorf("key %s is not valid yet: line %d allows it from %s on", name, s.line, instant(s.after))
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

// unreadable leaves out the path, which stands before it.
func unreadable(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return fmt.Errorf("cannot be read: %w", p.Err)
	}
	return err
}
