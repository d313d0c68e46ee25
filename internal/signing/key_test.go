package signing

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"sentinelone-provisioner/internal/sshtest"
)

func TestOpenKey_FromAgent(t *testing.T) {
	t.Parallel()
	work, home, rsa, ecdsa := sshtest.New(t), sshtest.New(t), sshtest.RSA(t), sshtest.NewECDSA(t)
	several := sshtest.Agent(t, map[string]sshtest.Key{
		"Carol@example.com ": work, "laptop": home, "token": rsa, "old": ecdsa,
	})
	one := sshtest.Agent(t, map[string]sshtest.Key{"laptop": home})
	for name, c := range map[string]struct {
		options KeyOptions
		want    sshtest.Key
	}{
		"by its comment":    {KeyOptions{By: carol, Socket: several}, work},
		"the only one":      {KeyOptions{By: carol, Socket: one}, home},
		"by its public key": {KeyOptions{By: carol, Socket: several, Path: write(t, "a.pub", home.Public())}, home},
		"an RSA key":        {KeyOptions{Socket: several, Path: write(t, "b.pub", rsa.Public()+" token\n")}, rsa},
		"an elliptic curve": {KeyOptions{Socket: several, Path: write(t, "c.pub", ecdsa.Public())}, ecdsa},
	} {
		key, err := OpenKey(t.Context(), c.options)
		require.NoError(t, err, name)
		require.Equal(t, c.want.PublicKey().Marshal(), key.PublicKey().Marshal(), name)
		_, err = load(t, carol+" "+c.want.Public()).Verify(anApproval(), signed(t, key, anApproval()), noon)
		require.NoError(t, err, name)
		require.NoError(t, key.Close())
	}
}

func TestOpenKey_NoChoice(t *testing.T) {
	t.Parallel()
	a, b := sshtest.New(t), sshtest.New(t)
	var none *NoKeyError
	for want, o := range map[string]KeyOptions{
		"no ssh-agent found":         {By: carol},
		"ssh-agent does not answer":  {By: carol, Socket: "/nonexistent/agent"},
		"holds no key: add one with": {By: carol, Socket: sshtest.Agent(t, nil)},
		"holds 2 keys, and none has the comment carol@example.com: " +
			"pass the public key file of one with --key: SHA256:": {
			By: carol, Socket: sshtest.Agent(t, map[string]sshtest.Key{"a": a, "b": b}),
		},
		"holds 2 keys, and 2 have the comment carol@example.com": {
			By: carol, Socket: sshtest.Agent(t, map[string]sshtest.Key{carol: a, "CAROL@example.com": b}),
		},
	} {
		_, err := OpenKey(t.Context(), o)
		require.ErrorContains(t, err, want)
		require.ErrorAs(t, err, &none)
	}
	_, err := OpenKey(t.Context(), KeyOptions{
		By: carol, Socket: sshtest.Agent(t, map[string]sshtest.Key{carol: a}), Path: write(t, "b.pub", b.Public()),
	})
	require.ErrorContains(t, err, "ssh-agent does not hold "+b.Fingerprint()+": add it with ssh-add")
	require.NotErrorAs(t, err, &none, "a named key is not replaced by another")
}

// Certificates in an agent are skipped: the plain key beside them signs.
func TestOpenKey_SkipsCertificates(t *testing.T) {
	t.Parallel()
	key, authority := sshtest.New(t), sshtest.New(t)
	cert := &ssh.Certificate{Key: key.PublicKey(), CertType: ssh.UserCert, ValidBefore: ssh.CertTimeInfinity}
	require.NoError(t, cert.SignCert(rand.Reader, authority))
	ring := agent.NewKeyring()
	require.NoError(t, ring.Add(agent.AddedKey{PrivateKey: key.Raw, Certificate: cert, Comment: carol}))
	require.NoError(t, ring.Add(agent.AddedKey{PrivateKey: key.Raw, Comment: carol}))
	socket, _ := sshtest.Serve(t, ring)
	opened, err := OpenKey(t.Context(), KeyOptions{By: carol, Socket: socket})
	require.NoError(t, err)
	require.Equal(t, ssh.KeyAlgoED25519, opened.PublicKey().Type())
	require.NoError(t, opened.Close())
}

func TestOpenKey_FromFile(t *testing.T) {
	t.Parallel()
	answering := func(answer string) func(string) ([]byte, error) {
		return func(string) ([]byte, error) { return []byte(answer), nil }
	}
	for name, key := range keysOfEachType(t) {
		allowed := load(t, carol+" "+key.Public())
		for passphrase, options := range map[string]KeyOptions{
			"":       {Path: key.Save(t, "")},
			"secret": {Path: key.Save(t, "secret"), Passphrase: answering("secret")},
		} {
			opened, err := OpenKey(t.Context(), options)
			require.NoError(t, err, name+passphrase)
			_, err = allowed.Verify(anApproval(), signed(t, opened, anApproval()), noon)
			require.NoError(t, err)
			require.NoError(t, opened.Close())
		}
	}
}

func TestOpenKey_FileFaults(t *testing.T) {
	t.Parallel()
	key := sshtest.New(t)
	encrypted, open := key.Save(t, "secret"), key.Save(t, "")
	require.NoError(t, os.Chmod(open, 0o644))
	for want, o := range map[string]KeyOptions{
		"/nonexistent/key: cannot be read: no such file or directory": {Path: "/nonexistent/key"},
		"there is no terminal to ask for its passphrase":              {Path: encrypted},
		"wrong passphrase": {
			Path: encrypted, Passphrase: func(string) ([]byte, error) { return []byte("wrong"), nil },
		},
		"read the passphrase: no terminal": {
			Path: encrypted, Passphrase: func(string) ([]byte, error) { return nil, errors.New("no terminal") },
		},
		"other users can read it (mode 0644): run chmod 600 on it": {Path: open},
		"no key found": {Path: write(t, "key", "hello")},
	} {
		_, err := OpenKey(t.Context(), o)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "key "+o.Path)
	}
}

// Cancelling the context ends the wait for an agent that does not answer.
func TestOpenKey_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 1)) // the request for its keys has arrived
		cancel()
	}()
	_, err = OpenKey(ctx, KeyOptions{Socket: socket})
	require.ErrorContains(t, err, "list the keys of ssh-agent")
}

// The text of a key in the place of its path is not repeated in the error, which may end in a log.
func TestOpenKey_TheKeyItself(t *testing.T) {
	t.Parallel()
	_, err := OpenKey(t.Context(), KeyOptions{Path: "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n"})
	require.ErrorContains(t, err, "write the key to a file that only its user can read")
	require.NotContains(t, err.Error(), "hunter2")
}
