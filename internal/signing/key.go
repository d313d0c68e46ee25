package signing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/crypto/ssh"
)

// KeyOptions say which key is to sign.
type KeyOptions struct {
	// Path is of a private key, or of a public key whose private half ssh-agent holds.
	// Without it the agent's key is taken whose comment is By, else the only one.
	Path string
	By   string
	// Socket is where ssh-agent listens (SSH_AUTH_SOCK); "" for none.
	Socket string
	// Passphrase asks for that of an encrypted private key; nil if nobody can be asked.
	Passphrase func(path string) ([]byte, error)
}

// Key is a key that can sign.
type Key struct {
	ssh.AlgorithmSigner

	agent io.Closer // nil for a key from a file
}

// Close ends the connection to the agent, if there is one.
func (k *Key) Close() error {
	if k.agent == nil {
		return nil
	}
	return k.agent.Close()
}

// NoKeyError says that no key was named and none can be chosen.
type NoKeyError struct{ Why string }

// Error is a sentence.
func (e *NoKeyError) Error() string { return e.Why }

// OpenKey finds the key. Cancelling ctx closes the connection to the agent. Without a
// path it fails with [NoKeyError] where there is no agent, no key in it, or no choice
// among several.
func OpenKey(ctx context.Context, o KeyOptions) (*Key, error) {
	if o.Path == "" {
		return agentKey(ctx, o, nil)
	}
	text, err := os.ReadFile(o.Path)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", o.Path, unreadable(err))
	}
	if public, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		key, err := agentKey(ctx, o, public)
		if err != nil {
			return nil, fmt.Errorf("key %s is a public one: %w", o.Path, err)
		}
		return key, nil
	}
	private, err := privateKey(o, text)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", o.Path, err)
	}
	return private, nil
}

func privateKey(o KeyOptions, text []byte) (*Key, error) {
	if err := private(o.Path); err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(text)
	if _, encrypted := errors.AsType[*ssh.PassphraseMissingError](err); encrypted {
		key, err = decrypt(o, text)
	}
	if err != nil {
		return nil, err
	}
	signer, ok := key.(ssh.AlgorithmSigner)
	if !ok {
		return nil, fmt.Errorf("keys of type %s are not supported", key.PublicKey().Type())
	}
	return &Key{AlgorithmSigner: signer}, nil
}

// private refuses a key that others on the machine can read, as OpenSSH does.
func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return unreadable(err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("others can read it (mode %04o): chmod 600 it, and think of replacing it", mode)
	}
	return nil
}

func decrypt(o KeyOptions, text []byte) (ssh.Signer, error) {
	if o.Passphrase == nil {
		return nil, errors.New("it is encrypted and nobody can be asked for the passphrase: add it to ssh-agent")
	}
	passphrase, err := o.Passphrase(o.Path)
	if err != nil {
		return nil, fmt.Errorf("ask for the passphrase: %w", err)
	}
	key, err := ssh.ParsePrivateKeyWithPassphrase(text, passphrase)
	if err != nil {
		return nil, errors.New("the passphrase does not open it")
	}
	return key, nil
}
