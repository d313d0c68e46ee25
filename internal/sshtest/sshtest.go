// Package sshtest makes SSH keys for tests, writes them as OpenSSH does, and serves them
// as ssh-agent does.
//
// Only tests import it.
package sshtest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Key is a private key with its ways of being written.
type Key struct {
	ssh.AlgorithmSigner

	// Raw is the key as its package has it, such as *ed25519.PrivateKey.
	Raw any
}

// New makes an ed25519 key.
func New(t *testing.T) Key {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return Of(t, &private)
}

// Of is a key that was made elsewhere: of any type that package ssh takes.
func Of(t *testing.T, raw any) Key {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(raw)
	require.NoError(t, err)
	algorithm, ok := signer.(ssh.AlgorithmSigner)
	require.True(t, ok)
	return Key{algorithm, raw}
}

// Public is the public key, "type base64".
func (k Key) Public() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.PublicKey())))
}

// PEM is the private key as OpenSSH writes it, encrypted where there is a passphrase.
func (k Key) PEM(t *testing.T, passphrase string) []byte {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(k.Raw, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(k.Raw, "", []byte(passphrase))
	}
	require.NoError(t, err)
	return pem.EncodeToMemory(block)
}

// Save writes the private key into a file of the test's own.
func (k Key) Save(t *testing.T, passphrase string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, k.PEM(t, passphrase), 0o600))
	return path
}

// Agent is an ssh-agent of this process, until the test ends. Keys are by comment.
func Agent(t *testing.T, keys map[string]Key) (socket string) {
	t.Helper()
	return Serve(t, Ring(t, keys))
}

// Ring holds keys, by comment, as ssh-agent does.
func Ring(t *testing.T, keys map[string]Key) agent.Agent {
	t.Helper()
	ring := agent.NewKeyring()
	for comment, k := range keys {
		require.NoError(t, ring.Add(agent.AddedKey{PrivateKey: k.Raw, Comment: comment}))
	}
	return ring
}

// Serve offers a ring of keys as ssh-agent does, until the test ends.
func Serve(t *testing.T, ring agent.Agent) (socket string) {
	t.Helper()
	socket, _ = ServeUntil(t, ring)
	return socket
}

// ServeUntil is Serve by an agent that can go away: stop hangs up on everybody.
func ServeUntil(t *testing.T, ring agent.Agent) (socket string, stop func()) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "unix", socket)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(func() { stop(); _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(ctx, func() { _ = conn.Close() })
			go func() {
				_ = agent.ServeAgent(ring, conn)
				_ = conn.Close()
			}()
		}
	}()
	return socket, stop
}

// People makes a key for each of them, and a file of allowed signers in which each may
// sign in their own name.
func People(t *testing.T, names ...string) (keys map[string]ssh.AlgorithmSigner, file string) {
	t.Helper()
	keys = map[string]ssh.AlgorithmSigner{}
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
