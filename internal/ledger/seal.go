package ledger

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// SealNamespace keeps seals apart from the signatures of people: it is the namespace with which
// `ssh-keygen -Y verify -n` checks a seal.
const SealNamespace = "sentinelone-ledger"

// ErrBadSeal says that an entry or a head is not sealed, or not by a key that is trusted.
var ErrBadSeal = errors.New("the seal does not hold")

// SealKey is a private key that seals entries: ed25519.
type SealKey struct {
	private ed25519.PrivateKey
	public  SealPublic
}

// NewSealKey is the key with its public half.
func NewSealKey(private ed25519.PrivateKey) *SealKey {
	public, _ := private.Public().(ed25519.PublicKey) // it always is
	return &SealKey{private: private, public: SealPublic{key: public}}
}

// Public is the public half.
func (k *SealKey) Public() SealPublic { return k.public }

// Seal signs a head: the entry of that number, and by its hash all before it. So the seal of the
// newest entry is the seal of the chain's head. See [SealPublic.Armor] for the form.
func (k *SealKey) Seal(console string, h Head) string {
	return k.public.Fingerprint() + " " + base64.StdEncoding.EncodeToString(k.sign(SealedText(console, h)))
}

func (k *SealKey) sign(text string) []byte { return ed25519.Sign(k.private, signedData(text)) }

// SealedText is the text that a seal signs.
func SealedText(console string, h Head) string {
	return "sentinelone-ledger-seal-1\nconsole " + console + "\nentry " + strconv.FormatInt(h.Seq, 10) +
		"\nhash " + h.Hash + "\n"
}

// SealPublic is the public half of a key that seals.
type SealPublic struct{ key ed25519.PublicKey }

const keyType = "ssh-ed25519"

// ParseSealPublic reads a public key as OpenSSH writes it: "ssh-ed25519 AAAA… comment".
func ParseSealPublic(text string) (SealPublic, error) {
	fields := strings.Fields(text)
	if len(fields) < 2 || fields[0] != keyType {
		return SealPublic{}, errors.New("it is no public key of type ssh-ed25519: give the line of the .pub file")
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	prefix := wireString(nil, keyType)
	if err != nil || len(blob) != len(prefix)+4+ed25519.PublicKeySize || string(blob[:len(prefix)]) != string(prefix) {
		return SealPublic{}, errors.New("the public key of type ssh-ed25519 cannot be read: copy the whole line")
	}
	return SealPublic{key: ed25519.PublicKey(blob[len(prefix)+4:])}, nil
}

// String is the key as OpenSSH writes it, without a comment.
func (p SealPublic) String() string {
	return keyType + " " + base64.StdEncoding.EncodeToString(p.blob())
}

// Fingerprint is the fingerprint that `ssh-keygen -l` prints: "SHA256:…".
func (p SealPublic) Fingerprint() string {
	sum := sha256.Sum256(p.blob())
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

func (p SealPublic) blob() []byte { return wireString(wireString(nil, keyType), string(p.key)) }

// verify says whether the signature, as [SealKey.Seal] writes it, is of the text.
func (p SealPublic) verify(text, seal string) bool {
	_, encoded, _ := strings.Cut(seal, " ")
	signature, err := base64.StdEncoding.DecodeString(encoded)
	return err == nil && ed25519.Verify(p.key, signedData(text), signature)
}

// Armor is the seal as `ssh-keygen -Y verify` reads a signature.
func (p SealPublic) Armor(seal string) (string, error) {
	_, encoded, _ := strings.Cut(seal, " ")
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(signature) != ed25519.SignatureSize {
		return "", fmt.Errorf("%w: %.80q is not one", ErrBadSeal, seal)
	}
	blob := binary.BigEndian.AppendUint32([]byte(sshsigMagic), 1)
	for _, field := range []string{
		string(p.blob()), SealNamespace, "", sshsigHash,
		string(wireString(wireString(nil, keyType), string(signature))),
	} {
		blob = wireString(blob, field)
	}
	text, out := base64.StdEncoding.EncodeToString(blob), strings.Builder{}
	out.WriteString("-----BEGIN SSH SIGNATURE-----\n")
	for text != "" {
		end := min(armorWidth, len(text))
		out.WriteString(text[:end] + "\n")
		text = text[end:]
	}
	out.WriteString("-----END SSH SIGNATURE-----\n")
	return out.String(), nil
}

// The form that OpenSSH signs: PROTOCOL.sshsig in its source.
const (
	sshsigMagic = "SSHSIG"
	sshsigHash  = "sha512"
	armorWidth  = 70
)

func signedData(text string) []byte {
	sum := sha512.Sum512([]byte(text))
	out := []byte(sshsigMagic)
	for _, field := range []string{SealNamespace, "", sshsigHash, string(sum[:])} {
		out = wireString(out, field)
	}
	return out
}

func wireString(to []byte, s string) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(len(s))) //nolint:gosec // short
	return append(to, s...)
}

// Keyring holds the public keys whose seals are trusted. Zero trusts none.
type Keyring struct {
	keys map[string]SealPublic // by fingerprint
	from int64                 // the first entry that must be sealed
}

// NewKeyring trusts the keys for the entries from a number on. What was written before, when the
// ledger was not sealed, needs no seal.
func NewKeyring(from int64, keys ...SealPublic) *Keyring {
	k := &Keyring{keys: map[string]SealPublic{}, from: from}
	for _, p := range keys {
		k.keys[p.Fingerprint()] = p
	}
	return k
}

// Trusts says whether the keyring holds the key of that fingerprint.
func (k *Keyring) Trusts(fingerprint string) bool {
	_, ok := k.keys[fingerprint]
	return ok
}

// trust adds a key, and says whether it was not trusted before.
func (k *Keyring) trust(p SealPublic) bool {
	if k.Trusts(p.Fingerprint()) {
		return false
	}
	k.keys[p.Fingerprint()] = p
	return true
}

// VerifySeal says why an entry does not count as written by this program: its hash is not that of
// what it says, or no trusted key has sealed it, as [ErrBadSeal].
func (k *Keyring) VerifySeal(e Entry) error {
	if err := CheckHash(e); err != nil {
		return err
	}
	if e.Seal == "" && e.Seq < k.from {
		return nil
	}
	return k.verify(e.Console, Head{Seq: e.Seq, Hash: e.Hash}, e.Seal)
}

// CheckHash says, as [ErrBadSeal], that the hash of an entry is not that of what it says.
func CheckHash(e Entry) error {
	if e.Hash == e.Digest() {
		return nil
	}
	return fmt.Errorf("%w: entry %d is not as it was written: run `starter ledger verify`", ErrBadSeal, e.Seq)
}

// VerifyHead says why a head does not count as sealed, as [ErrBadSeal].
func (k *Keyring) VerifyHead(h access.LedgerHead) error {
	return k.verify(h.Console, Head{Seq: h.Seq, Hash: h.Hash}, h.Seal)
}

func (k *Keyring) verify(console string, h Head, seal string) error {
	fingerprint, _, _ := strings.Cut(seal, " ")
	key, trusted := k.keys[fingerprint]
	switch {
	case seal == "":
		return fmt.Errorf("%w: entry %d is not sealed: run `starter ledger verify`", ErrBadSeal, h.Seq)
	case !trusted:
		return fmt.Errorf("%w: entry %d is sealed with key %.60q, which is not trusted: run `starter ledger verify`",
			ErrBadSeal, h.Seq, fingerprint)
	case !key.verify(SealedText(console, h), seal):
		return fmt.Errorf("%w: entry %d is not what key %s sealed: run `starter ledger verify`",
			ErrBadSeal, h.Seq, fingerprint)
	}
	return nil
}
