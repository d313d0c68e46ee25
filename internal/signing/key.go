package signing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

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
	if err := CheckKeyPath(o.Path); err != nil {
		return nil, err
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

// CheckKeyPath fails if a path is the text of a private key, which no message may repeat.
func CheckKeyPath(path string) error {
	if strings.Contains(path, "PRIVATE KEY") {
		return errors.New("the path of a key is the private key itself: write the key to a file that only its user " +
			"can read, and pass the path of that file")
	}
	return nil
}

func privateKey(o KeyOptions, text []byte) (*Key, error) {
	if err := checkPermissions(o.Path); err != nil {
		return nil, err
	}
	text = bytes.TrimLeft(text, " \t\r\n")
	key, err := ssh.ParsePrivateKey(text)
	if _, encrypted := errors.AsType[*ssh.PassphraseMissingError](err); encrypted {
		if key, err = decrypt(o, text); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, notPrivate(text, err)
	}
	signer, ok := key.(ssh.AlgorithmSigner)
	if !ok {
		return nil, fmt.Errorf("keys of type %s are not supported: use ed25519, ecdsa or rsa", key.PublicKey().Type())
	}
	return &Key{AlgorithmSigner: signer}, nil
}

// notPrivate says what a file holds in the place of a private key, and how to get one from it.
func notPrivate(text []byte, err error) error {
	const begin = "-----BEGIN "
	rest, pem := bytes.CutPrefix(text, []byte(begin))
	switch {
	case len(text) == 0:
		return errors.New("it is empty: copy the private key again")
	case bytes.HasPrefix(text, []byte("PuTTY-User-Key-File")):
		return errors.New("it is a key of PuTTY: convert it with `puttygen KEY -O private-openssh-new -o NEW`")
	case bytes.HasPrefix(text, []byte("---- BEGIN SSH2 PUBLIC KEY")):
		return errors.New("it is a public key: pass the private one")
	case pem && (bytes.HasPrefix(rest, []byte("CERTIFICATE")) || bytes.HasPrefix(rest, []byte("PUBLIC KEY"))):
		return errors.New("it is no private key but a certificate or a public key: pass the private one")
	case pem && !bytes.Contains(text, []byte("\n-----END ")):
		return errors.New("it is cut off, or has lost its line breaks: copy the whole file again, as it is")
	case !pem:
		return errors.New("no key found, which would begin with `" + begin + "`: " +
			"pass the private key that ssh-keygen made, the file without .pub")
	}
	return fmt.Errorf("its private key cannot be read: %w: copy the whole file again, as it is", err)
}

// checkPermissions refuses a key that other users of the machine can read, as OpenSSH does.
func checkPermissions(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return unreadable(err)
	}
	if !ClosedToOthers(info) {
		return fmt.Errorf("other users can read it (mode %04o): run chmod 600 on it, and consider replacing it",
			info.Mode().Perm())
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
