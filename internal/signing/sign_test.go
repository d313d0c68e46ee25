package signing

import (
	"context"
	"crypto/rand"
	"encoding/pem"
	"io"
	"strings"
	"testing"

	"github.com/hiddeco/sshsig"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/sshtest"
)

// OpenSSH verifies our signatures and we verify those of OpenSSH, with every type of key.
func TestSign_AgreesWithOpenSSH(t *testing.T) {
	t.Parallel()
	for name, key := range keysOfEachType(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line := carol + ` namespaces="` + Namespace + `" ` + key.Public()
			file, allowed := write(t, "allowed_signers", line), load(t, line)

			ours := signed(t, key, anApproval())
			require.True(t, opensshVerifies(t, anApproval(), ours, file))
			require.Contains(t, unarmored(t, ours), "sha512")
			if name == "rsa" {
				require.Contains(t, unarmored(t, ours), ssh.KeyAlgoRSASHA512)
			}

			for _, hash := range []string{"sha256", "sha512"} {
				theirs, err := keygen(t, anApproval().Canonical(),
					"-Y", "sign", "-n", Namespace, "-O", "hashalg="+hash, "-f", key.Save(t, ""))
				require.NoError(t, err)
				require.Contains(t, unarmored(t, theirs), hash)
				got, err := allowed.Verify(anApproval(), theirs, noon)
				require.NoError(t, err)
				require.Equal(t, Verified{
					Fingerprint: key.Fingerprint(),
					KeyType:     key.PublicKey().Type(), Principal: carol,
				}, got)
			}
		})
	}
}

func unarmored(t *testing.T, armored string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(armored))
	require.NotNil(t, block)
	return string(block.Bytes)
}

// Any changed byte, of the text or of the signature, makes the signature invalid.
func TestVerify_AnyChangedByteFails(t *testing.T) {
	t.Parallel()
	key := sshtest.New(t)
	armored := signed(t, key, anApproval())
	sig, err := parse(armored)
	require.NoError(t, err)
	text := string(anApproval().Canonical())
	verify := func(text string, sig *sshsig.Signature) error {
		return sshsig.Verify(strings.NewReader(text), sig, key.PublicKey(), sig.HashAlgorithm, Namespace)
	}
	require.NoError(t, verify(text, sig))
	for i := range len(text) {
		for _, bit := range []byte{1, 0x20, 0x80} {
			changed := text[:i] + string([]byte{text[i] ^ bit}) + text[i+1:]
			require.Error(t, verify(changed, sig), "byte %d", i)
		}
		require.Error(t, verify(text[:i]+text[i+1:], sig), "without byte %d", i)
	}
	allowed := load(t, carol+" "+key.Public())
	raw := []byte(unarmored(t, armored))
	for i := range raw {
		raw[i] ^= 1
		changed := pem.EncodeToMemory(&pem.Block{Type: sshsig.PEMType, Bytes: raw})
		_, err := allowed.Verify(anApproval(), string(changed), noon)
		require.Error(t, err, "byte %d of the signature", i)
		raw[i] ^= 1
	}
}

// A signature over one statement is not valid for another.
func TestVerify_AnotherStatement(t *testing.T) {
	t.Parallel()
	key := sshtest.New(t)
	allowed := load(t, "*@example.com "+key.Public())
	armored := signed(t, key, anApproval())
	for name, change := range map[string]func(*Statement){
		"request":  func(s *Statement) { s.Request = "grant/INC-43" },
		"run":      func(s *Statement) { s.Run = "another" },
		"plan":     func(s *Statement) { s.PlanHash = strings.Repeat("0", 64) },
		"kind":     func(s *Statement) { s.Kind = KindDeny },
		"person":   func(s *Statement) { s.By = "dave@example.com" },
		"spelling": func(s *Statement) { s.By = "Carol@example.com" },
		"comment":  func(s *Statement) { s.Comment = "" },
		"duration": func(s *Statement) { s.Duration *= 2 },
		"time":     func(s *Statement) { s.At = s.At.Add(1) },
	} {
		s := anApproval()
		change(&s)
		_, err := allowed.Verify(s, armored, noon)
		require.ErrorContains(t, err, "does not match the statement", name)
		require.NotContains(t, err.Error(), strings.Fields(key.Public())[1])
	}
}

func TestVerify_NotASignatureOfOurs(t *testing.T) {
	t.Parallel()
	key := sshtest.New(t)
	allowed := load(t, carol+" "+key.Public())
	armored := signed(t, key, anApproval())
	file, err := keygen(t, anApproval().Canonical(), "-Y", "sign", "-n", "file", "-f", key.Save(t, ""))
	require.NoError(t, err)
	for want, text := range map[string]string{
		"there is no signature":              " \n",
		"for the namespace \"file\"":         file,
		"must be what `ssh-keygen -Y sign`":  "hello\n" + armored,
		"from \"-----BEGIN SSH SIGNATURE":    armored + "more",
		"writes, from":                       strings.Replace(armored, begin+"\n", begin+"\nA: b\n\n", 1),
		"to \"-----END SSH SIGNATURE-----\"": armored + armored,
		"the signature cannot be read":       begin + "\nAAAA\n" + end,
		"cannot be read: invalid PEM block":  begin + "\n!!!!\n" + end,
		"longer than 16384 bytes":            begin + "\n" + strings.Repeat("A", 20000) + "\n" + end,
		"must be what `ssh-keygen":           strings.ReplaceAll(armored, "SSH SIGNATURE", "SIGNATURE"),
	} {
		_, err := allowed.Verify(anApproval(), text, noon)
		require.ErrorContains(t, err, want)
	}
	_, err = allowed.Verify(anApproval(), "\n"+strings.ReplaceAll(armored, "\n", "\r\n"), noon)
	require.NoError(t, err, "a file with Windows line endings")
}

// A certificate is refused, whichever authority issued it.
func TestVerify_CertificateIsRefused(t *testing.T) {
	t.Parallel()
	authority, key := sshtest.New(t), sshtest.New(t)
	cert := &ssh.Certificate{
		Key: key.PublicKey(), CertType: ssh.UserCert,
		ValidPrincipals: []string{carol}, ValidBefore: ssh.CertTimeInfinity,
	}
	require.NoError(t, cert.SignCert(rand.Reader, authority))
	inner, err := sshsig.Sign(strings.NewReader(string(anApproval().Canonical())), key, sshsig.HashSHA512, Namespace)
	require.NoError(t, err)
	inner.PublicKey = cert
	_, err = load(t, carol+" "+key.Public()).Verify(anApproval(), string(sshsig.Armor(inner)), noon)
	require.ErrorContains(t, err, "certificates are not supported")
}

// Cancelling the context ends the wait for a key that its owner does not touch.
func TestSign_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	key := blockingKey{sshtest.New(t), make(chan struct{}), make(chan struct{})}
	defer close(key.release)
	go func() {
		<-key.called
		cancel()
	}()
	_, err := Sign(ctx, key, anApproval())
	require.ErrorIs(t, err, context.Canceled)
}

type blockingKey struct {
	sshtest.Key

	called, release chan struct{}
}

func (s blockingKey) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	close(s.called)
	<-s.release
	return s.Key.Sign(rand, data)
}

// An old agent signs RSA with SHA-1 although SHA-512 was requested.
func TestSign_RefusesSHA1(t *testing.T) {
	t.Parallel()
	_, err := Sign(t.Context(), sha1Key{sshtest.RSA(t)}, anApproval())
	require.ErrorContains(t, err, "made an invalid signature")
}

type sha1Key struct{ sshtest.Key }

func (o sha1Key) SignWithAlgorithm(rand io.Reader, data []byte, _ string) (*ssh.Signature, error) {
	return o.Key.SignWithAlgorithm(rand, data, ssh.KeyAlgoRSA)
}
