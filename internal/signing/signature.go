package signing

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

const (
	begin = "-----BEGIN SSH SIGNATURE-----"
	end   = "-----END SSH SIGNATURE-----"
	// maxArmored is more than the largest RSA key needs.
	maxArmored = 16 << 10
	minRSABits = 2048
)

// check says whether a signature is over the statement, and by which key. It does not
// ask whose key that is.
func check(s Statement, armored string) (ssh.PublicKey, error) {
	sig, err := parse(armored)
	if err != nil {
		return nil, err
	}
	if sig.Namespace != Namespace {
		return nil, fmt.Errorf("the signature is for the namespace %.80q: sign with `ssh-keygen -Y sign -n %s`",
			sig.Namespace, Namespace)
	}
	if err := usable(sig.PublicKey); err != nil {
		return nil, err
	}
	err = sshsig.Verify(bytes.NewReader(s.Canonical()), sig, sig.PublicKey, sig.HashAlgorithm, Namespace)
	if err != nil {
		return nil, fmt.Errorf("the signature by key %s is not over this: it was made for something else "+
			"(request, run, plan, name, comment, time), or something was changed since", fingerprint(sig.PublicKey))
	}
	return sig.PublicKey, nil
}

// parse reads the armored form, as strictly as ssh-keygen does. The library refuses
// other hashes than SHA-256 and SHA-512, and RSA with SHA-1.
func parse(armored string) (*sshsig.Signature, error) {
	text := strings.TrimSpace(armored)
	switch {
	case text == "":
		return nil, errors.New("there is no signature")
	case len(text) > maxArmored:
		return nil, fmt.Errorf("the signature is longer than %d bytes", maxArmored)
	case !strings.HasPrefix(text, begin+"\n") && !strings.HasPrefix(text, begin+"\r\n"),
		!strings.HasSuffix(text, end), strings.Count(text, "-----") != 4, strings.Contains(text, ":"):
		return nil, fmt.Errorf("the signature must be what `ssh-keygen -Y sign` writes, from %q to %q", begin, end)
	}
	sig, err := sshsig.Unarmor([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("the signature cannot be read: %w", err)
	}
	if !strings.HasPrefix(sig.PublicKey.Type(), "sk-") && len(sig.Signature.Rest) > 0 {
		return nil, errors.New("the signature cannot be read: something follows it")
	}
	return sig, nil
}

// usable refuses keys that are too weak, and certificates, which allowed_signers files
// are not read for.
func usable(key ssh.PublicKey) error {
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256,
		ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
		return nil
	case ssh.KeyAlgoRSA:
		return longEnough(key)
	}
	if strings.Contains(key.Type(), certificateMark) {
		return errors.New("certificates are not supported: sign with a plain key, and list that key")
	}
	return fmt.Errorf("keys of type %s are not supported: use ed25519, ecdsa or rsa", key.Type())
}

// certificateMark is in the type of every certificate.
const certificateMark = "-cert-v01@"

func longEnough(key ssh.PublicKey) error {
	parsed, err := ssh.ParsePublicKey(key.Marshal()) // of an agent's key there is the wire form only
	if err != nil {
		return fmt.Errorf("the RSA key %s cannot be read", fingerprint(key))
	}
	c, ok := parsed.(ssh.CryptoPublicKey)
	if !ok {
		return fmt.Errorf("the length of the RSA key %s cannot be told", fingerprint(key))
	}
	if k, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok && k.N.BitLen() < minRSABits {
		return fmt.Errorf("the RSA key %s has %d bits: use one of %d or more, or ed25519",
			fingerprint(key), k.N.BitLen(), minRSABits)
	}
	return nil
}

func fingerprint(key ssh.PublicKey) string { return ssh.FingerprintSHA256(key) }
