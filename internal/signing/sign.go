package signing

import (
	"bytes"
	"context"
	"fmt"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// Sign signs a statement and returns the armored signature. As ssh-keygen does, it hashes with
// SHA-512 and uses rsa-sha2-512 for an RSA key. An agent may ask its owner for confirmation or a
// touch of the key first; cancelling ctx ends that.
func Sign(ctx context.Context, key ssh.AlgorithmSigner, s Statement) (string, error) {
	if err := s.Validate(); err != nil {
		return "", err
	}
	if err := checkKeyType(key.PublicKey()); err != nil {
		return "", err
	}
	type outcome struct {
		armored string
		err     error
	}
	done := make(chan outcome, 1)
	go func() {
		armored, err := sign(key, s)
		done <- outcome{armored, err}
	}()
	select {
	case o := <-done:
		return o.armored, o.err
	case <-ctx.Done():
		return "", fmt.Errorf("wait for a signature by key %s: %w", fingerprint(key.PublicKey()), ctx.Err())
	}
}

func sign(key ssh.AlgorithmSigner, s Statement) (string, error) {
	name := fingerprint(key.PublicKey())
	sig, err := sshsig.Sign(bytes.NewReader(s.Canonical()), key, sshsig.HashSHA512, Namespace)
	if err != nil {
		return "", fmt.Errorf("key %s did not sign (is it locked, removed or not confirmed?): %w", name, err)
	}
	armored := string(sshsig.Armor(sig))
	// An old agent may sign with RSA and SHA-1, which OpenSSH no longer accepts.
	if _, err := signedBy(s, armored); err != nil {
		return "", fmt.Errorf("key %s made an invalid signature: use another key or a newer ssh-agent: %w", name, err)
	}
	return armored, nil
}
