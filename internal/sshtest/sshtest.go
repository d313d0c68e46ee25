// Package sshtest makes SSH keys for tests, writes them as OpenSSH does, and runs an ssh-agent
// that holds them.
//
// Only tests import it.
package sshtest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Key is a private key that signs and can be written as OpenSSH writes it.
type Key struct {
	ssh.AlgorithmSigner

	// Raw is the key as package crypto has it: *ed25519.PrivateKey, *ecdsa.PrivateKey or
	// *rsa.PrivateKey.
	Raw any
}

// New makes an ed25519 key.
func New(t *testing.T) Key {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return of(t, &private)
}

// NewECDSA makes a key on the curve P-384.
func NewECDSA(t *testing.T) Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	return of(t, private)
}

// oneRSA is the RSA key of the process: it takes long to make.
var oneRSA = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// RSA returns an RSA key of 2048 bits, the same one each time.
func RSA(t *testing.T) Key {
	t.Helper()
	private, err := oneRSA()
	require.NoError(t, err)
	return of(t, private)
}

func of(t *testing.T, raw any) Key {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(raw)
	require.NoError(t, err)
	algorithm, ok := signer.(ssh.AlgorithmSigner)
	require.True(t, ok)
	return Key{algorithm, raw}
}

// Public returns the public key as "type base64".
func (k Key) Public() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.PublicKey())))
}

// Fingerprint returns the fingerprint of the public key, "SHA256:…".
func (k Key) Fingerprint() string { return ssh.FingerprintSHA256(k.PublicKey()) }

// PEM returns the private key as OpenSSH writes it, encrypted unless passphrase is "".
func (k Key) PEM(t *testing.T, passphrase string) []byte {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(k.Raw, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(k.Raw, "", []byte(passphrase))
	}
	require.NoError(t, err)
	return pem.EncodeToMemory(block)
}

// Save writes the private key, as PEM does, to a file in a temporary directory.
func (k Key) Save(t *testing.T, passphrase string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, k.PEM(t, passphrase), 0o600))
	return path
}

// Agent runs an ssh-agent with keys, by comment, until the test ends.
func Agent(t *testing.T, keys map[string]Key) (socket string) {
	t.Helper()
	socket, _ = StoppableAgent(t, keys)
	return socket
}

// StoppableAgent is Agent; stop closes it and all its connections.
func StoppableAgent(t *testing.T, keys map[string]Key) (socket string, stop func()) {
	t.Helper()
	ring := agent.NewKeyring()
	for comment, k := range keys {
		require.NoError(t, ring.Add(agent.AddedKey{PrivateKey: k.Raw, Comment: comment}))
	}
	return Serve(t, ring)
}

// Serve runs an ssh-agent with the keys of a ring until the test ends. When stop returns, the
// agent takes no connection more and all that it had are closed.
func Serve(t *testing.T, ring agent.Agent) (socket string, stop func()) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "unix", socket)
	require.NoError(t, err)
	open := &connections{}
	stop = func() { _ = listener.Close(); open.close() }
	t.Cleanup(stop)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.add(conn)
			go func() {
				_ = agent.ServeAgent(ring, conn)
				_ = conn.Close()
			}()
		}
	}()
	return socket, stop
}

// connections are those of an agent, until it is stopped.
type connections struct {
	mu      sync.Mutex
	stopped bool
	open    []net.Conn
}

// add keeps a connection for close; after close it closes it at once.
func (c *connections) add(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		_ = conn.Close()
		return
	}
	c.open = append(c.open, conn)
}

// close closes every connection. It may be called again.
func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	for _, conn := range c.open {
		_ = conn.Close()
	}
}

// People makes a key for each name, and a file of allowed signers in which each key may sign for
// its name.
func People(t *testing.T, names ...string) (keys map[string]Key, file string) {
	t.Helper()
	keys = map[string]Key{}
	var list strings.Builder
	for _, who := range names {
		key := New(t)
		keys[who] = key
		list.WriteString(who + " " + key.Public() + "\n")
	}
	file = filepath.Join(t.TempDir(), "allowed_signers")
	require.NoError(t, os.WriteFile(file, []byte(list.String()), 0o600))
	return keys, file
}
