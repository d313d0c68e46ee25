package signing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/textfile"
)

// KeyOptions select the key that signs.
type KeyOptions struct {
	// Path is the file of a private key, or of a public key whose private half ssh-agent holds.
	// If it is empty, OpenKey takes the agent's key whose comment is By, else its only key.
	Path string
	By   string // the name to sign for
	// Socket is where ssh-agent listens (SSH_AUTH_SOCK); "" for none.
	Socket string
	// Passphrase prompts for the passphrase of an encrypted private key; nil without a terminal.
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

// NoKeyError means that no key was named and none can be chosen.
type NoKeyError struct {
	Why string // the reason and what to do, for people
}

// Error returns the reason.
func (e *NoKeyError) Error() string { return e.Why }

// OpenKey opens the key that o selects; the caller closes it. Cancelling ctx closes the
// connection to the agent. Without a path it fails with [NoKeyError] where there is no agent,
// the agent holds no key, or it holds several and none is clearly meant.
func OpenKey(ctx context.Context, o KeyOptions) (*Key, error) {
	if o.Path == "" {
		return agentKey(ctx, o, nil)
	}
	text, err := textfile.Read(o.Path)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", o.Path, unreadable(err))
	}
	if public, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		key, err := agentKey(ctx, o, public)
		if err != nil {
			return nil, fmt.Errorf("key %s is a public key: %w", o.Path, err)
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
	if err := checkPermissions(o.Path); err != nil {
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
		return nil, fmt.Errorf("keys of type %s are not supported: use ed25519, ecdsa or rsa", key.PublicKey().Type())
	}
	return &Key{AlgorithmSigner: signer}, nil
}

// checkPermissions refuses a key that other users of the machine can read, as OpenSSH does.
func checkPermissions(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return unreadable(err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("other users can read it (mode %04o): run chmod 600 on it, and consider replacing it", mode)
	}
	return nil
}

func decrypt(o KeyOptions, text []byte) (ssh.Signer, error) {
	if o.Passphrase == nil {
		return nil, errors.New("it is encrypted and there is no terminal to ask for its passphrase: ssh-add it")
	}
	passphrase, err := o.Passphrase(o.Path)
	if err != nil {
		return nil, fmt.Errorf("read the passphrase: %w", err)
	}
	key, err := ssh.ParsePrivateKeyWithPassphrase(text, passphrase)
	if err != nil {
		return nil, errors.New("wrong passphrase: try again")
	}
	return key, nil
}
