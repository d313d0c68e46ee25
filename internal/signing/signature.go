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
	// maxArmored, in bytes, is more than the largest RSA key needs.
	maxArmored = 16 << 10
	minRSABits = 2048
)

// signedBy returns the key that signed the statement, or fails where the signature does not match
// it. It does not check who may use that key.
func signedBy(s Statement, armored string) (ssh.PublicKey, error) {
	sig, err := parse(armored)
	if err != nil {
		return nil, err
	}
	if sig.Namespace != Namespace {
		return nil, fmt.Errorf("the signature is for the namespace %.80q: sign with `ssh-keygen -Y sign -n %s`",
			sig.Namespace, Namespace)
	}
	if err := checkKeyType(sig.PublicKey); err != nil {
		return nil, err
	}
	err = sshsig.Verify(bytes.NewReader(s.Canonical()), sig, sig.PublicKey, sig.HashAlgorithm, Namespace)
	if err != nil {
		return nil, fmt.Errorf("the signature by key %s does not match the statement: it was made for another "+
			"request, run, plan, name, comment or time, or one of them was changed since",
			fingerprint(sig.PublicKey))
	}
	return sig.PublicKey, nil
}

// parse reads the armored form as strictly as ssh-keygen does. The library refuses hashes other
// than SHA-256 and SHA-512, and RSA with SHA-1.
func parse(armored string) (*sshsig.Signature, error) {
	text := strings.TrimSpace(armored)
	switch {
	case text == "":
		return nil, errors.New("there is no signature")
	case len(text) > maxArmored:
		return nil, fmt.Errorf("the signature is longer than %d bytes: send only what `ssh-keygen -Y sign` writes",
			maxArmored)
	case !strings.HasPrefix(text, begin+"\n") && !strings.HasPrefix(text, begin+"\r\n"),
		!strings.HasSuffix(text, end), strings.Count(text, "-----") != 4, strings.Contains(text, ":"):
		return nil, fmt.Errorf("the signature must be what `ssh-keygen -Y sign` writes, from %q to %q", begin, end)
	}
	sig, err := sshsig.Unarmor([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("the signature cannot be read: %w", err)
	}
	if !strings.HasPrefix(sig.PublicKey.Type(), "sk-") && len(sig.Signature.Rest) > 0 {
		return nil, errors.New("the signature cannot be read: extra data follows it")
	}
	return sig, nil
}

// checkKeyType refuses weak keys, and certificates: cert-authority lines are not supported.
func checkKeyType(key ssh.PublicKey) error {
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256,
		ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
		return nil
	case ssh.KeyAlgoRSA:
		return checkRSALength(key)
	}
	if strings.Contains(key.Type(), certificateMark) {
		return errors.New("certificates are not supported: sign with a plain key, and list that key")
	}
	return fmt.Errorf("keys of type %s are not supported: use ed25519, ecdsa or rsa", key.Type())
}

// certificateMark is part of the type name of every certificate.
const certificateMark = "-cert-v01@"

// checkRSALength refuses RSA keys of fewer than minRSABits bits.
func checkRSALength(key ssh.PublicKey) error {
	parsed, err := ssh.ParsePublicKey(key.Marshal()) // an agent gives its keys in wire format only
	if err != nil {
		return fmt.Errorf("the RSA key %s cannot be read: use another key", fingerprint(key))
	}
	c, ok := parsed.(ssh.CryptoPublicKey)
	if !ok {
		return fmt.Errorf("the length of the RSA key %s is not known: use ed25519", fingerprint(key))
	}
	if k, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok && k.N.BitLen() < minRSABits {
		return fmt.Errorf("the RSA key %s has %d bits: use one of %d or more, or ed25519",
			fingerprint(key), k.N.BitLen(), minRSABits)
	}
	return nil
}

func fingerprint(key ssh.PublicKey) string { return ssh.FingerprintSHA256(key) }
