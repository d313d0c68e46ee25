package signing

import (
	"bytes"
	"context"
	"fmt"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// Sign signs a statement and gives the armored signature. The hash is SHA-512, and of
// an RSA key the algorithm is rsa-sha2-512, as ssh-keygen does it. An agent may ask
// its owner first: ctx ends the waiting.
func Sign(ctx context.Context, key ssh.AlgorithmSigner, s Statement) (string, error) {
	if err := s.Validate(); err != nil {
		return "", err
	}
	if err := usable(key.PublicKey()); err != nil {
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
		return "", fmt.Errorf("key %s did not sign (refused, locked or gone?): %w", name, err)
	}
	armored := string(sshsig.Armor(sig))
	// An agent may know of RSA only what OpenSSH no longer accepts.
	if _, err := check(s, armored); err != nil {
		return "", fmt.Errorf("key %s made a signature that does not hold: %w", name, err)
	}
	return armored, nil
}
