package tokenseal

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// maxToken is the longest token, in bytes: those of a console have some hundred.
const maxToken = 4 << 10

// ErrNotOurs says that a sealed token is for another key, or was changed.
var ErrNotOurs = errors.New("the token is encrypted to another key, or was changed on its way")

// Seal encrypts a token to a recipient, an X25519 public key of age such as "age1…". No error has the token.
func Seal(recipient, token string) (string, error) {
	to, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		return "", fmt.Errorf("the recipient is no public key of age: %w", err)
	}
	if token == "" || len(token) > maxToken {
		return "", fmt.Errorf("the token has %d bytes: between 1 and %d can be encrypted", len(token), maxToken)
	}
	var out strings.Builder
	text := armor.NewWriter(&out)
	w, err := age.Encrypt(text, to)
	if err != nil {
		return "", fmt.Errorf("cannot encrypt the token: %w", err)
	}
	_, err = io.WriteString(w, token)
	if err = errors.Join(err, w.Close(), text.Close()); err != nil {
		return "", fmt.Errorf("cannot encrypt the token: %w", err)
	}
	return out.String(), nil
}

// Check says why Seal would not accept a recipient; nil if it would.
func Check(recipient string) error {
	_, err := age.ParseX25519Recipient(recipient)
	return err
}

// Key opens tokens that are sealed to its recipient. It prints as its recipient.
type Key struct{ identity *age.X25519Identity }

// NewKey makes a key that exists in this process only.
func NewKey() (Key, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return Key{}, fmt.Errorf("cannot make a key for a token: %w", err)
	}
	return Key{identity}, nil
}

// Recipient is the public key.
func (k Key) Recipient() string { return k.identity.Recipient().String() }

// String is the public key: the private one is never printed.
func (k Key) String() string { return k.Recipient() }

// GoString is [Key.String].
func (k Key) GoString() string { return k.Recipient() }

// Open decrypts a sealed token. It fails with [ErrNotOurs] if that is for another key, or was changed.
func (k Key) Open(sealed string) (string, error) {
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(sealed)), k.identity)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotOurs, err)
	}
	token, err := io.ReadAll(io.LimitReader(r, maxToken+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrNotOurs, err)
	case len(token) > maxToken:
		return "", fmt.Errorf("%w: it is longer than %d bytes", ErrNotOurs, maxToken)
	}
	return string(token), nil
}
