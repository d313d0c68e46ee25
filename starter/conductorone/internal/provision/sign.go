package provision

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/signing"
)

// Key is the connector's own key. It opens the file for each message, so that another key counts at once.
type Key struct {
	Path      string // a private key, or a public one whose private half ssh-agent holds; "" for none
	Requester string // whom the key signs for
	// Signing is what the connector knows of the worker's signatures: whether they are required, and whose keys count.
	Signing config.Signing
	// Socket is where ssh-agent listens; "" for none.
	Socket string
}

// Open opens a signer; the caller closes it. Without a key, and unless one is required, it signs nothing: the worker
// knows whether it demands signatures. No key of an agent is taken unless it is named.
func (k Key) Open(ctx context.Context) (requestclient.Signer, error) {
	switch {
	case k.Path != "":
		return requestclient.OpenSigner(ctx, requestclient.SignerOptions{KeyOptions: k.options(), Now: time.Now})
	case k.Signing.Required():
		return requestclient.Signer{}, k.missing()
	}
	return requestclient.Unsigned(time.Now), nil
}

func (k Key) options() signing.KeyOptions {
	return signing.KeyOptions{Path: k.Path, By: k.Requester, Socket: k.Socket}
}

func (k Key) missing() error {
	return failf("requests must be signed, and the connector has no key: make one with "+
		"`ssh-keygen -t ed25519 -N '' -f conductorone`, allow it with "+
		"`starter signers add --by %s --key conductorone.pub`, and pass it with --signing-key", k.Requester)
}

// Check fails if the connector's requests would be refused for their signatures, as far as it can tell: it may not
// see the worker's files.
func (k Key) Check(ctx context.Context) error {
	if k.Path == "" {
		if k.Signing.Required() {
			return k.missing()
		}
		return nil
	}
	key, err := signing.OpenKey(ctx, k.options())
	if err != nil {
		return fmt.Errorf("--signing-key: %w", err)
	}
	defer func() { _ = key.Close() }()
	signers, err := k.Signing.Signers()
	if err != nil || signers == nil {
		return err
	}
	keys, err := signers.Keys()
	if err != nil {
		return err
	}
	fingerprint := ssh.FingerprintSHA256(key.PublicKey())
	if !keys.MaySignFor(fingerprint, k.Requester, time.Now()) {
		return failf("the key of --signing-key (%s) may not sign for %s: allow it with "+
			"`starter signers add --by %[2]s --key FILE.pub`, or name the requester of the key with --requester",
			fingerprint, k.Requester)
	}
	return nil
}
