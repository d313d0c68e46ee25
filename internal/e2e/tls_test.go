package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
)

// testCA signs certificates for a test.
type testCA struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string // its certificate
}

func newTestCA(t *testing.T, name string) testCA {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := certificateOf(name, time.Now().Add(time.Hour))
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	ca := testCA{key: key, file: filepath.Join(t.TempDir(), name+".pem")}
	ca.certificate, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	writePEM(t, ca.file, "CERTIFICATE", der)
	return ca
}

func certificateOf(name string, end time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: end.Add(-24 * time.Hour), NotAfter: end, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

// sign makes a certificate that ends at a time, and returns the files of it and of its key.
func (ca testCA) sign(t *testing.T, end time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := certificateOf("127.0.0.1", end)
	der, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, private.Public(), ca.key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writePEM(t, cert, "CERTIFICATE", der)
	writePEM(t, key, "PRIVATE KEY", secret)
	return cert, key
}

// behindTLS has the stack's server answer behind TLS, as Temporal Cloud does: with a key by API key, else by client
// certificates of the CA.
func (ca testCA) behindTLS(t *testing.T, key string) string {
	t.Helper()
	cert, private := ca.sign(t, time.Now().Add(time.Hour))
	pair, err := tls.LoadX509KeyPair(cert, private)
	require.NoError(t, err)
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}
	if key == "" {
		config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		config.ClientCAs.AddCert(ca.certificate)
	}
	proxy, err := testbed.StartTLSProxy(t.Context(), shared.Address, config, key)
	require.NoError(t, err)
	t.Cleanup(proxy.Close)
	return proxy.Address
}

// A worker and a command reach Temporal behind TLS by client certificate and by API key, and a sync runs.
func TestTLS_TemporalCloud(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t, "ca")
	cert, key := ca.sign(t, time.Now().Add(time.Hour))
	const apiKey = "key-of-the-test"
	file := filepath.Join(t.TempDir(), "temporal.toml")
	byFile := func(address string) []string { // as deploy/kustomize/components/temporal-api-key does
		require.NoError(t, os.WriteFile(file, []byte("[profile.default]\naddress = \""+address+"\"\napi_key = \""+
			apiKey+"\"\n[profile.default.tls]\nserver_ca_cert_path = \""+ca.file+"\"\n"), 0o600))
		return []string{"TEMPORAL_CONFIG_FILE=" + file, "TEMPORAL_ADDRESS=" + address}
	}
	for name, settings := range map[string][]string{
		"client certificate": {
			"TEMPORAL_ADDRESS=" + ca.behindTLS(t, ""), "TEMPORAL_TLS_SERVER_CA_CERT_PATH=" + ca.file,
			"TEMPORAL_TLS_CLIENT_CERT_PATH=" + cert, "TEMPORAL_TLS_CLIENT_KEY_PATH=" + key,
		},
		"API key": {
			"TEMPORAL_ADDRESS=" + ca.behindTLS(t, apiKey), "TEMPORAL_TLS_SERVER_CA_CERT_PATH=" + ca.file,
			"TEMPORAL_API_KEY=" + apiKey,
		},
		"API key in a file": byFile(ca.behindTLS(t, apiKey)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, grantworld.Options())
			env := append(s.env(), settings...)
			output := &testbed.Output{}
			worker, err := testbed.StartProcess(output, env, programs.Worker)
			require.NoError(t, err)
			t.Cleanup(worker.Kill)
			got := runProgram(t, env, programs.Starter, "sync", "--wait", "--id", s.syncID(""))
			require.Zero(t, got.code, "%s\n%s", got.stderr, output.String())
			require.NotContains(t, output.String()+got.stdout+got.stderr, apiKey)
		})
	}
}

// Settings with which Temporal is never reached are a sentence and exit code 2, of the worker and of commands.
func TestTLS_Faults(t *testing.T) {
	t.Parallel()
	ca, other := newTestCA(t, "ca"), newTestCA(t, "other")
	cert, key := ca.sign(t, time.Now().Add(time.Hour))
	_, otherKey := ca.sign(t, time.Now().Add(time.Hour))
	oldCert, oldKey := ca.sign(t, time.Now().Add(-time.Hour))
	foreignCert, foreignKey := other.sign(t, time.Now().Add(time.Hour))
	byCertificate, byKey := ca.behindTLS(t, ""), ca.behindTLS(t, "right")
	settings := func(address, ca, cert, key string) []string {
		return []string{
			"TEMPORAL_ADDRESS=" + address, "TEMPORAL_TLS=true", "TEMPORAL_TLS_SERVER_CA_CERT_PATH=" + ca,
			"TEMPORAL_TLS_CLIENT_CERT_PATH=" + cert, "TEMPORAL_TLS_CLIENT_KEY_PATH=" + key,
		}
	}
	for want, env := range map[string][]string{
		"not in " + other.file:               settings(byCertificate, other.file, cert, key),
		"the file cannot be read":            settings(byCertificate, "/nowhere/ca.pem", cert, key),
		"the certificate in " + oldCert:      settings(byCertificate, ca.file, oldCert, oldKey),
		otherKey + " is not the private key": settings(byCertificate, ca.file, cert, otherKey),
		key + " holds no certificate in PEM": settings(byCertificate, key, cert, key),
		"it asks for a client certificate":   settings(byCertificate, ca.file, "", ""),
		"it refuses the client certificate":  settings(byCertificate, ca.file, foreignCert, foreignKey),
		"does not accept the API key":        append(settings(byKey, ca.file, "", ""), "TEMPORAL_API_KEY=wrong"),
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, grantworld.Options())
			for _, got := range []commandResult{
				runProgram(t, append(s.env(), env...), programs.Worker),
				runProgram(t, append(s.env(), env...), programs.Starter, "sync"),
			} {
				require.Equal(t, 2, got.code, got.stderr)
				require.Contains(t, got.stderr, want)
			}
		})
	}
}
