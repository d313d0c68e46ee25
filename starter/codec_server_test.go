package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// file writes a file that only this test has.
func codecFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// certificate writes a certificate that ends at a time, and its key.
func certificate(t *testing.T, ends time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: ends.Add(-time.Hour), NotAfter: ends, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return codecFile(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		codecFile(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

// What would let others read, or cannot work, is a sentence and exit code 2; nothing listens.
func TestCodecServer_BadInput(t *testing.T) {
	keys := codecFile(t, "keys", "k1:"+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 32))))
	token := codecFile(t, "token", strings.Repeat("t", 32))
	short := codecFile(t, "short", "secret")
	expired, expiredKey := certificate(t, time.Now().Add(-time.Minute))
	later, laterKey := certificate(t, time.Now().Add(48*time.Hour))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for name, c := range map[string]struct {
		args string
		keys string
		want string
	}{
		"a public address without a token": {
			"--listen 0.0.0.0:0", keys,
			"pass --token-file, or listen on localhost",
		},
		"all addresses": {
			"--listen :0", keys,
			"pass --token-file, or listen on localhost",
		},
		"a name": {
			"--listen s1.example.com:0", keys,
			"pass --token-file, or listen on localhost",
		},
		"no port": {
			"--listen localhost", keys,
			"set it to host and port",
		},
		"a taken port": {
			"--listen " + taken.Addr().String(), keys,
			"choose another host:port",
		},
		"a short token": {
			"--token-file " + short, keys,
			"at least 16 characters",
		},
		"a token of a missing file": {
			"--token-file " + short + ".none", keys,
			"--token-file: open",
		},
		"no keys": {
			"", "",
			"PAYLOAD_KEYS_FILE is not set",
		},
		"a key of a wrong length": {
			"", codecFile(t, "bad", "k1:YWJj"),
			"line 1 is malformed",
		},
		"every page": {
			"--ui-origin *", keys,
			"without *",
		},
		"a page with a path": {
			"--ui-origin http://localhost:8233/", keys,
			"without a path",
		},
		"a page without a scheme": {
			"--ui-origin localhost:8233", keys,
			"write scheme, host and port",
		},
		"a certificate alone": {
			"--tls-cert " + expired, keys,
			"go together",
		},
		"a missing certificate": {
			"--tls-cert none.pem --tls-key " + expiredKey, keys,
			"none.pem",
		},
		"an expired certificate": {
			"--tls-cert " + expired + " --tls-key " + expiredKey, keys,
			"expired on",
		},
		"a certificate of tomorrow": {"--tls-cert " + later + " --tls-key " + laterKey, keys, "is valid from"},
		"the key of another certificate": {
			"--tls-cert " + expired + " --tls-key " + laterKey, keys,
			"--tls-cert, --tls-key: tls: private key does not match public key",
		},
		"a folder as certificate": {
			"--tls-cert " + filepath.Dir(expired) + " --tls-key " + expiredKey, keys, "is a directory",
		},
		"a folder as token":     {"--token-file " + filepath.Dir(token), keys, "is a directory"},
		"all addresses of IPv6": {"--listen [::]:0", keys, "pass --token-file, or listen on localhost"},
		"a token and every page": {
			"--listen 0.0.0.0:0 --token-file " + token + " --ui-origin https://*.example.com", keys, "without *",
		},
		"a token and a wrong address": {
			"--listen x --token-file " + token, keys,
			"set it to host and port",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PAYLOAD_KEYS_FILE", c.keys)
			ended, end := context.WithCancel(t.Context()) // one that starts all the same stops at once
			end()
			var out, errOut strings.Builder
			code := Main(ended, append([]string{"codec-server"}, strings.Fields(c.args)...), &out, &errOut)
			require.Equal(t, exitUsage, code, errOut.String())
			require.Contains(t, errOut.String(), c.want)
			require.Empty(t, out.String())
		})
	}
}
